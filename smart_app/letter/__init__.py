"""A signed opinion as a letter: text for a chart note, PDF for a person. Rule: both are made from one source.

The same signed version always gives the same bytes, so that a letter read back from a chart can be compared.
"""

from __future__ import annotations

from smart_app.letter.contents import Contents, contents
from smart_app.letter.plain import COLUMNS, as_text
from smart_app.letter.sheet import as_pdf
from smart_app.referral import Referral

__all__ = ["COLUMNS", "Contents", "contents", "pdf", "text"]


def text(referral: Referral, version: int, *, organisation: str, site: str) -> str:
    """The letter as plain text, no line longer than 80 characters. Raises NoSuchReferral for an unsigned version.

    A later version says what changed in its first line. The line `Reference: <referral id> version N` stands alone.
    """
    return as_text(contents(referral, version, organisation=organisation, site=site))


def pdf(referral: Referral, version: int, *, organisation: str, site: str) -> bytes:
    """The letter as a PDF with its fonts embedded. Raises NoSuchReferral for an unsigned version.

    Patient, case, version and page n of m stand on every page.
    """
    return as_pdf(contents(referral, version, organisation=organisation, site=site))
