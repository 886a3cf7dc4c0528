"""Every sentence of the screens is there in Spanish, and what is shown is what was translated."""

from __future__ import annotations

import io
import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

WEB = Path(__file__).parents[2] / "smart_app" / "web"
SPANISH = WEB / "translations" / "es" / "LC_MESSAGES" / "messages"
PLACE = re.compile(r"%\((\w+)\)[sd]")


def catalogue() -> Catalog:
    with SPANISH.with_suffix(".po").open("rb") as stream:
        return read_po(stream, locale="es")


def texts(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list | tuple) else [str(value or "")]


def test_every_sentence_is_there_in_spanish() -> None:
    """Run `make texts` after writing a sentence, then translate it."""
    known = {texts(message.id)[0]: message for message in catalogue() if message.id}
    with (WEB / "babel.cfg").open() as stream:
        methods, options = parse_mapping_cfg(stream)
    found = extract_from_dir(WEB, methods, options)
    missing = sorted({texts(message)[0] for _, _, message, _, _ in found} - set(known))
    assert missing == [], "not collected"
    assert [name for name, message in known.items() if not all(texts(message.string))] == [], "not translated"


def test_a_translation_keeps_every_value_of_its_sentence() -> None:
    for message in catalogue():
        wanted = [set(PLACE.findall(text)) for text in texts(message.id)]
        said = [set(PLACE.findall(text)) for text in texts(message.string)]
        assert said == wanted, message.id


def test_what_is_shown_is_what_was_translated() -> None:
    """The compiled catalogue is as new as its source."""
    compiled = read_mo(io.BytesIO(SPANISH.with_suffix(".mo").read_bytes()))
    for message in catalogue():
        if message.id:
            shown = compiled.get(texts(message.id)[0])
            assert shown is not None
            assert texts(shown.string) == texts(message.string), message.id
