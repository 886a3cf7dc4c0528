"""What every test may use, and the rule that a real part may be absent only on a visitor's machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session", autouse=True)
def spared() -> Iterator[None]:
    """What every app of this process has in common is made once."""
    from tests.once import spared as once_only

    with once_only():
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party documents beside the checkout; the test is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the third-party documents (../shared/data) are not on this machine")
    return SHARED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """With CI=true, a real part that is missing fails the run instead of being skipped."""
    report = yield
    real = item.get_closest_marker("needs") or item.get_closest_marker("interop")
    wanted = os.environ.get("CI") == "true" and real is not None
    if wanted and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped, although CI must have the real part"
    return report
