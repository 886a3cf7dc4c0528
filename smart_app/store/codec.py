"""Plain records to JSON text and back, exactly: frozen dataclasses, enums, tuples, moments in UTC.

A field may be added with a default and old text still reads; a field that changes its name or meaning needs a
migration of the stored text. Nothing here says what a value was: errors name the type only.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from cattrs import Converter

from smart_app.store.errors import DocumentUnreadable

Record = TypeVar("Record")


def encode(record: object) -> str:
    """The record as ASCII JSON, keys in the order of its fields. Raises ValueError for a moment without a zone."""
    return json.dumps(_converter.unstructure(record), separators=(",", ":"), allow_nan=False)


def decode(kind: type[Record], text: str) -> Record:
    """The record again, equal to what was encoded. Raises DocumentUnreadable."""
    try:
        return _converter.structure(json.loads(text), kind)
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        raise DocumentUnreadable(f"a stored {kind.__name__} cannot be read ({type(problem).__name__})") from None


def _moment_out(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return moment.astimezone(UTC).isoformat()


def _moment_in(text: Any, _: type) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a stored moment has no time zone")
    return moment.astimezone(UTC)


def _exactly(value: Any, kind: type) -> Any:
    """cattrs would turn None into "None" and "3" into 3; stored text is ours, so it must be right already."""
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}")
    return value


def _instances_in(rows: Any, _: Any) -> tuple[tuple[str, str, int | None], ...]:
    """A study has thousands of these: one pass without a dispatch per value."""
    return tuple((uid, sop_class, number) for uid, sop_class, number in rows)


def _make() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_unstructure_hook(datetime, _moment_out)
    converter.register_structure_hook(datetime, _moment_in)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(StrEnum, lambda value, kind: kind(value))
    rows = tuple[tuple[str, str, int | None], ...]
    converter.register_structure_hook_func(lambda kind: kind == rows, _instances_in)
    converter.register_unstructure_hook_func(lambda kind: kind == rows, lambda value: value)
    return converter


_converter = _make()
