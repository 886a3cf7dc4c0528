"""The pictures: read from any disc, judged, kept unchanged and served. Knows no chart and no referral."""
