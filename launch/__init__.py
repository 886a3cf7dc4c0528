"""The way in: SMART App Launch 2.2 and OpenID Connect. Knows authlib; knows no web framework, chart or referral."""
