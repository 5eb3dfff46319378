"""The folder for a room without internet: which wheels, from where, and what lies beside them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

from octlessons import __version__
from octlessons.cli import app
from octlessons.errors import OctlessonsError
from octlessons.site import wheels, workshop
from octlessons.site.wheels import Shelf, Target, gather
from octlessons.site.workshop import Wanted, make_workshop

# Each asks pip, which takes a second or two.
pytestmark = pytest.mark.slow


def write_wheel(folder: Path, name: str, version="1.0", tag="py3-none-any", requires=(), extras=()):
    """A wheel with nothing in it but what pip reads."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {need}" for need in requires]
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        archive.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        )
        archive.writestr(
            f"{info}/RECORD", "".join(f"{info}/{n},,\n" for n in ("METADATA", "WHEEL", "RECORD"))
        )
    return path


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A package index in a folder; there is no other."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    (tmp_path / "shelf").mkdir()
    return Shelf(tmp_path / "shelf", {"alpha": "1.0"})


def names(found) -> set[str]:
    return {wheel.name.partition("-")[0] for wheel in found}


def quiet(line: str) -> None:
    """Hear nothing of the progress."""


# Which wheels


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("linux", {"alpha", "both"}),
        ("macos-arm64", {"alpha", "both", "apple"}),
        ("macos-x86_64", {"alpha", "both"}),
        ("windows", {"alpha", "both", "colours"}),
    ],
)
def test_packages_are_those_of_the_system_they_are_for(index, shelf, system, expected):
    mac = "sys_platform == 'darwin' and platform_machine == 'arm64'"
    needs = ["both", "colours; platform_system == 'Windows'", f"apple; {mac}"]
    write_wheel(index, "alpha", requires=needs)
    for name in ("both", "colours", "apple"):
        write_wheel(index, name)
    assert names(gather(shelf, Requirement("alpha"), Target(system, "3.12"))) == expected


def test_each_python_has_its_own_wheel_and_one_for_all_comes_once(index, shelf):
    write_wheel(index, "alpha", requires=["fast", "old; python_version < '3.12'"])
    for tag in ("cp311-cp311-win_amd64", "cp312-cp312-win_amd64", "cp312-cp312-macosx_11_0_arm64"):
        write_wheel(index, "fast", tag=tag)
    write_wheel(index, "old")
    found = [
        gather(shelf, Requirement("alpha"), Target("windows", python))
        for python in ("3.11", "3.12")
    ]
    assert [len(wheels) for wheels in found] == [3, 2]
    tags = {wheel.name for wheel in shelf.folder.glob("fast*")}
    assert tags == {f"fast-1.0-cp3{n}-cp3{n}-win_amd64.whl" for n in (11, 12)}
    assert len(list(shelf.folder.glob("alpha*"))) == 1


def test_pins_and_extras_are_followed(index, shelf):
    for version in ("1.0", "2.0"):
        needs = ["more>=1; extra == 'big'", f"of_{version[0]}"]
        write_wheel(index, "alpha", version, requires=needs, extras=["big"])
    for name in ("more", "of_1", "of_2"):
        write_wheel(index, name)
    target = Target("linux", "3.13")
    assert names(gather(shelf, Requirement("alpha"), target)) == {"alpha", "of_1"}
    assert names(gather(shelf, Requirement("alpha[big]"), target)) == {"alpha", "of_1", "more"}


def test_a_late_release_of_python_is_meant(index, shelf):
    path = write_wheel(index, "alpha")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "alpha-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\nRequires-Python: >=3.11.5\n",
        )
        archive.writestr("alpha-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    assert names(gather(shelf, Requirement("alpha"), Target("linux", "3.11"))) == {"alpha"}


def test_what_is_there_is_not_fetched_again(index, shelf, monkeypatch):
    write_wheel(index, "alpha", requires=["beta"])
    write_wheel(index, "beta")
    target = Target("linux", "3.12")
    gather(shelf, Requirement("alpha"), target)
    monkeypatch.setenv("PIP_FIND_LINKS", str(index / "nothing"))
    assert names(gather(shelf, Requirement("alpha"), target)) == {"alpha", "beta"}
    (shelf.folder / "beta-1.0-py3-none-any.whl").unlink()
    with pytest.raises(wheels.NotThere, match="beta"):
        gather(shelf, Requirement("alpha"), target)


def test_an_index_that_does_not_answer_is_no_missing_wheel(index, shelf, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(OctlessonsError, match=r"cannot be reached.*give the same command again"):
        gather(shelf, Requirement("alpha"), Target("linux", "3.12"))


def test_a_broken_wheel_is_named(index, shelf):
    (shelf.folder / "alpha-1.0-py3-none-any.whl").write_bytes(b"half")
    with pytest.raises(OctlessonsError, match=r"alpha-1\.0.* is no whole wheel"):
        gather(shelf, Requirement("alpha"), Target("linux", "3.12"))


@pytest.mark.parametrize("by_file", [False, True])
def test_constraints_of_this_machine_change_nothing(index, shelf, tmp_path, monkeypatch, by_file):
    (tmp_path / "mine.txt").write_text("alpha<9\nbeta<9\n")
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nconstraint = {tmp_path / 'mine.txt'}\n")
    name, value = ("PIP_CONFIG_FILE", settings) if by_file else ("PIP_CONSTRAINT", "mine.txt")
    monkeypatch.setenv(name, str(tmp_path / value))
    write_wheel(index, "alpha", requires=["beta"])
    write_wheel(index, "beta", tag="cp311-cp311-win_amd64")
    assert names(gather(shelf, Requirement("alpha"), Target("windows", "3.11")))
    shelf.pins["beta"] = "1.0"
    with pytest.raises(wheels.NotThere, match=r"beta 1\.0"):
        gather(shelf, Requirement("alpha"), Target("linux", "3.11"))


# The folder


@pytest.fixture
def course(tmp_path, monkeypatch) -> dict:
    """A checkout as far as a folder needs one, and a site."""
    root, site = tmp_path / "root", tmp_path / "site"
    (site / "book").mkdir(parents=True)
    (site / "index.html").write_text("the course")
    root.mkdir()
    (root / "constraints.txt").write_text("# versions\nalpha==1.0\ntorch==3.0\n")
    needs = ["alpha", "pages; extra == 'book'", "torch; extra == 'deep'"]

    def made(root, out, kind):
        assert kind == "wheel"
        return write_wheel(out, "octlessons", __version__, requires=needs, extras=["book", "deep"])

    monkeypatch.setattr(workshop, "make_distribution", made)
    return {"root": root, "site": site, "tell": quiet}


@pytest.fixture
def full(index) -> Path:
    for name in ("alpha", "pages"):
        write_wheel(index, name)
    return index


def test_a_folder_has_all_that_a_room_needs(course, full, tmp_path):
    made = make_workshop(tmp_path / "room", **course)
    room = made.folder
    assert {path.name for path in room.iterdir()} >= {
        *("README.txt", "SHA256SUMS.txt", "constraints.txt", "packages", "site", "exercises"),
        "workshop.json",
    }
    assert (room / "site/index.html").read_text() == "the course"
    assert list((room / "exercises/exercises").rglob("dark-part.ipynb"))
    assert list((room / "exercises/tests/exercises").rglob("test_dark-part.py"))
    assert names(room.glob("packages/*")) == {"octlessons", "alpha", "pages"}
    assert len(made.covered) == 12 and all(one.extras == ("book",) for one in made.covered)
    for line in (room / "SHA256SUMS.txt").read_text().splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((room / name).read_bytes()).hexdigest() == digest
    text = (room / "README.txt").read_text()
    install = 'pip install --no-index --find-links packages -c constraints.txt "octlessons[book]"'
    assert text.count(install) == 2  # Linux and macOS, Windows
    assert str(tmp_path) not in text
    assert not (tmp_path / "room.unfinished").exists()


def test_a_machine_without_some_wheels_gets_what_there_is_and_it_is_said(course, index, tmp_path):
    write_wheel(index, "alpha")
    write_wheel(index, "pages", tag="cp312-cp312-win_amd64")
    wanted = Wanted(systems=("windows", "linux"), pythons=("3.12",))
    made = make_workshop(tmp_path / "room", wanted, **course)
    assert [one.extras for one in made.covered] == [("book",), ()]
    sentence = "without book: the package index has no wheel of pages for it"
    assert f"Linux (Intel, AMD), Python 3.12: {sentence}" in workshop.summary(made)
    assert sentence in (made.folder / "README.txt").read_text()


def test_torch_for_linux_is_the_one_without_cuda(course, full, tmp_path):
    write_wheel(full, "torch", "3.0", tag="cp312-cp312-manylinux_2_28_x86_64", requires=["cuda"])
    write_wheel(full, "torch", "3.0", tag="cp312-cp312-win_amd64")
    wanted = Wanted(systems=("windows", "linux"), pythons=("3.12",), torch=True)
    made = make_workshop(tmp_path / "room", wanted, **course)
    assert [one.extras for one in made.covered] == [("book", "deep"), ("book",)]
    assert "no wheel of torch 3.0+cpu" in made.covered[1].note and "--torch-index" in (
        made.covered[1].note
    )
    write_wheel(full, "torch", "3.0+cpu", tag="cp312-cp312-manylinux_2_28_x86_64")
    made = make_workshop(tmp_path / "room", wanted, **course)
    assert [one.extras for one in made.covered] == [("book", "deep")] * 2
    assert {p.name for p in made.folder.glob("packages/torch*manylinux*")} == {
        "torch-3.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl"
    }
    assert "CPU torch is 1 MB of it" in workshop.summary(made)


def test_an_interrupted_run_goes_on(course, full, tmp_path, monkeypatch):
    wanted = Wanted(systems=("linux",), pythons=("3.12",))
    with monkeypatch.context() as patch:
        patch.setattr(workshop, "_copy_course", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            make_workshop(tmp_path / "room", wanted, **course)
    assert not (tmp_path / "room").exists()
    for wheel in full.glob("*.whl"):
        wheel.unlink()
    assert names(make_workshop(tmp_path / "room", wanted, **course).covered[0].wheels) == {
        *("octlessons", "alpha", "pages")
    }


def test_the_same_command_renews_the_folder(course, full, tmp_path):
    wanted = Wanted(systems=("linux",), pythons=("3.12",))
    make_workshop(tmp_path / "room", wanted, **course)
    write_wheel(full, "alpha", "1.1")
    (course["root"] / "constraints.txt").write_text("alpha==1.1\n")
    (course["site"] / "index.html").write_text("a newer course")
    room = make_workshop(tmp_path / "room", wanted, **course).folder
    assert {p.name for p in room.glob("packages/alpha*")} == {"alpha-1.1-py3-none-any.whl"}
    assert (room / "site/index.html").read_text() == "a newer course"
    assert {p.name for p in tmp_path.iterdir() if p.name.startswith("room")} == {"room"}


def test_something_else_is_left_alone(course, full, tmp_path):
    for name in ("room", "other.unfinished"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").write_text("three years")
    for name in ("room", "other"):
        with pytest.raises(OctlessonsError, match=r"is there already.*name a new one"):
            make_workshop(tmp_path / name, **course)
    assert (tmp_path / "room/thesis.txt").read_text() == "three years"


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Wanted(systems=("amiga",)), "--system amiga is not one of linux, macos-arm64"),
        (Wanted(pythons=("2.7",)), "--python 2.7 is not one of 3.11, 3.12 and 3.13"),
    ],
)
def test_a_wrong_name_is_refused_before_anything_is_made(course, tmp_path, wanted, sentence):
    with pytest.raises(OctlessonsError, match=sentence):
        make_workshop(tmp_path / "room", wanted, **course)
    assert not list(tmp_path.glob("room*"))


def test_pip_installs_what_the_readme_says(course, full, tmp_path, monkeypatch):
    here = {"linux": "linux", "win32": "windows"}.get(sys.platform, "macos-arm64")
    write_wheel(full, "colorama")
    wanted = Wanted((here,), ("{}.{}".format(*sys.version_info),))
    room = make_workshop(tmp_path / "room", wanted, **course).folder
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    line = next(x for x in (room / "README.txt").read_text().splitlines() if "pip install" in x)
    told = line.split("python -m ")[1].replace('"', "").split()
    run = {"cwd": room, "check": True, "capture_output": True, "text": True}
    subprocess.run([python, "-m", *told], **run)
    listed = subprocess.run([python, "-m", "pip", "list", "--format", "freeze"], **run).stdout
    assert {line.partition("==")[0] for line in listed.split()} >= {"octlessons", "alpha", "pages"}


def test_the_command_says_in_one_sentence_what_is_wrong(tmp_path):
    result = CliRunner().invoke(app, ["workshop", str(tmp_path / "room"), "--system", "amiga"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: --system amiga is not one of linux, ")
    assert not list(tmp_path.iterdir())


@pytest.mark.exhaustive
def test_a_fresh_environment_installs_from_it_with_the_index_switched_off(tmp_path):
    here = {"linux": "linux", "win32": "windows"}.get(sys.platform)
    if here is None or sys.maxsize < 2**32:
        pytest.skip("the folder for this kind of machine is not tried out here")
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("the course")
    wanted = Wanted((here,), ("{}.{}".format(*sys.version_info),), extra="")
    try:
        made = make_workshop(tmp_path / "room", wanted, site=site, tell=quiet)
    except OctlessonsError as error:
        if "can be reached" in str(error) or "cannot be reached" in str(error):
            pytest.skip(f"no package index here: {error}")
        raise
    assert made.covered[0].extras == ()
    venv.create(tmp_path / "venv", with_pip=True)
    place = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    bare |= {"PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": ""}
    install = ["-m", "pip", "install", "--quiet", "--no-index", "--find-links", "packages"]
    install += ["-c", "constraints.txt", made.covered[0].install]
    run = {"cwd": made.folder, "env": bare, "check": True, "capture_output": True, "text": True}
    subprocess.run([place / "python", *install], **run)
    said = subprocess.run([place / "octlessons", "--version"], **run)
    assert said.stdout.strip() == f"octlessons {__version__}"
    subprocess.run([place / "octlessons", "start", str(tmp_path / "mine")], **run)
    listed = subprocess.run(
        [place / "octlessons", "check", "--list"], **run | {"cwd": tmp_path / "mine"}
    )
    assert "dark-part" in listed.stdout
