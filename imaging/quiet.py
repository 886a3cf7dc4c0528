"""No warning of pydicom gets out: they quote values, and values are people."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

_lock = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence while pydicom works. One thread at a time, since Python's filters are global."""
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
