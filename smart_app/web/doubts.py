"""Our words for what the gates doubt: sides that differ, picture sets that are missing, pictures with text in them."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

SIDE_DOUBT = {
    ("question", "headers"): _(
        "The question is about %(asked)s, and the image headers name only the other side. "
        "Ask the clinician, or hide the case if you suspect a wrong patient."
    ),
    ("question", "report"): _("The question is about %(asked)s, and the first report names only the other side."),
    ("question", "opinion"): _("The question is about %(asked)s, and your words name only the other side."),
    ("question", "conclusion"): _("The question is about %(asked)s, and your conclusion names only the other side."),
    ("headers", "report"): _("The image headers and the first report name different sides. Ask the clinician."),
    ("headers", "opinion"): _("The image headers name only the other side than your words. Look once more."),
    ("report", "opinion"): _(
        "The first report names only the other side than your words. If it is wrong, write that, with both sides."
    ),
}
"""Why an opinion cannot be signed, by the two sources that name different sides (`smart_app.side.doubt`)."""
