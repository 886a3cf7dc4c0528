"""A hospital is connected: described from a template, kept with its secrets sealed, proven step by step, and found.

`templates` what kinds of EHR there are; `fields` how a site is written down flat; `keep` add, change, disable;
`live` the directory as it stands now; `walk` the test; `brands` the hospitals patients look for.
"""
