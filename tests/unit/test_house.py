"""The package as a house: arrows point down, files stay small, map and docstrings are true.

The floors are read from the map in CONTRIBUTING.md, so that what a newcomer reads is what is kept.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections import Counter
from enum import Enum
from functools import cache
from pathlib import Path

import networkx
import pytest
from numpydoc.docscrape import FunctionDoc

from octlessons._fingerprint import PACKAGE, imported
from tests.conftest import ROOT

FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 500, 60


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def rows() -> list[tuple[int, str, str]]:
    """Floor, room and text of every row of the map."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    found = re.findall(r"^\| (\d+) \| `([\w./]+)` \| (.+) \|$", text, re.M)
    return [(int(floor), room.rstrip("/"), words) for floor, room, words in found]


@cache
def floors() -> dict[str, int]:
    return {room.removesuffix(".py"): floor for floor, room, _ in rows()}


def room_of(module: str) -> str | None:
    """The room of a module of ours; None for the package itself."""
    parts = module.split(".")[1:]
    return parts[0] if parts else None


def module_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE.parent).with_suffix("")
    parts = inside.parts[:-1] if inside.name == "__init__" else inside.parts
    return ".".join(parts)


def test_every_folder_and_module_has_its_row():
    rooms = {p.stem if p.suffix else p.name for p in PACKAGE.iterdir()}
    rooms -= {"__init__", "__pycache__", "course"}
    assert set(floors()) == rooms
    for _, room, words in rows():
        folder = PACKAGE / room
        if not folder.is_dir():
            continue
        named = set(re.findall(r"`([\w./]+)`", words))
        there = {p.stem for p in folder.glob("*.py")} - {"__init__", "__main__"}
        there |= {f"{p.name}/" for p in folder.iterdir() if any(p.glob("*.py"))}
        assert there <= named, f"{room}: the map leaves out {sorted(there - named)}"
        gone = {n for n in named if n not in there and not (folder / n).exists()}
        assert not gone, f"{room}: the map names {sorted(gone)}, which are not there"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_arrows_point_down(path):
    own = room_of(module_of(path))
    if own is None:
        return  # the package names its public objects, lazily
    for name in imported(path):
        other = room_of(name)
        if other is None or other == own:
            continue
        assert floors()[other] < floors()[own], (
            f"{place(path)} (floor {floors()[own]}) imports {name} (floor {floors()[other]})"
        )


def test_the_untrusted_side_knows_nothing_of_the_judges():
    shared = {"octlessons.grading.wire", "octlessons.testing", "octlessons.exercises.plain"}
    for path in FILES:
        if "grading/worker" not in path.as_posix():
            continue
        for name in imported(path):
            inside = name.startswith("octlessons.grading.worker")
            judge = name.startswith("octlessons.grading") and name not in shared
            assert inside or not judge, f"{place(path)} imports {name}"


def test_no_modules_import_each_other_in_a_circle():
    arrows = networkx.DiGraph()
    for path in FILES:
        here = module_of(path)
        arrows.add_edges_from((here, name) for name in imported(path) if name != here)
    circles = [sorted(c) for c in networkx.strongly_connected_components(arrows) if len(c) > 1]
    assert circles == []


def test_no_two_modules_have_one_name():
    names = Counter(p.stem for p in FILES if p.stem not in ("__init__", "__main__"))
    assert [name for name, n in names.items() if n > 1] == []


@pytest.mark.parametrize("path", FILES, ids=place)
def test_files_and_functions_stay_small(path):
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST_FILE
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert not long


def public():
    """Functions and classes that rooms offer, by full name."""
    for folder in sorted(p for p in PACKAGE.iterdir() if (p / "__init__.py").is_file()):
        room = importlib.import_module(f"octlessons.{folder.name}")
        for name in getattr(room, "__all__", ()):
            thing = getattr(room, name)
            if inspect.isfunction(thing) or inspect.isclass(thing):
                yield pytest.param(thing, id=f"{folder.name}.{name}")


@pytest.mark.parametrize("thing", list(public()))
def test_public_names_are_described(thing):
    text = inspect.getdoc(thing)
    assert text, "no docstring"
    if inspect.isclass(thing) and issubclass(thing, Exception | Enum):
        return
    made = thing.__init__ if inspect.isclass(thing) else thing
    wanted = [n for n in inspect.signature(made).parameters if n != "self"]
    doc = FunctionDoc(thing, doc=text)
    sections = [*doc["Parameters"], *doc["Other Parameters"], *doc["Attributes"]]
    named = {part.strip(" *") for entry in sections for part in entry.name.split(",")}
    missing = [n for n in wanted if n not in named and n not in ("args", "kwargs")]
    assert not missing, f"no description of {missing}"
