"""A course of two pages is built, rebuilt, broken in several ways, and built on a folder."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from octlessons import _fingerprint
from octlessons.errors import OctlessonsError
from octlessons.site import building, freshness

ROOT = Path(__file__).resolve().parents[2]

PAGE = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3}
teaching: 20
exercises: 5
needs: core
data: anything
---

# 1. A page

:::{objectives}
- see $\\min_k x_k$
:::

```{code-cell} ipython3
import base64, os, pathlib, struct, zlib
from IPython.display import Markdown, display
from myst_nb import glue
source = os.environ["OCTLESSONS_DATA"]
glue("source", source, display=False)

def png(value):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(
        ">I", zlib.crc32(kind + data))
    rows = zlib.compress((b"\\0" + bytes([value]) * 40) * 30)
    head = struct.pack(">IIBBBBB", 40, 30, 8, 0, 0, 0, 0)
    content = (b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head)
               + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return base64.b64encode(content).decode()

display({"application/vnd.octlessons.figure+json": {
    "alt": "A grey field.", "caption": "Grey, $x = 1$.", "light": png(200), "dark": png(40),
    "width": 20}, "text/plain": "A grey field."}, raw=True)
```

The source is {glue:text}`source`.

```{code-cell} ipython3
Markdown("Computed: **bold** and $k = 4$.")
```

::::{exercise} Try it
:name: try-it
:minutes: 5

Try.

:::{hint}
Do.
:::
::::

:::{quiz} 01-page
:::
"""

QUIZ = "questions:\n" + 3 * (
    "  - question: Is $k$ a number?\n"
    "    options:\n"
    "      - {text: 'yes, `int`', feedback: Indeed., correct: true}\n"
    "      - {text: 'no', feedback: It is one.}\n"
)


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A checkout with two pages and the real configuration and extensions."""
    root = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "_config.yml", root)
    for name in ("_ext", "_static"):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "book" / name, root / "book" / name, ignore=skip)
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n  - file: book/01-page\n"
    )
    (root / "constraints.txt").write_text("numpy==2.0\n")
    (root / "book" / "quizzes").mkdir()
    (root / "book" / "quizzes" / "01-page.yml").write_text(QUIZ)
    (root / "book" / "references.bib").write_text("")
    (root / "book" / "index.md").write_text("# Home\n\n[The page](01-page.md)\n")
    (root / "book" / "01-page.md").write_text(PAGE)
    return root


@pytest.fixture
def build(course):
    """Build the course with some files changed; put them back afterwards."""
    kept: dict[Path, str | None] = {}

    def go(data="phantoms", *, files=None, **options):
        for name, content in (files or {}).items():
            path = course / name
            kept.setdefault(path, path.read_text() if path.exists() else None)
            path.write_text(content)
        return building.build(data, root=course, tell=lambda line: None, **options)

    yield go
    for path, content in kept.items():
        path.unlink() if content is None else path.write_text(content)


def test_a_course_is_built_and_built_again(build, course):
    built = build()
    assert built.index == course / "_build" / "html" / "index.html"
    assert built.index.is_file()
    assert built.pages == 2 and set(built.executed) == {"book/01-page"}
    assert "Built 2 pages" in building.summary(built) and "phantoms" in building.summary(built)
    soup = BeautifulSoup((course / "_build/html/book/01-page.html").read_text(), "html.parser")
    light, dark = soup.select("figure.octlessons-figure img")
    assert (light["width"], light["height"], light["alt"]) == ("20", "15", "A grey field.")
    assert light["src"] != dark["src"]
    for image in (light, dark):
        assert (course / "_build/html/book" / image["src"]).is_file()
    assert soup.select_one("figcaption math")
    assert soup.select_one(".objectives munder") is None and soup.select_one(".objectives msub")
    assert "The source is phantoms" in soup.get_text()
    assert [tag.get_text() for tag in soup.select(".cell_output strong")] == ["bold"]
    assert "Exercise 1.1" in soup.select_one(".exercise .admonition-title").get_text()
    assert len(soup.select("form.quiz-form")) == 3 and soup.select_one(".quiz-option code")
    facts = json.loads((course / "_build/html/build.json").read_text())
    assert facts["data"] == "phantoms"
    assert str(course) not in json.dumps(facts)
    assert freshness.is_current(course / "_build/html", course, built.data)

    again = build()
    assert again.executed == {}
    prose = build(files={"book/01-page.md": PAGE.replace("Try.", "Try again.")})
    assert prose.executed == {}
    assert "Try again." in (course / "_build/html/book/01-page.html").read_text()


def test_a_change_of_the_package_runs_the_pages_again(build, monkeypatch):
    build()
    assert set(build(files={"constraints.txt": "numpy==2.1\n"}).executed) == {"book/01-page"}
    monkeypatch.setattr(_fingerprint, "fingerprint", lambda also: "f" * 64)
    assert set(build().executed) == {"book/01-page"}


def test_sphinx_finds_every_page_run_already(build, course):
    """Pages run side by side before Sphinx starts, and it knows them again."""
    build(fresh=True)
    log = (course / "_build/work/phantoms/build.log").read_text()
    assert "Using cached notebook" in log and "Executed notebook" not in log


def test_other_data_make_another_site(build, course, tmp_path):
    build()
    before = (course / "_build/html/build.json").read_text()
    scans = tmp_path / "my scans"
    (scans / "NORMAL").mkdir(parents=True)
    Image.fromarray(np.full((32, 32), 90, np.uint8)).save(scans / "NORMAL" / "NORMAL-1-1.png")
    built = build(str(scans))
    assert built.index == course / "_build" / "my-scans" / "html" / "index.html"
    page = (built.index.parent / "book/01-page.html").read_text()
    assert f"The source is {scans.resolve()}" in " ".join(
        BeautifulSoup(page, "html.parser").text.split()
    )
    assert "Built on my-scans" in page
    assert (course / "_build/html/build.json").read_text() == before
    assert build(str(scans)).executed == {}
    (scans / "NORMAL" / "a.jpeg").write_bytes(b"x")
    assert set(build(str(scans)).executed) == {"book/01-page"}


FAILING_CELL = PAGE.replace('Markdown("C', 'print("x")\n1 / 0\nMarkdown("C')
FAILING_LINE = FAILING_CELL[: FAILING_CELL.index('print("x")')].count("\n") + 1
BROKEN = {
    "a cell": (
        {"book/01-page.md": FAILING_CELL},
        [
            "book/01-page.md",
            f"cell 2 (line {FAILING_LINE})",
            "raised ZeroDivisionError: division by zero",
            "failure.txt",
        ],
    ),
    "the text": (
        {
            "book/01-page.md": PAGE.replace("Try.", "[gone](nowhere.md) {footcite:p}`nobody1900`")
            .replace("see $\\min_k x_k$", "see $\\nosuchthing$")
            .replace('"alt": "A grey field."', '"alt": ""'),
            "book/index.md": "# Home\n\n[x](01-page.md)\n\n<img src='https://a.org/x.png'>\n",
        },
        [
            "nowhere.md",
            "nobody1900",
            "'\\nosuchthing' cannot be written as MathML",
            "no alternative text",
            "loads https://a.org/x.png from another host",
        ],
    ),
    "the boxes": (
        {
            "book/quizzes/01-page.yml": QUIZ.replace(", feedback: Indeed.", ""),
            "book/01-page.md": PAGE.replace(":::{hint}", ":::{note}")
            + "\n::::{exercise} More\n:name: more\n:minutes: 95\n\nMore.\n::::\n",
        },
        [
            "01-page.yml, question 1, option 1: has no 'feedback'",
            "'try-it' has no ':::{hint}'",
            "'more' needs a line such as ':minutes: 10'",
        ],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_fault_in_it_stops_the_build_with_a_sentence_and_leaves_the_site(build, course, case):
    if not (course / "_build/html/index.html").is_file():
        build()
    page = course / "_build/html/book/01-page.html"
    before = page.read_text()
    files, expected = BROKEN[case]
    with pytest.raises(OctlessonsError) as error:
        build(files=files)
    for words in expected:
        assert words in str(error.value)
    assert page.read_text() == before


def test_a_single_page_is_built_beside_the_site(build, course):
    built = build(pages=["book/01-page.md"], files={"book/index.md": "# Home\n\n[x](nowhere.md)\n"})
    assert built.index == course / "_build/page/01-page/html/index.html"
    assert (built.index.parent / "book/01-page.html").is_file()


def test_a_page_that_does_not_exist_is_named(course):
    with pytest.raises(OctlessonsError, match="no page book/09-nothing"):
        building.build(root=course, pages=["book/09-nothing"], tell=lambda line: None)


SOLUTION = '''"""Say what is asked."""


def secret(x):
    """Return the answer.

    Examples
    --------
    >>> secret(1)
    42
    """
    # solution: compute it
    hidden_answer = 40 + 2
    return hidden_answer * x
    # end of solution
'''
CATALOGUE = """[[exercise]]
id = "try-it"
chapter = "01-page"
title = "Try it"
minutes = 5
points = 1
needs = "core"
objectives = ["try"]
hints = ["Think.", "Count."]
"""


def test_only_the_tutor_edition_has_solutions(build, course):
    from octlessons.exercises.stubs import generated, load_catalogue

    for name in ("_config.tutor.yml", "_toc.tutor.yml"):
        shutil.copy(ROOT / name, course)
    for folder in ("exercises", "solutions/01-page", "book/tutors"):
        (course / folder).mkdir(parents=True)
    (course / "solutions/01-page/try-it.py").write_text(SOLUTION)
    (course / "exercises/catalogue.toml").write_text(CATALOGUE)
    tutor_pages = re.findall(r"file: (\S+)", (ROOT / "_toc.tutor.yml").read_text("utf-8"))
    for page in tutor_pages:
        (course / f"{page}.md").write_text("# For tutors\n")
    for path, text in generated(load_catalogue(course)).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    files = {
        "_toc.yml": "format: jb-book\nroot: book/index\nparts:\n"
        "  - {caption: Lessons, chapters: [{file: book/01-page}]}\n",
        "book/01-page.md": PAGE.replace(":::{hint}\nDo.\n:::\n", ""),
    }
    try:
        build(files=files)
        students = course / "_build/html"
        soup = BeautifulSoup((students / "book/01-page.html").read_text(), "html.parser")
        assert "still to be written" in soup.select_one(".exercise details.stub").get_text()
        assert [hint.p.get_text() for hint in soup.select("details.hint")] == ["Think.", "Count."]
        assert not (students / "book/tutors").exists()
        everything = [path for path in students.rglob("*") if path.is_file()]
        assert not [path for path in everything if b"hidden_answer" in path.read_bytes()]
        assert len([path for path in everything if path.stem == "try-it"]) == 2

        built = build(files=files, tutor=True)
        assert built.index == course / "_build/tutor/html/index.html"
        tutors = BeautifulSoup(
            (built.index.parent / "book/01-page.html").read_text(), "html.parser"
        )
        assert "hidden_answer" in tutors.select_one(".exercise details.solution").get_text()
        assert "book/tutors/guide" in tutor_pages
        assert all((built.index.parent / f"{page}.html").is_file() for page in tutor_pages)
        assert not [path for path in students.rglob("*.html") if "hidden_a" in path.read_text()]

        with pytest.raises(OctlessonsError, match="minutes; the page says otherwise"):
            changed = files["book/01-page.md"].replace(":minutes: 5", ":minutes: 6")
            build(files={"book/01-page.md": changed})
    finally:
        shutil.rmtree(course / "exercises")
