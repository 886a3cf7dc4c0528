"""Second Opinion: one referral, from a question in a chart to a signed opinion read by the doctor who asked."""
