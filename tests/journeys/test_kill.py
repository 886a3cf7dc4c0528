"""kill -9 between “written in the chart” and “marked done” leaves exactly one opinion, in each kind of chart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.conftest import Round, until

pytestmark = [pytest.mark.timeout(180)]


@pytest.mark.parametrize("ehr", ["epic", "oracle", "open"])
def test_killing_the_worker_after_the_chart_has_written_leaves_one_opinion(
    begin: Callable[..., Round], disc: list[Path], ehr: str
) -> None:
    """The chart writes, is slow to answer, and the worker dies while it waits."""
    walk = begin(ehr)
    walk.to_expert(disc)
    expert = walk.to_reading()
    walk.chart.scenario(walk.patient_id, "slow")
    expert.sign()
    until(lambda: len(walk.chart.documents(walk.patient_id)), 1)
    assert walk.clinician.state()["status"] == "signed", "the worker was not waiting any more: this proves nothing"
    walk.house.kill_part("worker")
    walk.chart.scenario(walk.patient_id, None)
    walk.house.start_part("worker")
    if ehr == "epic":
        until(lambda: [p["action"] for p in walk.clinician.state()["parked"]], ["file_opinion"])
        assert walk.clinician.state()["status"] == "signed"
        walk.operator().it_is_there(walk.clinician.referral, walk.chart.documents(walk.patient_id)[0])
    until(walk.status, "delivered")
    assert len(walk.chart.documents(walk.patient_id)) == 1
    walk.clinician.acknowledge()


def test_killing_the_worker_while_it_stores_images_stores_each_once(
    begin: Callable[..., Round], disc: list[Path]
) -> None:
    """Storing is begun again and finds what is there."""
    walk = begin("open")
    walk.house.kill_part("worker")
    walk.patient.tell()
    walk.patient.give(disc, None)
    walk.patient.confirm()
    walk.patient.send()
    walk.house.start_part("worker")
    until(lambda: walk.patient.status(), "sent")
    walk.house.kill_part("worker")
    walk.house.start_part("worker")
    until(walk.patient.status, "sent")
    walk.to_reading()


def test_killing_the_web_between_two_batches_loses_nothing(begin: Callable[..., Round], disc: list[Path]) -> None:
    """What was given before is still there after the web process died."""
    walk = begin("open")
    walk.patient.tell()
    walk.patient.give(disc[:3], None)
    walk.house.kill_part("web")
    walk.house.start_part("web")
    walk.house.wait_for("web")
    walk.patient.give(disc[3:], None)
    assert walk.patient.open(walk.patient.at("show"))["counts"] == {"image": len(disc)}
