"""A small package file of the viewer's shape, for the tests of packing and of the pages."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from smart_app.web.viewer.bindings import BINDINGS

INDEX = (
    '<!doctype html><script>window.PUBLIC_URL="/"</script>'
    '<script defer src="/app.bundle.0a1b.js"></script><link href="/app.bundle.css" rel="stylesheet">'
)
CHUNK = b'var x;\n__webpack_require__.p = "/";\n//# sourceMappingURL=chunk.js.map'
FILES = {
    "LICENSE": b"MIT",
    "package.json": b"{}",
    "dist/index.html": INDEX.encode(),
    "dist/app.bundle.0a1b.js": CHUNK + b"\n",
    **{f"dist/{n}.bundle.ff.js": CHUNK for n in range(6)},
    "dist/8097.bundle.ff.js": CHUNK + b"\n".join(patch.pattern for patch in BINDINGS for _ in range(patch.times)),
    "dist/89.bundle.ff.js": b"const mrn = qidoForStudyUID[0].mrn;\nconst note = '//# sourceMappingURL=inside'; go();",
    "dist/app.bundle.css": b"@font-face{src:url(/a34f9d1faa5f3315.woff2)}" * 5
    + b"\n/*# sourceMappingURL=app.css.map*/",
    "dist/a34f9d1faa5f3315.woff2": b"font",
    "dist/app-config.js": b"window.config = {qidoRoot: 'https://public.invalid'}",
    "dist/app.bundle.css.map": b"{}",
    "dist/sw.js": b"",
    "dist/ort/ort.js": b"big",
    "dist/dicom-microscopy-viewer/x.wasm": b"big",
    "dist/assets/icon.png": b"icon",
    "dist/assets/images/CT-Bone.png": b"preset",
}


def package(folder: Path, files: dict[str, bytes] = FILES, extra: tuple[tarfile.TarInfo, ...] = ()) -> Path:
    """A small package file of the viewer's shape."""
    archive = folder / "viewer.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in extra:
            tar.addfile(member)
    return archive
