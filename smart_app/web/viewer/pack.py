"""The packed viewer on disk: made beside its place and moved there whole, so that a broken run leaves nothing half.

Text, scripts and WebAssembly are kept gzip-compressed only (what every browser takes); pictures and fonts as they are.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from smart_app.web.viewer.errors import ViewerNotPacked
from smart_app.web.viewer.patches import Entry, entry, patches, wanted, without_source_map
from smart_app.web.viewer.table import Patching

EDITION = "3.13.2-3"
"""Version of the viewer, and of what we change in it. Every file is kept for ever under an address that names it."""
ASSETS = f"/viewer/assets/{EDITION}/"
MANIFEST = "pack.json"
COMPRESSED = (".js", ".css", ".wasm", ".svg", ".txt")
MOST_FILES = 2_000
MOST_BYTES = 400_000_000


@dataclass(frozen=True)
class Kept:
    """One file: its size on disk, the SHA-256 of what is on disk, and whether that is gzip."""

    size: int
    sha256: str
    gzip: bool


@dataclass(frozen=True)
class Pack:
    """The whole viewer in one folder. `script` and `style` are what a page loads first."""

    folder: Path
    script: str
    style: str
    files: dict[str, Kept]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(kept.size for kept in self.files.values())

    def path(self, name: str) -> Path:
        """Where that file lies. Raises KeyError for a name that the manifest does not have."""
        return self.folder / (name + ".gz" if self.files[name].gzip else name)


def installed(target: Path) -> Pack | None:
    """The viewer in that folder; None unless it is of this edition and every file is there in full length."""
    try:
        raw = json.loads((target / MANIFEST).read_text("utf-8"))
        if raw["edition"] != EDITION:
            return None
        files = {name: Kept(**kept) for name, kept in raw["files"].items()}
        found = Pack(target, raw["script"], raw["style"], files)
        whole = all(found.path(name).stat().st_size == kept.size for name, kept in found.files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if whole else None


def pack(archive: Path, target: Path, assets: str = ASSETS) -> Pack:
    """Unpack the package file, patch it, compress it and move it to `target`.

    Raises ViewerNotPacked where the package is not as we know it, the folder holds something else, or the disk refuses.
    """
    if target.exists() and not (target / MANIFEST).exists() and (not target.is_dir() or any(target.iterdir())):
        raise ViewerNotPacked(f"{target} holds something that is not the viewer. Name an empty folder for it.")
    making: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        _fill(making, archive, assets)
        making.chmod(0o755)
        _move(making, target)
    except OSError as problem:
        raise ViewerNotPacked(f"The viewer cannot be written to {target}: {problem.strerror or problem}.") from problem
    except (tarfile.TarError, zlib.error, EOFError) as problem:
        raise ViewerNotPacked("The viewer's package is damaged. Nothing was installed; try again.") from problem
    finally:
        if making is not None:
            shutil.rmtree(making, ignore_errors=True)
    found = installed(target)
    if found is None:
        raise ViewerNotPacked(f"The viewer in {target} is not whole after packing. Remove that folder and try again.")
    return found


def _fill(folder: Path, archive: Path, assets: str) -> None:
    patching, first, files = Patching(patches(assets)), None, dict[str, Kept]()
    for name, content in _members(archive):
        if name == "index.html":
            first = entry(content.decode("utf-8", "replace"))
        else:
            files[name] = _keep(folder, name, without_source_map(name, patching.apply(name, content)))
    patching.finish()
    if first is None or first.script not in files or first.style not in files:
        raise ViewerNotPacked("The viewer is not as we know it: its first page is missing. Nothing was installed.")
    _write_manifest(folder, first, files)


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Every file we want, and the index page, by our name. No link, no way out of the folder, nothing endless."""
    count = total = 0
    with tarfile.open(archive, "r|gz") as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            count, total = count + 1, total + member.size
            if count > MOST_FILES or total > MOST_BYTES:
                raise ViewerNotPacked("The viewer's package is far larger than it should be. Nothing was installed.")
            if (
                path.is_absolute()
                or ".." in path.parts
                or "\\" in member.name
                or not (member.isfile() or member.isdir())
            ):
                raise ViewerNotPacked("The viewer's package holds an unsafe entry. Nothing was installed.")
            name = _our_name(path)
            stream = tar.extractfile(member) if name and member.isfile() else None
            if stream is not None:
                yield name, stream.read()


def _our_name(path: PurePosixPath) -> str:
    """How we call that member of the package; empty where we leave it out."""
    if path.parts[1:] == ("LICENSE",):
        return "LICENSE.txt"
    name = "/".join(path.parts[2:]) if path.parts[1:2] == ("dist",) else ""
    return name if name == "index.html" or (name and wanted(name)) else ""


def _keep(folder: Path, name: str, content: bytes) -> Kept:
    compress = name.endswith(COMPRESSED)
    if compress:
        content = gzip.compress(content, 9, mtime=0)
    path = folder / (name + ".gz" if compress else name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Kept(len(content), hashlib.sha256(content).hexdigest(), compress)


def _write_manifest(folder: Path, first: Entry, files: dict[str, Kept]) -> None:
    manifest = {
        "edition": EDITION,
        "script": first.script,
        "style": first.style,
        "files": {name: kept.__dict__ for name, kept in sorted(files.items())},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")


def _move(making: Path, target: Path) -> None:
    """Put the finished folder in its place; what stood there goes. Another run that was faster wins."""
    if target.exists():
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
        target.replace(aside)
        shutil.rmtree(aside, ignore_errors=True)
    try:
        making.replace(target)
    except OSError:
        if installed(target) is None:
            raise
