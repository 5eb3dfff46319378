"""The files for Python in the page: where they come from, and that only the right ones are kept."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from octlessons.errors import OctlessonsError
from octlessons.site import live_files
from octlessons.site.live_files import FOLDER_VARIABLE, fetch_live, read_lock
from tests.conftest import ROOT
from tests.unit.server import Server

CORE, WHEEL, PURE = b"core", b"a compiled wheel", "lively-1.0-py3-none-any.whl"


def wheel(name: str, version: str, files: dict[str, bytes]) -> bytes:
    """A wheel that pip takes, with some files."""
    held = io.BytesIO()
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(held, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return held.getvalue()


@pytest.fixture
def course(tmp_path, monkeypatch) -> Path:
    """A checkout whose lock names three files, on a machine without network."""
    pure = wheel("lively", "1.0", {"lively.py": b""})
    entries = [
        ("core.wasm", CORE, ["npm", "carrier", "release"]),
        ("fast.whl", WHEEL, ["carrier", "release"]),
        (PURE, pure, ["lively==1.0"]),
    ]
    lock = {
        "what": "Python in the page",
        "sources": {
            "npm": {"package": "core@1.0", "inside": "package/"},
            "carrier": {"project": "carrying==2.0", "inside": "carrying/"},
            "release": {"address": "http://127.0.0.1:9/"},
        },
        "files": [
            {
                "name": name,
                "version": "1.0",
                "licence": "MIT",
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "from": places,
            }
            for name, content, places in entries
        ],
    }
    root = tmp_path / "course"
    root.mkdir()
    (root / live_files.LOCK).write_text(json.dumps(lock))
    index = tmp_path / "index"
    index.mkdir()
    (index / PURE).write_bytes(pure)
    content = {"carrying/core.wasm": CORE, "carrying/fast.whl": WHEEL}
    (index / "carrying-2.0-py3-none-any.whl").write_bytes(wheel("carrying", "2.0", content))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr("octlessons.images.downloads._PAUSE", 0.0)
    return root


def install_npm(course: Path, content: bytes) -> None:
    """A program `npm` that packs one file."""
    folder = course.parent / "bin"
    folder.mkdir()
    with tarfile.open(folder / "core-1.0.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo("package/core.wasm")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    program = folder / "npm"
    copy = "import shutil, sys; assert sys.argv[1:3] == ['pack', 'core@1.0']"
    program.write_text(
        f"#!{sys.executable}\n{copy}\nshutil.copy({str(folder / 'core-1.0.tgz')!r}, '.')\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


needs_scripts = pytest.mark.skipif(os.name == "nt", reason="the npm of this test is a script")


@needs_scripts
def test_each_place_gives_what_it_has_and_the_cache_gives_it_again(course, tmp_path, monkeypatch):
    install_npm(course, CORE)
    found = fetch_live(course, tmp_path / "cache")
    assert found.folder == tmp_path / "cache"
    assert (found.folder / "core.wasm").read_bytes() == CORE
    assert (found.folder / "fast.whl").read_bytes() == WHEEL
    assert found.sentence.endswith("1 from npm, 1 from pip and 1 from carrying==2.0 (pip).")
    monkeypatch.setattr(live_files, "_run", lambda *_: pytest.fail("nothing is asked for twice"))
    assert fetch_live(course, tmp_path / "cache").sentence.endswith("all were here.")


def test_without_npm_the_carrier_gives_the_rest(course, tmp_path):
    found = fetch_live(course, tmp_path / "cache")
    assert found.folder is not None
    assert "2 from carrying==2.0 (pip)" in found.sentence


@needs_scripts
def test_other_bytes_under_the_right_name_are_refused(course, tmp_path, monkeypatch):
    install_npm(course, b"evil")  # as long as the right one
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    found = fetch_live(course, tmp_path / "cache")
    assert found.folder is None
    assert "npm: core.wasm is not as locked" in found.sentence
    assert FOLDER_VARIABLE in found.sentence
    assert not (tmp_path / "cache" / "core.wasm").exists()


def test_damaged_files_in_the_cache_are_replaced(course, tmp_path):
    folder = fetch_live(course, tmp_path / "cache").folder
    (folder / "fast.whl").write_bytes(WHEEL[::-1])
    assert fetch_live(course, tmp_path / "cache").folder == folder
    assert (folder / "fast.whl").read_bytes() == WHEEL


def test_a_folder_that_the_environment_names_comes_first(course, tmp_path, monkeypatch):
    folder = fetch_live(course, tmp_path / "cache").folder
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    found = fetch_live(course, tmp_path / "other")
    assert found.sentence.endswith(f"3 from the folder of {FOLDER_VARIABLE}.")
    (folder / "fast.whl").write_bytes(WHEEL[::-1])
    found = fetch_live(course, tmp_path / "third")
    assert found.folder is None and "fast.whl is not as locked" in found.sentence


def test_the_release_is_asked_last(course, tmp_path, monkeypatch):
    server = Server(WHEEL)
    lock = json.loads((course / live_files.LOCK).read_text())
    lock["sources"]["release"]["address"] = f"{server.url}/"
    lock["files"] = lock["files"][1:2]
    (course / live_files.LOCK).write_text(json.dumps(lock))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    try:
        found = fetch_live(course, tmp_path / "cache")
    finally:
        server.http.shutdown()
    assert found.sentence.endswith("1 from the release.")
    assert server.paths == ["/files/fast.whl"]


def test_it_can_be_switched_off(course, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, "off")
    found = fetch_live(course, tmp_path / "cache")
    assert found.folder is None and FOLDER_VARIABLE in found.sentence
    assert not (tmp_path / "cache").exists()


def test_a_checkout_without_lock_builds_without(tmp_path):
    assert fetch_live(tmp_path, tmp_path / "cache").folder is None


def test_a_damaged_lock_is_named(course):
    (course / live_files.LOCK).write_text('{"files": [{}]}')
    with pytest.raises(OctlessonsError, match=r"live\.lock\.json is damaged"):
        fetch_live(course)


# The lock of the course -------------------------------------------------------------------------


def test_the_lock_is_complete():
    lock = read_lock(ROOT)
    assert len({file.name for file in lock.files}) == len(lock.files) >= 20
    for file in lock.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256) and file.size > 1000
        assert file.version and file.licence and file.places
        for place in file.places:
            assert place in lock.sources or re.fullmatch(r"[\w-]+==[\d.]+", place)


def test_what_comes_from_pip_has_the_versions_of_the_course():
    pins = (ROOT / "constraints.txt").read_text("utf-8").lower().splitlines()
    if not any("==" in line for line in pins):
        pytest.skip("constraints.txt names no versions here, as when the newest are tried")
    wanted = [p for file in read_lock(ROOT).files for p in file.places if "==" in p]
    assert len(wanted) == 6
    assert [one for one in wanted if one not in pins] == []
