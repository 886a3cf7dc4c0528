"""The outside parts of the interop tests: each really runs, or the test is skipped with the reason."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.interop import hapi_server


@pytest.fixture(scope="session")
def hapi() -> Iterator[str]:
    """The base address of a real HAPI FHIR JPA server (R4)."""
    if not os.environ.get("TEST_HAPI_BASE") and hapi_server.java_command("hapi.Server") is None:
        pytest.skip(hapi_server.MISSING)
    with hapi_server.running() as base:
        yield base
