"""Our words for critical findings: the tiers, how somebody was told, and what is missing when nobody was."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

TIER = (
    ("no", _("No"), _("The chart and the usual notices are enough.")),
    ("1", _("Within minutes, spoken"), _("Life or organ at risk now.")),
    ("2", _("Within hours"), _("Needs action today.")),
    ("3", _("Within three days"), _("Must not be lost, such as a mass nobody knew of.")),
)
TIER_WITHIN = {
    1: _("Speak to a person within minutes."),
    2: _("A person must hear it within hours."),
    3: _("A person must hear it within three days."),
}
TOLD_HOW = {
    "phone": _("By telephone"),
    "in-person": _("In person"),
    "secure-message": _("By secure message, and they answered"),
    "fax": _("By fax, and they confirmed it"),
}
TOLD_OPTIONS = tuple((name, words, "") for name, words in TOLD_HOW.items())
FAULTS = {
    ("finding", "missing"): _("Write what you told."),
    ("heard", "missing"): _("Name who heard it."),
    ("how", "missing"): _("Say how they were told."),
    ("how", "spoken"): _("This one must be spoken: by telephone or in person."),
    ("read_back", "missing"): _("Have them say it back, then tick this."),
}
