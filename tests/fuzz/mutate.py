"""Makes broken bytes out of whole ones, the same ones for the same seed: flips, cuts, lies about lengths, splices."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

EXTREMES = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFF0, 0xFFFFFFFF)
WORDS = (
    b"SQ", b"UN", b"OB", b"OW", b"UI", b"PN", b"LO", b"DA", b"IS", b"DS", b"AT", b"UT", b"ZZ",
    b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0", b"\xe0\x7f\x10\x00", b"\x10\x00\x10\x00",
    b"\x20\x00\x0d\x00", b"\x08\x00\x05\x00", b"\x02\x00\x10\x00", b"DICM", b"ISO_IR 192", b"\\ISO 2022 IR 87",
    b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2", b"PK\x03\x04", b"PK\x01\x02",
    b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"CD001", b"../../../etc/passwd", b"\x00", b"\xff\xff\xff\xff", b"^",
    b"=", b"\x1b$B", b"\x1b(J", b"NaN", b"1e999", b"-1", b"\r\n--", b"Content-Disposition: form-data",
)  # fmt: skip

Change = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with one to six changes. Never longer than four times the seed."""
    seed = rng.choice(seeds)
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        rng.choice(CHANGES)(rng, data, seeds)
    return bytes(data[: 4 * len(seed) + 1000])


def _place(rng: random.Random, data: bytearray) -> int:
    """Mostly near the front: that is where headers are."""
    reach = len(data) if rng.random() < 0.4 else min(len(data), 2048)
    return rng.randrange(reach) if reach else 0


def _flip(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    for _ in range(rng.choice((1, 1, 4, 16))):
        if data:
            data[_place(rng, data)] ^= 1 << rng.randrange(8)


def _byte(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[_place(rng, data)] = rng.randrange(256)


def _number(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """A length that lies."""
    at, form = _place(rng, data), rng.choice(("<H", "<L", ">H", ">L", "<Q"))
    mask = (1 << 8 * struct.calcsize(form)) - 1
    wanted = rng.choice((*EXTREMES, len(data), rng.randrange(1 << 16), rng.randrange(1 << 32)))
    packed = struct.pack(form, wanted & mask)
    data[at : at + len(packed)] = packed


def _word(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at, word = _place(rng, data), rng.choice(WORDS)
    data[at : at + (len(word) if rng.random() < 0.7 else 0)] = word


def _cut(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[_place(rng, data) if rng.random() < 0.5 else rng.randrange(len(data) + 1) :]


def _remove(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = _place(rng, data)
    del data[at : at + rng.choice((1, 2, 4, 8, 64, 512))]


def _repeat(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = _place(rng, data)
    piece = data[at : at + rng.choice((1, 2, 8, 12, 64, 300))]
    data[at:at] = piece * rng.choice((1, 2, 3, 20))


def _splice(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    if other:
        start = rng.randrange(len(other))
        at = _place(rng, data)
        data[at : at + rng.choice((0, 16, 200))] = other[start : start + rng.choice((4, 16, 200, 2000))]


def _zeros(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at, length = _place(rng, data), rng.choice((2, 16, 200))
    data[at : at + length] = bytes([rng.choice((0, 0, 32, 255))]) * length


CHANGES: tuple[Change, ...] = (
    _flip,
    _flip,
    _byte,
    _number,
    _number,
    _word,
    _word,
    _cut,
    _remove,
    _repeat,
    _splice,
    _zeros,
)
