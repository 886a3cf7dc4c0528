"""Asks a virus scanner (clamd) about a file, by its INSTREAM command, where a site runs one.

Rule: where a site wants scanning, nothing passes unscanned: no answer is no permission.
"""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from typing import BinaryIO

from imaging.errors import Infected, ScannerUnavailable

PIECE = 128 * 1024
SECONDS = 60.0
LONGEST_ANSWER = 4096  # bytes


def scan(address: str, stream: BinaryIO) -> None:
    """Let the scanner at `address` see the whole stream. Silence means: nothing found.

    `address` is a path of a local socket ("unix:/run/clamav/clamd.ctl") or "tcp:HOST:PORT". Raises Infected with the
    name of what was found, ScannerUnavailable where there is no clear answer.
    """
    try:
        with closing(_connected(address)) as line:
            line.sendall(b"zINSTREAM\0")
            _send(line, stream)
            answer = _answer(line)
    except (OSError, ValueError) as problem:
        raise ScannerUnavailable("The virus scanner cannot be reached now. Try again in a while.") from problem
    if answer == "stream: OK":
        return
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        raise Infected(f"The virus scanner stopped this file ({answer[8:-6]}). It was not kept.")
    raise ScannerUnavailable("The virus scanner gave no clear answer. Try again in a while.")


def _connected(address: str) -> socket.socket:
    kind, _, place = address.partition(":")
    if kind == "unix":
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(SECONDS)
        try:
            line.connect(place)
        except BaseException:
            line.close()
            raise
        return line
    host, _, port = place.rpartition(":")
    if kind != "tcp" or not host:
        raise ValueError("a scanner's address is unix:PATH or tcp:HOST:PORT")
    return socket.create_connection((host, int(port)), timeout=SECONDS)


def _send(line: socket.socket, stream: BinaryIO) -> None:
    """The bytes in pieces, each with its length in front; a length of nought ends them."""
    try:
        while piece := stream.read(PIECE):
            line.sendall(struct.pack(">L", len(piece)) + piece)
        line.sendall(struct.pack(">L", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has heard enough (its own limit of size) and its answer waits


def _answer(line: socket.socket) -> str:
    said = b""
    while b"\0" not in said and len(said) < LONGEST_ANSWER:
        piece = line.recv(LONGEST_ANSWER)
        if not piece:
            break
        said += piece
    return said.split(b"\0")[0].decode("utf-8", "replace").strip()
