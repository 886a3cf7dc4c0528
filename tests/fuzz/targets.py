"""What is fed with broken bytes, and what must hold then. A target raises where it fails."""

from __future__ import annotations

import io
import json
import random
import unicodedata
from collections.abc import Callable

from imaging.archive.frames import frame_pieces
from imaging.budget import Budget
from imaging.directory import gaps, joined, listed_in
from imaging.errors import NotDicom, UnsafeMedia
from imaging.header import header_of, read_object
from imaging.inside import look_inside
from imaging.kinds import is_report_text, no_report, program_in_front, report_kind, text_of
from imaging.names import CONFLICT, MATCH, VARIANT, compare_names, dicom_name
from imaging.opening import open_dicom
from imaging.papermaking import make
from imaging.reconcile import Claim, compare, distinct
from imaging.study import Header, Person
from imaging.verdict import Limits, Verdict, judge
from imaging.whole import read_whole
from imaging.zips import DAMAGED
from smart_app.web.multipart import accepted
from tests.fuzz import seeds
from tests.fuzz.mutate import mutated

Target = Callable[[random.Random], None]
SMALL = Limits(files=200, file_bytes=2_000_000, total_bytes=5_000_000, seconds=30)


def header(rng: random.Random) -> None:
    """Our readers and pydicom say the same person and the same picture, or say that it is none."""
    data = mutated(rng, seeds.objects())
    verdict, found, why = judge("x", io.BytesIO(data), len(data))
    assert verdict in Verdict
    assert (found is not None) == (verdict is Verdict.IMAGE)
    assert why or verdict in (Verdict.IMAGE, Verdict.DIRECTORY)
    mine = _or_none(lambda: read_object(io.BytesIO(data)).header)
    whole = _or_none(lambda: read_whole(io.BytesIO(data)).header)
    if found is not None:
        assert mine == found
        _same(found, whole)
    if rng.random() < 0.3:
        _same(mine, _or_none(lambda: header_of(open_dicom(io.BytesIO(data)))))


def _or_none(read: Callable[[], Header]) -> Header | None:
    try:
        return read()
    except NotDicom:
        return None


def _same(one: Header | None, other: Header | None) -> None:
    """Whoever reads it, it is the same person's same picture."""
    if one is None or other is None:
        assert one is other, f"only one of two readers takes this for a picture: {one or other}"
        return
    assert (one.person, one.person.name_groups) == (other.person, other.person.name_groups)
    assert one.instance == other.instance
    assert one.laterality == other.laterality


def metadata(rng: random.Random) -> None:
    """DICOM JSON is JSON, speaks of the person and the picture of the header, and frames lie inside the file."""
    data = mutated(rng, seeds.objects())
    stream = io.BytesIO(data)
    try:
        whole = read_whole(stream)
    except NotDicom:
        return
    told = json.loads(whole.metadata)
    assert isinstance(told, dict)
    for tag, uid in (
        ("0020000D", whole.header.instance.study_instance_uid),
        ("00080018", whole.header.instance.sop_instance_uid),
    ):
        values = told.get(tag, {}).get("Value", [])
        assert not values or uid in [str(value).strip("\0 ") for value in values]
    named = told.get("00100010", {})
    for value in named.get("Value", []) if named.get("vr") == "PN" else ():
        groups = {group.strip("\0 ^").replace("\0", "\ufffd") for group in (value or {}).values()}
        name = whole.header.person.name
        assert not name or not groups - {""} or any(name in group or group in name for group in groups)
    body = stream if whole.body is None else io.BytesIO(whole.body)
    for pieces in frame_pieces(body, whole):
        assert all(0 <= offset <= offset + length <= whole.size for offset, length in pieces)


def container(rng: random.Random) -> None:
    """Every file in a ZIP has one verdict, opens or says why not, and nothing unpacks past its limits."""
    data = mutated(rng, seeds.containers())
    _looked_through("d.zip", data)


def disc(rng: random.Random) -> None:
    """The same of a disc image."""
    _looked_through("d.iso", mutated(rng, seeds.images_of_discs()))


def _looked_through(name: str, data: bytes) -> None:
    budget, size = Budget(SMALL), 0
    try:
        for found in look_inside(name, len(data), lambda: io.BytesIO(data), 2, budget):
            assert found.verdict in Verdict
            assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in found.name)
            try:
                with found.open() as stream:
                    size += len(stream.read(SMALL.file_bytes + 1))
            except (*DAMAGED, NotImplementedError, NotDicom):
                pass
    except UnsafeMedia:
        pass
    assert size <= SMALL.total_bytes * 2


def directory(rng: random.Random) -> None:
    """A disc's list says what is missing of it, and no more than it lists; its paths lead nowhere."""
    try:
        listed = listed_in(io.BytesIO(mutated(rng, seeds.lists())))
    except NotDicom:
        return
    assert len({series.series_instance_uid for series in listed.series}) == len(listed.series)
    assert joined([listed, listed]).instances == listed.instances
    assert gaps(listed, listed.instances, {series.series_instance_uid for series in listed.series}) == []
    assert len(gaps(listed, ())) <= len(listed.series)


def beside(rng: random.Random) -> None:
    """What is no picture is told by its bytes without stumbling over them."""
    data = mutated(rng, [content for _, content in seeds.papers()])
    name = rng.choice(("r.txt", "a/b.pdf", "Viewer/x.png", "", "x" * 500))
    kind = report_kind(data[:132])
    if kind:
        no_report(name, kind, io.BytesIO(data))
    is_report_text(name, io.BytesIO(data), len(data))
    program_in_front(data[:128])
    assert text_of(data) is None or "\0" not in str(text_of(data))


def paper(rng: random.Random) -> None:
    """A report becomes a paper without actions, or none."""
    kind, content = rng.choice(seeds.papers())
    try:
        made = make(io.BytesIO(mutated(rng, [content])), kind)
    except SystemExit:
        return
    assert made.body
    assert made.content_type in ("application/pdf", "image/jpeg", "text/plain")


def accept(rng: random.Random) -> None:
    """Any Accept header is read."""
    words = (
        'multipart/related; type="application/dicom"',
        "image/jpeg",
        "*/*",
        ";q=0.5",
        "transfer-syntax=*",
        ",",
        '"',
    )
    said = "".join(rng.choice(words) for _ in range(rng.randrange(8)))
    said = mutated(rng, [said.encode() or b"*"]).decode("latin-1")
    for taken in accepted(said):
        assert taken.takes("image/jpeg", "1.2.840.10008.1.2.1") in (True, False)


def identity(rng: random.Random) -> None:
    """Whatever names are written, another whole birth date never passes; two are two in any order."""
    one, other = _name(rng), _name(rng)
    mine, theirs = dicom_name(one), dicom_name(other)
    assert compare_names(mine, theirs) in (MATCH, VARIANT, CONFLICT)
    if mine.words:
        assert compare_names(mine, dicom_name(one)) == MATCH
    days = ("1992-03-14", "1992-03-15", "1992-04-13", "1992", "")
    born, written = rng.choice(days), rng.choice(days)
    also = _name(rng)
    person = Person(other.strip(" ^") or also, written, rng.choice("MFO"), "1", name_groups=(also,))
    found = compare(Claim(one, "", born, "female", ("1",)), person)
    if len(born) == len(written) == 10 and born != written:
        assert found.outcome == "conflict"
    group = [person, Person(one, born, "F", "2"), Person(one, written, "F", "3")]
    assert 1 <= len(distinct(group)) <= 3
    assert len(distinct(group[:2])) == len(distinct(group[1::-1]))


def _name(rng: random.Random) -> str:
    name = rng.choice(seeds.NAMES)
    for _ in range(rng.choice((0, 0, 1, 2))):
        at = rng.randrange(len(name) + 1)
        name = (
            name[:at] + rng.choice(("^", "-", " ", "ß", "́", "山", "Ø", "'", "=", ".", "Dr", "\u200d", "e")) + name[at:]
        )
    return name


TARGETS: dict[str, Target] = {
    "header": header,
    "metadata": metadata,
    "container": container,
    "directory": directory,
    "identity": identity,
    "accept": accept,
    "beside": beside,
    "paper": paper,
    "disc": disc,
}
