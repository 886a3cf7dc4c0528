"""The directory as it stands now: what the file says, and over it what was added or changed while we run.

Rule: a process that runs takes up a change within a second, and goes on with what it knows while the database is away.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from launch.errors import GrantEnded
from launch.vault import Vault
from smart_app.settings import Settings
from smart_app.sites import Directory, Organisation, Persona, Site, System, load_directory
from smart_app.store import Store, StoreUnavailable
from smart_app.store.sites import KeptSite

log = logging.getLogger(__name__)

FRESH = 1.0
"""Seconds for which nobody asks the database again."""


class LiveDirectory(Directory):
    """A `Directory` that asks the store now and then. Safe to share between threads."""

    def __init__(
        self, store: Store, vault: Vault, file: Directory, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._vault, self._file, self._clock = store, vault, file, clock
        self._lock = threading.Lock()
        self._sites: tuple[Site, ...] = file.sites
        self._mark: tuple[object, ...] | None = None
        self._asked: float | None = None

    @property
    def sites(self) -> tuple[Site, ...]:
        """Every site, in the order of the file, then of their ids. Raises StoreUnavailable before the first answer."""
        with self._lock:
            if self._asked is None or self._clock() - self._asked >= FRESH:
                self._look()
            return self._sites

    @property
    def organisations(self) -> tuple[Organisation, ...]:
        """Every reading organisation, as the file says."""
        return self._file.organisations

    @property
    def systems(self) -> tuple[System, ...]:
        """The systems of other organisations, as the file says."""
        return self._file.systems

    @property
    def source(self) -> str:
        """The file."""
        return self._file.source

    def refresh(self) -> None:
        """Ask again at the next look: we have just changed something ourselves."""
        with self._lock:
            self._asked = None

    def _look(self) -> None:
        try:
            with self._store.reading() as tx:
                mark = tx.sites.mark()
                kept = tx.sites.all() if mark != self._mark else None
        except StoreUnavailable:
            if self._mark is None:
                raise
            log.warning("the database does not answer; the sites stay as they were")
            kept = None
            mark = self._mark
        if kept is not None:
            self._sites = self._joined(kept)
        self._mark, self._asked = mark, self._clock()

    def _joined(self, kept: list[KeptSite]) -> tuple[Site, ...]:
        added = {one.site.id: self._opened(one) for one in kept}
        listed = tuple(added.pop(site.id, site) for site in self._file.sites)
        return (*listed, *added.values())

    def _opened(self, kept: KeptSite) -> Site:
        found = []
        for persona in kept.site.registrations:
            one = with_secret(persona, kept, self._vault)
            if one is None:
                log.warning("site %s: the secret of %s cannot be opened; enter it again", kept.site.id, persona.key)
            else:
                found.append(one)
        return replace(kept.site, registrations=tuple(found))


def with_secret(persona: Persona, kept: KeptSite, vault: Vault) -> Persona | None:
    """The registration with its secret opened; None where it needs one that cannot be opened."""
    if not persona.auth.startswith("client_secret"):
        return persona
    try:
        return replace(persona, client_secret=vault.open(kept.sealed[persona.key]))
    except (GrantEnded, KeyError):
        return None


def read_file(settings: Settings) -> Directory:
    """The directory file; nothing where the default one is not there. Raises ValueError, naming the file."""
    default = settings.data / "directory.toml"
    if settings.directory == default and not default.exists():
        return Directory(source=str(default))
    return load_directory(settings.directory)
