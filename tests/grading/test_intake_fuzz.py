"""Whatever bytes are handed in, reading them gives source or a sentence, soon.

``INTAKE_EXAMPLES=100000 pytest tests/grading/test_intake_fuzz.py`` tries more.
"""

import io
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octlessons.errors import OctlessonsError
from octlessons.exercises.magics import without_magics
from octlessons.exercises.source import notebook_source, percent_cells, python_source
from octlessons.grading.intake import UNEXPECTED, read_submissions

IDS = ["ex1", "ex2"]
RIGHT = "def f():\n    return 1\n"

fuzz = settings(
    max_examples=int(os.environ.get("INTAKE_EXAMPLES", 150)),
    deadline=None,
    derandomize="INTAKE_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)

names = st.one_of(
    st.sampled_from(
        [
            *("ex1.py", "ex2.ipynb", "EX1 (1).py", "lesson.ipynb", "w.zip", "w.tar", "li_ex1.py"),
            *("times.csv", "a_1_assignsubmission_file_", "li_1_2_ex1.py", "..", ".", "CON"),
            *("__MACOSX", "a/b", "\\"),
        ]
    ),
    st.text(max_size=12),
    st.text("exp12.y_- ()/\\", max_size=12),
)
paths = st.lists(names, min_size=1, max_size=3).map("/".join)

tree = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
marks = st.fixed_dictionaries(
    {}, optional={"tags": st.just(["setup"]) | tree, "exercise": st.sampled_from(IDS) | tree}
)
cells = st.fixed_dictionaries(
    {"cell_type": st.just("code") | tree, "source": st.text() | st.lists(st.text()) | tree},
    optional={"metadata": marks | tree},
)
notebooks = (st.lists(cells, max_size=4) | tree).flatmap(
    lambda found: st.fixed_dictionaries({"cells": st.just(found)}, optional={"metadata": tree})
)
contents = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.just(RIGHT.encode()),
    st.sampled_from([b"# coding: utf-7\n+", b"# coding: hex\nff", b"\xff\xfea", b"\xef\xbb\xbfx"]),
    notebooks.map(lambda found: json.dumps(found).encode()),
)


def as_zip(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:  # names may be there twice
            archive.writestr(zipfile.ZipInfo(name.encode("utf-8", "replace").decode()), data)
    return out.getvalue()


files = st.lists(st.tuples(paths, contents), max_size=4)


@st.composite
def archives(draw):
    """A zip file, with one in it at times, and with some bytes changed at times."""
    inside = draw(files)
    if draw(st.booleans()):
        inside.append((draw(names) + ".zip", as_zip(draw(files))))
    data = bytearray(as_zip(inside))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data) - 1))
        data[at] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
    cut = draw(st.integers(0, len(data))) if draw(st.integers(0, 4)) == 0 else len(data)
    return bytes(data[:cut])


@pytest.fixture(scope="module")
def place():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def check(path, ids=IDS, **options):
    try:
        found = read_submissions(path, ids, **options)
    except OctlessonsError as error:  # there is nobody, or the tutor's table is wrong
        words = ("holds no submissions", "times.csv", "add --single", "Add --single")
        assert any(part in str(error) for part in words)
        return []
    assert len({submission.slug for submission in found}) == len(found)
    for submission in found:
        for text in (submission.name, submission.slug, submission.student):
            assert text and text.encode() and "\n" not in text
        assert all(value.isprintable() for value in submission.ids.values())
        assert list(submission.works) == list(ids)
        for work in submission.works.values():
            assert (work.source is None) == bool(work.problem)
            assert UNEXPECTED not in work.problem, work
            assert work.file.encode() is not None and work.problem.encode() is not None
            if work.source is not None:
                assert not work.missing and "\0" not in work.source and "\r" not in work.source
                work.source.encode()
    return found


@pytest.mark.filterwarnings("ignore:Duplicate name")
@fuzz
@given(archives(), st.booleans(), st.sampled_from([IDS, IDS[:1]]))
def test_archives(place, data, single, ids):
    (path := place / "ana.zip").write_bytes(data)
    check(path, ids, single=single)
    folder = place / "class"
    folder.mkdir(exist_ok=True)
    (folder / "ana.zip").write_bytes(data)
    (folder / "zz").mkdir(exist_ok=True)
    (folder / "zz" / "ex1.py").write_text(RIGHT)
    found = check(folder, ids)
    assert [s.slug for s in found] == ["ana", "zz"] and found[1].works["ex1"].source == RIGHT
    (folder / "ana.zip").unlink()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@fuzz
@given(st.lists(st.tuples(paths, contents | archives()), max_size=5))
def test_folders(place, inside):
    folder = place / "folders"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in inside:
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        try:
            file = folder.joinpath(*parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        except (OSError, ValueError):
            continue  # no name for a file, or a folder is there
    check(folder)
    check(folder, single=True)


@fuzz
@given(contents | st.binary(), st.sampled_from(["ex1.py", "ex1.ipynb", "lesson.ipynb", "x.py"]))
def test_files(place, data, name):
    path = place / name
    path.write_bytes(data)
    for ids in (IDS, IDS[:1]):
        assert len(check(path, ids)) == 1


@fuzz
@given(st.binary() | contents)
def test_sources(data):
    for read in (python_source, notebook_source):
        try:
            source = read(data, "w")
        except OctlessonsError as error:
            assert str(error).startswith("w ")
        else:
            percent_cells(source)


lines = st.sampled_from(
    [
        "%x",
        "!x",
        "x = !y",
        "'''",
        '"""',
        "(",
        ")",
        "x \\",
        "#'",
        "'",
        "x?",
        "",
        "%%time",
        "f'{a!r}'",
    ]
)


@fuzz
@given(st.lists(lines | st.text(max_size=8)).map("\n".join))
def test_magics_keep_every_line_in_its_place(source):
    found = without_magics(source)
    assert found == "" or found.count("\n") == source.count("\n")


@fuzz
@given(st.lists(lines).map("\n".join))
def test_python_that_compiles_is_not_touched(source):
    try:
        compile(source, "w", "exec")
    except SyntaxError:
        return
    assert without_magics(source) == source
