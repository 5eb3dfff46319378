"""No solution is anywhere in the students' site: pages, search index, downloads, anything."""

from __future__ import annotations

import base64
import html
import io
import re
import zipfile
from pathlib import Path

import pytest

from octlessons.exercises import load_catalogue
from octlessons.exercises.source import read_source
from octlessons.exercises.stubs import answers

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".html", ".js", ".json", ".py", ".ipynb", ".txt", ".md", ".inv", ".css", ".xml"}


def squeezed(text: str) -> str:
    """Code without layout, mark-up and the escapes of HTML and JSON."""
    text = html.unescape(re.sub(r"<[^>]+>", "", text))
    return re.sub(r"\s+", "", text.replace("\\n", "").replace('\\"', '"'))


def cuts(source: str) -> list[list[str]]:
    """The answers of a solution, function by function; too short ones say nothing."""
    found = [answers("# solution: " + part) for part in source.split("# solution: ")[1:]]
    return [lines for lines in found if len(squeezed("".join(lines))) > 30]


def leaks(answer: list[list[str]], text: str) -> bool:
    """Whether three lines of an answer in a row stand in a squeezed text; all, of a shorter one."""
    for lines in (list(map(squeezed, cut)) for cut in answer):
        length = min(3, len(lines))
        places = range(len(lines) - length + 1)
        if any("".join(lines[i : i + length]) in text for i in places):
            return True
    return False


@pytest.fixture(scope="module")
def published(site):
    """Everything in the site that may hold text, by its name; also what the page's Python gets."""
    files = sorted(path for path in site.rglob("*") if path.is_file() and path.suffix in TEXT)
    packed = [path for path in files if path.parent == site / "_static/live/python"]
    found = {
        path.relative_to(site).as_posix(): squeezed(path.read_text("utf-8", errors="replace"))
        for path in files
        if path not in packed
    }
    if packed:
        text = (site / "_static/live/python/course.js").read_text("utf-8")
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(text.split('"')[3]))) as archive:
            for name in archive.namelist():
                if Path(name).suffix in TEXT and name.startswith("octlessons/"):
                    found[name] = squeezed(archive.read(name).decode("utf-8", "replace"))
    return found


#: The one exercise that a page solves before the reader's eyes, to show what a check says.
SHOWN = {"rows-and-columns": "book/00-start-here.html"}


@pytest.mark.parametrize("exercise", load_catalogue(ROOT), ids=lambda exercise: exercise.id)
def test_solution_is_nowhere(exercise, published):
    answer = cuts(read_source(exercise.solution))
    assert leaks(answer, squeezed(exercise.solution.read_text("utf-8")))  # it would be found
    shown = SHOWN.get(exercise.id)
    assert [name for name, text in published.items() if leaks(answer, text) and name != shown] == []


@pytest.mark.parametrize("exercise", load_catalogue(ROOT), ids=lambda exercise: exercise.id)
def test_exercise_is_in_its_chapter(exercise, soups, site):
    box = soups[f"book/{exercise.chapter}.html"].find(id=exercise.id)
    assert exercise.title in box.select_one(".admonition-title").get_text()
    assert f"{exercise.minutes} min" in box.select_one(".exercise-minutes").get_text()
    assert "still to be written" in box.select_one("details.stub").get_text()
    assert len(box.select("details.hint")) == len(exercise.hints)
    assert box.select_one("details.solution") is None
    stub, notebook = (box.select("a.download")[i]["href"] for i in (0, 1))
    page = site / "book"
    assert (page / stub).resolve().read_text("utf-8") == exercise.stub.read_text("utf-8")
    assert (page / notebook).resolve().read_text("utf-8") == exercise.notebook.read_text("utf-8")
