"""What a DICOMweb client takes, and answers in many parts, sent from disk piece by piece (PS3.18 sections 8.6, 8.7).

Stored bytes are sent as they are: nothing is transcoded, so a client that wants another transfer syntax is told no.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flask import Response

RELATED = "multipart/related"
PIECE = 256 * 1024
AT_ONCE = 1024 * 1024  # bytes of an answer that is put together before it is sent
FRAME_TYPES = {
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.92": "image/jpx",
    "1.2.840.10008.1.2.4.93": "image/jpx",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
"""Transfer syntax -> media type of one compressed frame (PS3.18 table 8.7.3-5)."""


class Body(Protocol):
    """Bytes of known length that come in pieces."""

    @property
    def length(self) -> int:
        """How many bytes `chunks` yields."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in order."""
        ...


@dataclass(frozen=True)
class WholeFile:
    """One file, sent whole."""

    path: Path
    length: int

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes. Raises OSError where it is shorter than it was."""
        left = self.length
        with self.path.open("rb") as stream:
            while left:
                piece = stream.read(min(PIECE, left))
                if not piece:
                    raise OSError("the stored file is shorter than its index says")
                left -= len(piece)
                yield piece


@dataclass(frozen=True)
class Bytes:
    """A value already in memory."""

    value: bytes

    @property
    def length(self) -> int:
        """How many bytes."""
        return len(self.value)

    def chunks(self) -> Iterator[bytes]:
        """The value in one piece."""
        yield self.value


@dataclass(frozen=True)
class Part:
    """One part of a multipart answer. `content_type` may carry a transfer syntax."""

    content_type: str
    body: Body


@dataclass(frozen=True)
class Taken:
    """One media range of an Accept header. `related` is the type inside multipart/related, else empty."""

    media_type: str
    related: str
    transfer_syntax: str

    def takes(self, media_type: str, transfer_syntax: str = "") -> bool:
        """Does this range cover that type (inside multipart/related, if it is one) in that transfer syntax?"""
        wanted = self.related or self.media_type
        fits = wanted in (media_type, "*/*") or (wanted.endswith("/*") and media_type.startswith(wanted[:-1]))
        return fits and self.transfer_syntax in ("", "*", transfer_syntax)


def accepted(header: str) -> list[Taken]:
    """The ranges of an Accept header that have a quality above nought, best first; everything where it is empty.

    Takes what browsers' viewers send too: `type` without quotes although it holds a slash.
    """
    found = []
    for item in (header.replace('"', "") or "*/*").split(","):
        media_type, *rest = (piece.strip() for piece in item.split(";"))
        options = dict(piece.lower().split("=", 1) for piece in rest if "=" in piece)
        quality = _quality(options.get("q", "1"))
        inner = options.get("type", "*/*") if media_type.lower() == RELATED else ""
        if "/" in media_type and quality > 0:
            found.append((-quality, Taken(media_type.lower(), inner, options.get("transfer-syntax", ""))))
    return [taken for _, taken in sorted(found, key=lambda pair: pair[0])]


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def frame_type(transfer_syntax: str) -> str:
    """The media type of one frame stored in that transfer syntax."""
    return FRAME_TYPES.get(transfer_syntax, "application/octet-stream")


def single(part: Part) -> Response:
    """That part alone, as the whole answer."""
    answer = Response(part.body.chunks(), content_type=part.content_type, direct_passthrough=True)
    answer.content_length = part.body.length
    return answer


def related(parts: Sequence[Part], media_type: str) -> Response:
    """multipart/related (RFC 2387) of parts of one type, with its length; little in memory, whatever the length."""
    boundary = secrets.token_hex(16)
    heads = [f"--{boundary}\r\nContent-Type: {part.content_type}\r\n\r\n".encode() for part in parts]
    tail = f"--{boundary}--\r\n".encode()

    def body() -> Iterator[bytes]:
        for head, part in zip(heads, parts, strict=True):
            yield head
            yield from part.body.chunks()
            yield b"\r\n"
        yield tail

    length = sum(len(h) + p.body.length + 2 for h, p in zip(heads, parts, strict=True)) + len(tail)
    content_type = f'multipart/related; type="{media_type}"; boundary={boundary}'
    # A frame of a slice goes out at once: every piece on its own wakes the server up again.
    answer = Response(b"".join(body()) if length <= AT_ONCE else body(), content_type=content_type)
    answer.content_length = length
    return answer
