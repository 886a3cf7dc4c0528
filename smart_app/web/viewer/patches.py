"""What is changed in the viewer's files, as a table. A patch that does not fit exactly stops the packing.

Left out: what we never serve. Patched: addresses under our own path, one question that would put a patient's number
into a URL, and the decoders' bindings. Its index page is not used: our page names its main script and style sheet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from smart_app.web.viewer.bindings import BINDINGS
from smart_app.web.viewer.errors import ViewerNotPacked
from smart_app.web.viewer.table import Patch

LEFT_OUT = (
    "ort/*",  # ONNX runtime for segmentation models, 136 MB
    "dicom-microscopy-viewer/*",
    "customizations/*",  # loaded by a URL parameter, which is off
    "*.map",
    "sw.js",  # a service worker would keep answers after the line has ended
    "init-service-worker.js",
    "app-config.js",  # points to a public demonstration server
    "google.js",
    "index.html",
    "silent-refresh.html",
    "oidc-client.min.js",
    "es6-shim.min.js",
    "polyfill.min.js",
    "manifest.json",
    "serve.json",
    "_headers",
    "_redirects",
    "assets/*.png",  # icons of an app of its own
    "assets/*.ico",
    "assets/*.xml",
    "assets/*.json",
    "assets/*.webapp",
)
KEPT_PICTURES = "assets/images/*"
SOURCE_MAP = re.compile(rb"\n?(?://# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ ?\*/)\s*\Z")


def patches(assets: str) -> tuple[Patch, ...]:
    """The changes that put the viewer under `assets`, a path that begins and ends with a slash."""
    base = assets.encode()
    return (
        Patch(
            "where chunks and workers are",
            "*.js",
            b'__webpack_require__.p = "/"',
            b'__webpack_require__.p = "%s"' % base,
            8,
        ),
        Patch("where fonts are", "*.css", b"url(/a34f9d1faa5f3315.woff2)", b"url(%sa34f9d1faa5f3315.woff2)" % base, 5),
        # The viewer looks for earlier studies by the patient's number, in a URL. A case page names its studies itself.
        Patch("no search by patient", "*.js", b"const mrn = qidoForStudyUID[0].mrn;", b"const mrn = '';", 1),
        *BINDINGS,
    )


def wanted(name: str) -> bool:
    """Is this file of the package, named below `dist/`, served at all?"""
    return fnmatchcase(name, KEPT_PICTURES) or not any(fnmatchcase(name, pattern) for pattern in LEFT_OUT)


def without_source_map(name: str, content: bytes) -> bytes:
    """The file without the line that names its source map, which we leave out."""
    return SOURCE_MAP.sub(b"\n", content) if name.endswith((".js", ".css")) else content


@dataclass(frozen=True)
class Entry:
    """What the viewer's index page loads: the main script and style sheet."""

    script: str
    style: str


def entry(index: str) -> Entry:
    """Read the index page. Raises ViewerNotPacked where it does not name one script and one style sheet."""
    scripts = re.findall(r'<script defer src="/(app\.bundle\.[0-9a-f]+\.js)">', index)
    styles = re.findall(r'<link href="/(app\.bundle\.css)" rel="stylesheet">', index)
    if len(scripts) != 1 or len(styles) != 1:
        raise ViewerNotPacked(
            "The viewer is not as we know it: its index page has no single script. Nothing was installed."
        )
    return Entry(scripts[0], styles[0])
