"""How a connection dies: the socket is closed under the server. Rule: not one byte of the answer leaves."""

from __future__ import annotations

import contextlib
import socket
from typing import Any


def cut(environ: dict[str, Any]) -> bool:
    """Close the client's connection now. False where this server does not let us at its socket."""
    connection = environ.get("werkzeug.socket")
    probe = environ.get("waitress.client_disconnected")
    if connection is None and probe is not None:
        connection = getattr(getattr(probe, "__self__", None), "socket", None)
    if connection is None:
        return False
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    return True
