"""One change to the viewer's files, and the counting that proves it fitted."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from smart_app.web.viewer.errors import ViewerNotPacked


@dataclass(frozen=True)
class Patch:
    """One replacement in all files of a kind; `times` is how often it must fit, over all of them."""

    name: str
    files: str
    pattern: bytes
    replacement: bytes
    times: int


class Patching:
    """Applies a table of changes to one file after another and counts."""

    def __init__(self, table: tuple[Patch, ...]) -> None:
        self._counted = dict.fromkeys(table, 0)

    def apply(self, name: str, content: bytes) -> bytes:
        """The file with every change that is meant for it."""
        for patch in self._counted:
            if fnmatchcase(name, patch.files):
                self._counted[patch] += content.count(patch.pattern)
                content = content.replace(patch.pattern, patch.replacement)
        return content

    def finish(self) -> None:
        """Did every patch fit exactly as often as it must? Raises ViewerNotPacked naming the first that did not."""
        for patch, times in self._counted.items():
            if times != patch.times:
                raise ViewerNotPacked(
                    f"The viewer is not as we know it: “{patch.name}” fits {times} times instead of {patch.times}. "
                    "Nothing was installed."
                )
