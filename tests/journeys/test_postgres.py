"""PostgreSQL instead of SQLite by one setting, and the same referral goes round."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smart_app.house import Addresses, House
from smart_app.settings import PREFIX
from tests import postgres
from tests.journeys.conftest import begin_round, until

pytestmark = [pytest.mark.needs, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose store and queue are in PostgreSQL."""
    programs = postgres.binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not on this machine (apt-get install postgresql)")
    with postgres.running(programs) as server:
        environ = {f"{PREFIX}DATABASE_URL": postgres.new_database(server)}
        with House(tmp_path_factory.mktemp("house"), Addresses.free(), environ) as running:
            yield running


@pytest.mark.parametrize("ehr", ["epic", "oracle", "open"])
def test_the_same_journey_on_postgresql(house: House, disc: list[Path], ehr: str) -> None:
    """From the question to the read opinion, with one opinion in the chart."""
    walk = begin_round(house, ehr)
    walk.to_expert(disc)
    walk.to_reading().sign()
    until(walk.status, "delivered")
    assert len(walk.chart.documents(walk.patient_id)) == 1
    walk.clinician.acknowledge()
    assert walk.clinician.state()["status"] == "seen"
    assert not list(house.folder.glob("*.db*")), "something was kept in SQLite"
