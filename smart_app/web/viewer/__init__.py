"""The image viewer (OHIF), fetched once, patched and kept beside the app. Nothing of it is fetched while anybody reads.

What is served comes whole from one folder that one manifest describes, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from smart_app.web.viewer.errors import ViewerNotPacked
from smart_app.web.viewer.fetch import fetched
from smart_app.web.viewer.pack import ASSETS, EDITION, Pack, installed, pack

__all__ = ["ASSETS", "EDITION", "Pack", "ViewerNotPacked", "install", "installed"]


def install(target: Path, report: Callable[[str], None]) -> None:
    """Fetch the pinned viewer, patch it and put it into `target`; nothing to do where it stands whole already.

    Afterwards `target` holds either the whole viewer or what it held before. `report` is told each step in a sentence.
    Raises ViewerNotPacked with what to do about it.
    """
    if installed(target) is not None:
        report(f"The viewer is there already: {target}")
        return
    with fetched(report) as archive:
        report("Unpacking, patching and compressing it")
        packed = pack(archive, target)
    report(f"The viewer is ready: {len(packed.files)} files, {packed.size / 1e6:.0f} MB in {target}")
