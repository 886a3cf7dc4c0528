"""Why a file could not be taken, in the person's language; the pictures' library says it in English."""

from __future__ import annotations

import re

from flask_babel import gettext
from flask_babel import lazy_gettext as _

SENTENCES = (  # for the catalogue; what is said is looked up by itself
    _("The image of a disc is damaged or of a kind that we cannot open. Give us the folder that is on the disc."),
    _("The disc image says that this file lies outside of it. Make the image again."),
    _("The report is damaged and cannot be opened. Take photos of the pages, or ask for it again."),
    _("The report is locked with a password. Save it without one, or take photos of the pages."),
    _("A packed file of a kind that we cannot open. Unpack it, or make a ZIP of what is in it."),
    _("The file is locked. Its password is on the sleeve or from the imaging centre."),
    _("The picture is cut short. Ask the imaging centre for a new copy."),
    _("The file is empty."),
    _("The file is damaged and cannot be read."),
    _("The header of this file is too large to be read."),
    _("The ZIP is damaged and cannot be opened. Make it again, or give the folder itself."),
    _("This file is damaged inside the ZIP."),
    _("This file is packed in a way that we cannot open. Make the ZIP again with your computer's own program."),
    _("The ZIP is locked with a password. Unlock it first, or ask the imaging centre for the password."),
    _("Another picture carries the same number (SOP Instance UID)."),
    _("The folder could not be opened."),
    _("The ZIP holds the same bytes under several names. It was not opened."),
)
PATTERNS = (
    (re.compile(r"Larger than (?P<bytes>[\d,]+) bytes\."), _("Larger than %(bytes)s bytes.")),
    (
        re.compile(r"The virus scanner stopped this file \((?P<name>.*)\)\. It was not kept\."),
        _("The virus scanner stopped this file (%(name)s). It was not kept."),
    ),
    (
        re.compile(r"The picture has no usable (?P<name>\w+), so it cannot be told from others\."),
        _("The picture has no usable %(name)s, so it cannot be told from others."),
    ),
    (re.compile(r"The file could not be read \((?P<name>\w+)\)\."), _("The file could not be read (%(name)s).")),
    (
        re.compile(r"The file unpacks to more than (?P<bytes>[\d,]+) bytes\."),
        _("The file unpacks to more than %(bytes)s bytes."),
    ),
    (
        re.compile(r"More than (?P<count>[\d,]+) files\. Give them in smaller parts\."),
        _("These are more than %(count)s files. Give them in smaller parts."),
    ),
    (
        re.compile(r"More than (?P<bytes>[\d,]+) bytes\. Give them in smaller parts\."),
        _("This is more than %(bytes)s bytes in all. Call us, and we will find another way."),
    ),
    (
        re.compile(r"The ZIP unpacks to more than (?P<ratio>\d+) times its size\. .*"),
        _("The ZIP unpacks to more than %(ratio)s times its size. We do not open such files."),
    ),
    (
        re.compile(r"ZIPs and disc images are nested deeper than (?P<depth>\d+)\."),
        _("There are packed files inside packed files, deeper than %(depth)s. Unpack the outer one first."),
    ),
    (
        re.compile(r"The report has more than (?P<pages>\d+) pages or more than (?P<pixels>\d+) megapixels\."),
        _("The report has more than %(pages)s pages or more than %(pixels)s megapixels."),
    ),
)


def in_words(why: str) -> str:
    """That reason in the language of the page; as it is where we do not know it."""
    for pattern, words in PATTERNS:
        found = pattern.fullmatch(why)
        if found:
            return str(words) % found.groupdict()
    return str(gettext(why)) if why else ""
