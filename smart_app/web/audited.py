"""The audit as a file: every line of the installation, or of one case, as CSV or as one JSON object a line.

Read in pieces, so that ten years of it cost no more memory than a day. Taking it away is itself a line of it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, request

from smart_app.store import Store
from smart_app.store.audit import AuditLine
from smart_app.web.sessions import current_line, ports

blueprint = Blueprint("audited", __name__, url_prefix="/line/<line_id>/operate")
COLUMNS = ("number", "at", "role", "name", "organisation", "reference", "verb", "case", "what", "why")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would run. A cell that begins so is written with an apostrophe before it."""


@blueprint.get("/audit.csv")
def as_csv() -> Response:
    """For a spreadsheet."""
    return _file("text/csv; charset=utf-8", "audit.csv", _csv)


@blueprint.get("/audit.ndjson")
def as_json_lines() -> Response:
    """For a program."""
    return _file("application/x-ndjson", "audit.ndjson", _json)


def _file(kind: str, name: str, write: Callable[[Iterator[AuditLine]], Iterator[str]]) -> Response:
    line, case = current_line(), request.args.get("case", "")
    with ports().store.transaction() as tx:
        tx.audit.write(ports().now(), line.party, "export-audit", case, name)
    answer = Response(write(_lines(ports().store, case)), content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


def _lines(store: Store, case: str) -> Iterator[AuditLine]:
    last = 0
    while True:
        with store.reading() as tx:
            found = tx.audit.after(last, referral_id=case)
        yield from found
        if not found:
            return
        last = found[-1].sequence


def _row(line: AuditLine) -> tuple[str, ...]:
    who = line.who
    return (
        *(str(line.sequence), line.at.isoformat(), who.role, who.name, who.organisation, who.reference),
        *(line.verb, line.referral_id, line.what, line.why),
    )


def _csv(lines: Iterator[AuditLine]) -> Iterator[str]:
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in _row(line)])
        yield page.getvalue()
        page.seek(0)
        page.truncate()
    yield page.getvalue()


def _json(lines: Iterator[AuditLine]) -> Iterator[str]:
    for line in lines:
        yield json.dumps(dict(zip(COLUMNS, _row(line), strict=True)), ensure_ascii=False) + "\n"
