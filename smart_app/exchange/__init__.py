"""The exchange: what another organisation's own system may see of a referral, and what it may do to it. No Flask here.

Rule: a system sees the referrals of its organisation and nothing of anybody else's; what it does goes through the same
use cases as a person's click.
"""
