"""A PDF without anything that acts: pages and what they show are copied into a new file, nothing else is.

Rule: what is copied is searched through and through for actions; names of ISO 32000-1 stand beside each.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from pypdf import PageObject

ACTING = {
    "/JavaScript": "scripts",
    "/Launch": "programs to start",
    "/SubmitForm": "forms that send",
    "/ImportData": "forms that fetch",
    "/GoToR": "links to other files",
    "/GoToE": "links to attached files",
    "/Rendition": "films and sounds",
    "/Movie": "films and sounds",
    "/Sound": "films and sounds",
    "/URI": "links",
    "/Named": "buttons",
    "/Hide": "buttons",
    "/ResetForm": "buttons",
}  # action types, 12.6.4
HOLDING = ("/JS", "/EF", "/AA", "/OpenAction", "/RichMediaContent", "/RichMediaSettings", "/Metadata", "/PieceInfo")
EMBEDDED = frozenset({"/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"})  # annotations, 12.5.6
MOST_OBJECTS = 500_000


class Locked(Exception):
    """The file wants a password."""


class TooManyPages(Exception):
    """More pages than anybody reads."""


def disarmed(source: BinaryIO, most_pages: int, most_text: int) -> tuple[bytes, str, int, list[str]]:
    """The new file, its text, the number of pages, and what was left out. Raises Locked, TooManyPages, and pypdf's."""
    from pypdf import PdfReader, PdfWriter

    reader = PdfReader(source)
    if reader.is_encrypted and not reader.decrypt(""):
        raise Locked
    if len(reader.pages) > most_pages:
        raise TooManyPages
    removed = set(_around(reader))
    writer = PdfWriter()
    text: list[str] = []
    for page in reader.pages:
        writer.add_page(page)
        if sum(map(len, text)) < most_text:
            text.append(_text(page))
    for page in writer.pages:
        removed.update(_cleaned(page))
    writer.compress_identical_objects(remove_duplicates=False, remove_unreferenced=True)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue(), "\n".join(text)[:most_text], len(reader.pages), sorted(removed)


def _text(page: PageObject) -> str:
    try:
        return page.extract_text()
    except Exception:  # noqa: BLE001  (odd fonts; the page is shown all the same)
        return ""


def _around(reader: Any) -> Iterator[str]:
    """What stands around the pages and is not copied."""
    root = reader.trailer["/Root"].get_object()
    opening = root["/OpenAction"].get_object() if "/OpenAction" in root else None
    if "/AA" in root or (isinstance(opening, dict) and opening.get("/S") != "/GoTo"):
        yield "scripts"
    names = root["/Names"].get_object() if "/Names" in root else {}
    if "/JavaScript" in names:
        yield "scripts"
    if "/EmbeddedFiles" in names or "/AF" in root:
        yield "attached files"
    if "/AcroForm" in root:
        yield "forms"


def _cleaned(page: PageObject) -> Iterator[str]:
    """Take out of this page, and of everything that it refers to, whatever acts."""
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

    waiting: list[Any] = [page]
    met: set[int] = set()
    while waiting and len(met) < MOST_OBJECTS:
        here = waiting.pop()
        here = here.get_object() if isinstance(here, IndirectObject) else here
        if id(here) in met:
            continue
        met.add(id(here))
        if isinstance(here, DictionaryObject):
            yield from _stripped(here)
            waiting.extend(value for key, value in dict.items(here) if key != "/Parent")
        elif isinstance(here, ArrayObject):
            out = [value for value in here if _embeds(value)]
            for value in out:
                yield "attached files"
                here.remove(value)
                value.get_object().clear()
            waiting.extend(here)


def _stripped(here: Any) -> Iterator[str]:
    for key in HOLDING:
        if key in here:
            del here[key]
            if key in ("/JS", "/AA", "/OpenAction"):
                yield "scripts"
    for key in ("/A", "/PA", "/Next"):
        if key not in here:
            continue
        action = here[key].get_object()
        kind = str(action.get("/S", "")) if isinstance(action, dict) else ""
        if kind in ACTING or (key != "/Next" and kind != "/GoTo"):
            del here[key]
            yield ACTING.get(kind, "buttons")
    if "/F" in here and "/Length" in here:  # a stream whose bytes lie in another file (7.3.8.2)
        del here["/F"]


def _embeds(value: Any) -> bool:
    value = value.get_object() if value is not None else None
    return isinstance(value, dict) and str(value.get("/Subtype", "")) in EMBEDDED
