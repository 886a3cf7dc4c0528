"""Steps over sequences, and reads the items of the few that are wanted (PS3.5 section 7.5).

Rule: an item of defined length ends exactly where it says, or pydicom is asked.
"""

from __future__ import annotations

from imaging.fragments import UNDEFINED
from imaging.reading.representation import dictionary_vr
from imaging.reading.wanted import LONG_VRS, SHORT_VRS, VRS, Encoding, Odd, Raw

DEEPEST = 16  # sequences in sequences
CHARACTER_SET = "SpecificCharacterSet"
PLAIN_SETS = frozenset(
    f"ISO_IR {number}".encode() for number in (6, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 192)
) | {b"", b"GB18030", b"GBK"}
"""Specific Character Sets in which ASCII bytes are ASCII characters."""


class Short(Exception):
    """The bytes at hand end inside a sequence."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self.wanted = wanted


def after_sequence(data: bytes, position: int, encoding: Encoding, tag: int = 0, depth: int = 0) -> int:
    """Where a sequence of undefined length ends; `tag` (as read) is needed in implicit VR. Raises Short, Odd."""
    if depth > DEEPEST or (not encoding.explicit and not _is_sequence(tag, data, position, encoding)):
        raise Odd
    while True:
        kind, length = _item_head(data, position, encoding)
        position += 8
        if kind == encoding.sequence_ends:
            return position
        if kind != encoding.item_starts:
            raise Odd
        position = _Item(data, encoding, depth).read(position, length)


def items(value: bytes, encoding: Encoding) -> list[Raw]:
    """What is wanted of each item of a sequence, given all bytes of its value. Raises Odd."""
    return [item.kept for item in _items(value, encoding)]


Element = tuple[int, bytes, int, int, bool]
"""Tag as read, representation (empty in implicit VR), where the value begins and ends, and whether it said so."""


def whole_items(value: bytes, encoding: Encoding) -> list[list[Element]]:
    """Every element of each item of a sequence, given all bytes of its value. Raises Odd."""
    return [item.every for item in _items(value, encoding)]


def _items(value: bytes, encoding: Encoding) -> list[_Item]:
    found: list[_Item] = []
    position = 0
    try:
        while position < len(value):
            kind, length = _item_head(value, position, encoding)
            position += 8
            if kind == encoding.sequence_ends:
                break
            if kind != encoding.item_starts:
                raise Odd
            item = _Item(value, encoding, 0)
            position = item.read(position, length)
            found.append(item)
    except Short as short:
        raise Odd from short
    if position != len(value):
        raise Odd
    return found


def _item_head(data: bytes, position: int, encoding: Encoding) -> tuple[int, int]:
    if position + 8 > len(data):
        raise Short(position + 8)
    kind, length = encoding.item.unpack_from(data, position)
    return kind, length


class _Item:
    """One item; `kept` is what is wanted of it, `every` all its elements."""

    def __init__(self, data: bytes, encoding: Encoding, depth: int) -> None:
        self.kept: Raw = {}
        self.every: list[Element] = []
        self._data = data
        self._encoding = encoding
        self._depth = depth

    def read(self, position: int, length: int) -> int:
        """Walk its elements from `position`; answers where it ends."""
        stop = None if length == UNDEFINED else position + length
        while position != stop:
            if position + 8 > len(self._data):
                raise Short(position + 8)
            tag, vr, length, value = self._head(position)
            if tag == self._encoding.item_ends:
                if stop is None and length == 0 and value == position + 8:
                    return value
                raise Odd
            position = self._after(tag, vr, length, value)
            if stop is not None and position > stop:
                raise Odd
        return position

    def _head(self, position: int) -> tuple[int, bytes, int, int]:
        """Tag as read, representation, length and where the value begins."""
        encoding, data = self._encoding, self._data
        if not encoding.explicit:
            tag, length = encoding.item.unpack_from(data, position)
            return tag, b"", length, position + 8
        tag, vr, length = encoding.head.unpack_from(data, position)
        if vr in SHORT_VRS:
            return tag, vr, length, position + 8
        if tag == encoding.item_ends and vr == b"\0\0":
            return tag, vr, length, position + 8
        if vr not in LONG_VRS:
            raise Odd
        if position + 12 > len(data):
            raise Short(position + 12)
        return tag, vr, encoding.length.unpack_from(data, position + 8)[0], position + 12

    def _after(self, tag: int, vr: bytes, length: int, value: int) -> int:
        """Where that element ends; it is kept if it is wanted."""
        encoding = self._encoding
        keyword = encoding.nested.get(tag)
        if length == UNDEFINED:
            if keyword or (encoding.explicit and vr != b"SQ"):
                raise Odd
            end = after_sequence(self._data, value, encoding, tag, self._depth + 1)
            self.every.append((tag, b"SQ", value, end, False))
            return end
        end = value + length
        self.every.append((tag, vr, value, end, True))
        if keyword is not None:
            if end > len(self._data):
                raise Short(end)
            self._keep(keyword, vr, self._data[value:end])
        return end

    def _keep(self, keyword: str, vr: bytes, value: bytes) -> None:
        if keyword in self.kept or (vr and vr.decode() != VRS[keyword]):
            raise Odd
        if keyword == CHARACTER_SET and value.rstrip(b" \0") not in PLAIN_SETS:
            raise Odd
        self.kept[keyword] = value


def _is_sequence(tag: int, data: bytes, position: int, encoding: Encoding) -> bool:
    """In implicit VR the dictionary says so; where it does not know the tag, the item that follows."""
    vr = dictionary_vr(encoding.number(tag))
    if vr:
        return vr == "SQ"
    kind, _ = _item_head(data, position, encoding)
    return kind == encoding.item_starts
