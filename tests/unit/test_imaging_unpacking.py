"""Members of a ZIP unpacked through ISA-L and through zlib: the same bytes, and never more than was promised."""

from __future__ import annotations

import io
import random
import sys
import zipfile
import zlib

import pytest

from imaging.unpacking import unpacked
from tests.discs import FILES, zipped

DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError)


@pytest.fixture(params=["isal", "zlib"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With ISA-L, and on a machine that has none."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)
    else:
        pytest.importorskip("isal")
    return str(request.param)


def members(content: bytes, limit: int | None = None) -> list[bytes]:
    """Every member, unpacked."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = []
        for member in archive.infolist():
            with unpacked(archive, member, member.file_size if limit is None else limit) as stream:
                found.append(stream.read())
        return found


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_was_packed_comes_out(either: str, method: int) -> None:
    """Pictures, emptiness, noise, and what packs a thousand times smaller."""
    contents = [*FILES, b"", b"x", bytes(3_000_001), random.Random(1).randbytes(700_003), b"ab" * 1_200_000]
    assert members(zipped({str(n): c for n, c in enumerate(contents)}, method)) == contents


def test_not_more_is_unpacked_than_was_promised(either: str) -> None:
    """Whatever the packed bytes hold."""
    assert members(zipped({"a": bytes(5_000_000)}), limit=1_000) == [bytes(1_000)]
    content = bytearray(zipped({"a": bytes(5_000_000)}))
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (70_000).to_bytes(4, "little")
    with pytest.raises(zipfile.BadZipFile):  # the CRC is that of all of it
        members(bytes(content))


def test_damaged_members_are_refused_and_never_half_given(either: str) -> None:
    """A flipped bit anywhere is noticed, by the decompressor, the length or the CRC; or it changes nothing."""
    content = zipped({"a": FILES[0]})
    chance = random.Random(3)
    end = content.index(b"PK\x01\x02")
    refused = 0
    for _ in range(300):
        broken = bytearray(content)
        broken[chance.randrange(30, end)] ^= 1 << chance.randrange(8)
        try:
            assert members(bytes(broken)) == [FILES[0]]
        except DAMAGES:
            refused += 1
    assert refused > 250


def test_a_member_whose_own_header_contradicts_the_list_is_refused(either: str) -> None:
    """Another method, or a password that the list does not speak of."""
    content = zipped({"a": FILES[0]})
    for offset, value in ((6, 0x01), (8, 0x0C)):
        broken = bytearray(content)
        broken[offset] = value
        with pytest.raises(zipfile.BadZipFile):
            members(bytes(broken))


def test_a_member_that_ends_too_early_is_refused(either: str) -> None:
    """The list promises more than there is."""
    content = bytearray(zipped({"a": FILES[0]}))
    at = content.index(b"PK\x01\x02")
    content[at + 20 : at + 24] = (50).to_bytes(4, "little")
    with pytest.raises(DAMAGES):
        members(bytes(content))
