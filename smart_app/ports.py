"""The outside world, handed in once and frozen. An interface stands here only where two real things stand behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from fhir.chart import Chart
from imaging.archive import Archive
from smart_app.mail import Letter
from smart_app.settings import Settings
from smart_app.sites import Directory
from smart_app.store import Store


class Charts(Protocol):
    """The charts we may open. The worker has its own key to each (Backend Services); a person has theirs."""

    def system(self, site: str) -> Chart:
        """The site's chart, opened by this installation itself. Raises LaunchError, KeyError."""
        ...

    def line(self, line_id: str) -> Chart:
        """The chart as the person on this line may see it. Raises LaunchError where the grant has ended."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything a use case may reach. Requests read the outside world; only the worker writes to it."""

    store: Store
    charts: Charts
    archive: Archive
    mail: Callable[[Letter], None]
    now: Callable[[], datetime]
    directory: Directory
    settings: Settings

    @property
    def staging(self) -> Path:
        """Where given files wait, under names of ours, until they are stored or left out."""
        return self.settings.data / "staging"
