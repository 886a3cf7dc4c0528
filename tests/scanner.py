"""A listener that speaks as clamd does, for tests that need a site's scanner; and the file every scanner knows."""

from __future__ import annotations

import contextlib
import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

# The EICAR test file, put together here so that no scanner takes this file for it.
EICAR = b"".join((rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$", b"EICAR-STANDARD-", b"ANTIVIRUS-TEST-FILE!$H+H*"))


class _Said(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        seen = b""
        while length := struct.unpack(">L", self.rfile.read(4))[0]:
            seen += self.rfile.read(length)
        self.server.seen.append(len(seen))  # type: ignore[attr-defined]
        said = self.server.said or ("stream: Eicar-Test FOUND" if EICAR in seen else "stream: OK")  # type: ignore[attr-defined]
        self.wfile.write(said.encode() + b"\0")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def listening(folder: Path, said: str = "") -> Iterator[tuple[str, list[int]]]:
    """(address, sizes seen so far). It finds EICAR, or always says `said`."""
    path = folder / "clamd.ctl"
    with _Server(str(path), _Said) as server:
        server.said, server.seen = said, []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"unix:{path}", server.seen  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()
