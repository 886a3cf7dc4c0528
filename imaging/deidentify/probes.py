"""Looks at the bytes of objects without taking them apart: what they are, what is left over, what stands in them."""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from typing import BinaryIO

from imaging.deidentify.instance import Rewritten
from imaging.deidentify.ledger import Entry
from imaging.deidentify.scan import Leak, Scanner

PACKED_START = 64 * 1024  # bytes of compressed pixels that are searched for comments
UNREADABLE = "unreadable"
SAMPLE = 4096  # bytes of pixels, at three places, that tell whether an object is the one of an earlier run


def digest_of(done: Rewritten) -> str:
    """Tells one object from another: all of its header, and samples of its pixels."""
    if done.pixels is None:
        return done.digest
    digest = hashlib.sha256(done.digest.encode())
    start, length = done.pixels.value, done.pixels_end - done.pixels.value
    for part in (1, 2, 3):
        digest.update(_sample(done.source, start + length * part // 4, min(SAMPLE, length)))
    return digest.hexdigest()


def _sample(source: BinaryIO, here: int, count: int) -> bytes:
    if isinstance(source, io.BufferedReader):
        return os.pread(source.fileno(), count, here)
    source.seek(here)
    return source.read(count)


def form_of(done: Rewritten) -> str:
    """What must be known of a written object to search it: "packed", "deflated", "odd", any of them."""
    packed = done.pixels is not None and done.pixels.undefined
    forms = {"deflated": done.deflate, "packed": packed, "odd": done.odd}
    return " ".join(form for form, there in forms.items() if there)


def holds_something(stream: BinaryIO, here: int, end: int) -> bool:
    """Is anything but zeros between these two places?"""
    if here >= end:
        return False
    stream.seek(here)
    while here < end and (piece := stream.read(min(1024 * 1024, end - here))):
        if piece.strip(b"\0"):
            return True
        here += len(piece)
    return False


def searched(path: str, entry: Entry, scanner: Scanner) -> list[Leak]:
    """What of the known stands in a written object."""
    with open(path, "rb", buffering=0) as written:  # noqa: PTH123  (a path object for each costs too much)
        head = _inflated(written, entry.head) if "deflated" in entry.form else written.read(entry.head)
        if "odd" in entry.form and not scanner.reads(head):
            return [Leak(UNREADABLE, "00120062")]
        leaks = scanner.leaks(head, entry.pseudonym) if scanner.suspects(head, entry.pseudonym) else []
        packed = "packed" in entry.form and "deflated" not in entry.form
        if packed and scanner.pixels_suspect(written.read(PACKED_START), entry.pseudonym):
            leaks.append(Leak("name", "7FE00010"))
    return leaks


def _inflated(written: io.FileIO, length: int) -> bytes:
    """The elements of a deflated object up to its pixels; `length` counts the file meta, too."""
    group = int.from_bytes(written.read(144)[140:], "little") + 144
    written.seek(group)
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    body = b""
    while len(body) < length - group and (packed := unpack.unconsumed_tail or written.read(64 * 1024)):
        body += unpack.decompress(packed, length - group - len(body))
    return body
