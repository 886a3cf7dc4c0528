"""Stores a folder as one sent referral in a new house and serves it as `second-opinion serve` does.

Prints one line of JSON when it listens (port, cookie, where the images are) and serves until standard input closes.
"""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from waitress.server import create_server

from imaging.archive import open_archive
from imaging.ingest import ingest
from imaging.media import walk
from launch.keys import Keys
from smart_app.case import Ask, Party, Patient
from smart_app.deliver.images import study_notes
from smart_app.ports import Ports
from smart_app.referral import Referral, Status
from smart_app.settings import read_settings
from smart_app.sites import Directory
from smart_app.store import Store
from smart_app.web import create_app
from smart_app.web.sessions import COOKIE

SYSTEM = Party("system", "Second Opinion")
CLINICIAN = Party("clinician", "Ines Mockford", "Practitioner/1")
EXPERT = Party("expert", "Noor Exemplar", "https://experts.invalid|7")
PATIENT = Patient("Patient/1", "Samplewright", ("Marisol",), "1961-07-04", "female", "TST-12345")
MATCH = ({"field": "birth_date", "chart": "1961-07-04", "images": "1961-07-04", "result": "match"},)
THREADS = 8  # as `second-opinion serve`


class NoCharts:
    """No chart is opened to look at images."""

    def system(self, site: str) -> None:
        raise AssertionError(f"the chart of {site} was opened")

    def line(self, line_id: str) -> None:
        raise AssertionError(f"the chart of line {line_id} was opened")


def main() -> None:
    """One house until the end of standard input."""
    folder, data = Path(sys.argv[1]), Path(sys.argv[2])
    settings = read_settings(
        {
            "SECOND_OPINION_BASE_URL": "http://localhost",
            "SECOND_OPINION_DATA": str(data),
            "SECOND_OPINION_SECRET": "b" * 40,
            "SECOND_OPINION_PRACTICE": "1",
        }
    )
    Keys.create(data / "keys")
    store = Store(settings.database_url)
    store.migrate()
    archive = open_archive(settings.archive)
    ports = Ports(store, NoCharts(), archive, lambda _: None, lambda: datetime.now(UTC), Directory(), settings)
    now = datetime.now(UTC)
    referral = Referral(
        "11111111-2222-4333-8444-555555555555",
        "harbour",
        PATIENT,
        CLINICIAN,
        Ask("Is it growing?"),
        "reading-room",
        now,
        Status.GATHERING,
    )
    shelf = archive.shelf(referral.id)
    stored = sum(put is not None and put.outcome == "stored" for _, put in ingest(shelf, walk([folder])))
    referral = referral.send(SYSTEM, now, study_notes(shelf.studies(), {}), (), MATCH)
    with store.transaction() as tx:
        tx.referrals.add(referral)
        browser = tx.sessions.open_browser(now)
        line = tx.sessions.add_line(
            browser, "expert", EXPERT, expires=now + timedelta(hours=8), organisation="reading-room"
        )
    server = create_server(create_app(settings, ports), host="127.0.0.1", port=0, threads=THREADS)
    said = {
        "port": server.effective_port,
        "cookie": f"{COOKIE}={browser}",
        "root": f"/dicomweb/{line.id}/{referral.id}",
        "stored": stored,
    }
    print(json.dumps(said), flush=True)
    threading.Thread(target=server.run, daemon=True).start()
    sys.stdin.read()


main()
