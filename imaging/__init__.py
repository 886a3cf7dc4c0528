"""The pictures: read from any disc, judged, kept unchanged and served. Knows pydicom; knows no chart and no referral."""
