"""Cleans one object: from an open stream and its header to what is to be written. Nothing is written here."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from imaging.deidentify.elements import Coding, Element, Odd, elements
from imaging.deidentify.gate import Content
from imaging.deidentify.layout import FIRST, after_pixels, lay_out, meta_of, pixels_at
from imaging.deidentify.markers import MetaWriter
from imaging.deidentify.rewrite import Cleaner, Patient, Place
from imaging.deidentify.template import Template, made_from
from imaging.reading.start import MOST_INFLATED
from imaging.study import Header, Instance

DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT = "1.2.840.10008.1.2.1"
UID = re.compile(r"[0-9.]{1,64}")
MOST_TEMPLATES = 32
IN_MEMORY = 16_000_000  # bytes of an inflated object; a larger one waits in a temporary file without a name


@dataclass
class Rewritten:
    """A cleaned object: file meta, elements up to the pixels' value, where that lies in `source`, what follows it."""

    meta: bytes
    body: bytes
    source: BinaryIO
    pixels: Element | None
    pixels_end: int
    tail: bytes
    content: Content
    digest: str  # of everything before the pixels, as it was
    deflate: bool = False
    odd: bool = False  # put together from what pydicom took apart

    def close(self) -> None:
        """Let go of what was inflated for it; the file it was given is its giver's."""
        if self.deflate:
            self.source.close()

    @property
    def spare(self) -> tuple[int, int]:
        """Begin and end of bytes of the pixels that are no part of the picture."""
        pixels, needed = self.pixels, self.content.picture_bytes
        if pixels is None or pixels.undefined or pixels.tag != 0x7FE00010 or not needed:
            return 0, 0
        return min(pixels.end, pixels.value + needed), pixels.end


class Rewriter:
    """Cleans the objects of one run, remembering the last of each series."""

    def __init__(self, cleaner: Cleaner) -> None:
        self.cleaner = cleaner
        self._templates: OrderedDict[tuple[str, str, str], Template] = OrderedDict()
        self._latest: tuple[tuple[str, str, str], Header, Patient] | None = None
        self._metas: dict[tuple[str, str], MetaWriter] = {}

    def again(self, stream: BinaryIO, size: int) -> tuple[Rewritten, Header, Patient] | None:
        """Clean one more object of the series that was met last, whose header needs no reading; None if it is not."""
        if self._latest is None:
            return None
        key, header, patient = self._latest
        stream.seek(0)
        data = stream.read(FIRST)
        try:
            meta = meta_of(data)
            followed = self._followed(key, data, meta.begin, size) if meta.syntax == key[2] else None
            template = self._templates.get(key)
            if followed is None or template is None or not UID.fullmatch(template.sop_instance_uid):
                return None
            done = self._joined(stream, size, (data, meta.begin), followed, template)
        except Odd:
            return None
        header = with_instance(header, template.sop_instance_uid)
        done.meta = self.meta(header, meta.syntax)
        return done, header, patient

    def rewrite(self, stream: BinaryIO, size: int, header: Header, patient: Patient) -> Rewritten:
        """Clean an object, little endian and with preamble. Raises Odd for others, and what is not well-formed."""
        stream.seek(0)
        data = stream.read(FIRST)
        meta = meta_of(data)
        if meta.syntax != header.instance.transfer_syntax_uid:
            raise Odd
        if meta.syntax != DEFLATED:
            done = self._dataset(stream, size, (data, meta.begin, meta.syntax), header, patient)
        else:
            done = self._deflated(stream, meta.begin, header, patient)
        done.meta = self.meta(header, meta.syntax)
        return done

    def _deflated(self, stream: BinaryIO, begin: int, header: Header, patient: Patient) -> Rewritten:
        unpacked, length = inflated(stream, begin)
        try:
            done = self._dataset(unpacked, length, (unpacked.read(FIRST), 0, EXPLICIT), header, patient)
        except BaseException:
            unpacked.close()
            raise
        done.deflate = True
        return done

    def meta(self, header: Header, syntax: str) -> bytes:
        """Preamble and file meta group of the cleaned object. Raises Odd where the transfer syntax is no UID."""
        if not UID.fullmatch(syntax):
            raise Odd
        key = (header.instance.sop_class_uid, syntax)
        writer = self._metas.get(key)
        if writer is None:
            writer = self._metas[key] = MetaWriter(*key)
        return writer.head(self.cleaner.keys.uid(header.instance.sop_instance_uid))

    def _dataset(
        self, stream: BinaryIO, size: int, begun: tuple[bytes, int, str], header: Header, patient: Patient
    ) -> Rewritten:
        data, begin, syntax = begun
        key = (patient.pseudonym, header.instance.series_instance_uid, syntax)
        followed = self._followed(key, data, begin, size)
        if followed is None:
            layout = lay_out(stream, size, begin, syntax, data)
            template = self._templates[key] = made_from(self.cleaner, layout, patient)
            self._templates.move_to_end(key)
            if len(self._templates) > MOST_TEMPLATES:
                self._templates.popitem(last=False)
            data, followed = layout.data, (template.chunks, layout.end)
        self._latest = None if header.instance.transfer_syntax_uid == DEFLATED else (key, header, patient)
        return self._joined(stream, size, (data, begin), followed, self._templates[key])

    def _joined(
        self,
        stream: BinaryIO,
        size: int,
        begun: tuple[bytes, int],
        followed: tuple[list[bytes], int],
        template: Template,
    ) -> Rewritten:
        (data, begin), (chunks, here) = begun, followed
        pixels = pixels_at(data, here, size, template.coding)
        end = 0 if pixels is None else after_pixels(stream, pixels, size)
        head = b"" if pixels is None else data[here : pixels.value]
        tail = b"" if pixels is None else self._tail(stream, end, size, template)
        digest = hashlib.sha256(data[begin:here]).hexdigest()
        body = b"".join(chunks) + head
        return Rewritten(b"", body, stream, pixels, end, tail, template.content, digest)

    def _followed(
        self, key: tuple[str, str, str], data: bytes, begin: int, size: int
    ) -> tuple[list[bytes], int] | None:
        template = self._templates.get(key)
        if template is None or template.version != self.cleaner.known.version:
            return None
        try:
            followed = template.follow(self.cleaner, data, begin, size)
        except Odd:
            return None
        # A name learned on the way may stand in what was kept before it.
        return followed if template.version == self.cleaner.known.version else None

    def _tail(self, stream: BinaryIO, here: int, size: int, template: Template) -> bytes:
        if here == size:
            return b""
        if size - here > FIRST * 256:
            raise Odd
        stream.seek(here)
        data = stream.read(size - here)
        place, coding, out = Place(template.place.patient, template.place.charset), template.coding, []
        for found in elements(data, 0, len(data), Coding(coding.explicit, len(data))):
            self.cleaner.look(data, found, place)
            out.append(self.cleaner.element(data, found, coding, place))
        return b"".join(out)


def with_instance(header: Header, sop_instance_uid: str) -> Header:
    """The header of another picture of the series. As `dataclasses.replace`, which looks at every field."""
    instance, made = object.__new__(Instance), object.__new__(Header)
    vars(instance).update(vars(header.instance), sop_instance_uid=sop_instance_uid)
    vars(made).update(vars(header), instance=instance)
    return made


def inflated(stream: BinaryIO, begin: int) -> tuple[BinaryIO, int]:
    """A deflated data set (PS3.5 section A.5), unpacked up to a limit, and its length. Raises Odd."""
    out = cast("BinaryIO", SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  (lives as long as its user)
    try:
        length = _inflate(stream, begin, out)
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return out, length


def _inflate(stream: BinaryIO, begin: int, out: BinaryIO) -> int:
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    length = 0
    stream.seek(begin)
    try:
        while not unpack.eof and (packed := unpack.unconsumed_tail or stream.read(256 * 1024)):
            part = unpack.decompress(packed, 1024 * 1024)
            length += len(part)
            if length > MOST_INFLATED:
                raise Odd
            out.write(part)
    except zlib.error:
        raise Odd from None
    if not unpack.eof:
        raise Odd
    return length
