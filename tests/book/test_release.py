"""What a release hands out: it opens by double-click, prints, and holds no solution by mistake."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from octlessons._files import file_hash
from octlessons.doctor import find_browser
from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import load_catalogue
from octlessons.exercises.stubs import answers
from octlessons.site import identity, notebooks, printing, release, slides
from tests.book.small_course import build_course, write_course
from tests.book.test_extensions import a_png

ROOT = Path(__file__).resolve().parents[2]
#: A host that is nobody's.
REPOSITORY = "https://example.org/o/n"
WHEEL = f"{REPOSITORY}/o.whl"
PAGES = ["book/index", "book/01-page", "book/glossary"]


def quiet(line: str) -> None:
    """Hear nothing of the progress."""


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    return write_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def site(course) -> Path:
    return build_course(course)


@pytest.fixture
def tab(browser):
    """A page of the browser; what went wrong on it is in ``tab.problems``."""
    page = browser.new_page()
    page.set_default_timeout(10_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda m: m.type == "error" and page.problems.append(m.text))
    yield page
    page.close()


# The files


def test_files_have_checksums_and_the_same_bytes_again(course, site, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795000000")
    parts = ["site", "slides"]
    first, second = (
        release.make_release(tmp_path / name, parts, root=course, site=site, tell=quiet)
        for name in ("one", "two")
    )
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    for line in first[-1].read_text().splitlines():
        digest, _, name = line.partition("  ")
        assert file_hash(tmp_path / "one" / name) == digest


def test_the_site_opens_by_double_click_and_its_search_works(course, site, tmp_path, tab):
    (packed, _) = release.make_release(tmp_path, ["site"], root=course, site=site, tell=quiet)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "opened")
    tab.goto((tmp_path / "opened/seeing-without-labels/index.html").as_uri())
    tab.wait_for_url(re.compile(r"^file:.*/book/index\.html$"))
    tab.keyboard.press("Control+k")
    field = tab.locator("#pst-search-dialog input")
    field.fill("squared")
    field.press("Enter")
    tab.wait_for_selector("#search-results li a")
    tab.locator("#search-results li a").first.click()
    tab.wait_for_url(re.compile(r"^file:.*/book/glossary\.html"))
    assert tab.problems == []


def test_an_unknown_part_is_refused(course, site, tmp_path):
    with pytest.raises(OctlessonsError, match="There is no part cake: name some of site, book"):
        release.make_release(tmp_path, ["cake"], root=course, site=site)


def test_a_missing_chromium_is_said_before_the_work(course, site, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(release, "find_browser", lambda: None)
    assert release.main([str(tmp_path), "--only", "book"]) == 1
    assert "There is no Chromium here" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({}, f"{REPOSITORY}/releases/download/v1.2/octlessons-1.2-py3-none-any.whl"),
        ({"version": "1.2.dev0"}, f"git+{REPOSITORY}@main"),
        ({"repository": ""}, ""),
    ],
)
def test_notebooks_install_the_package_that_they_belong_to(changes, address):
    us = vars(identity.identify(ROOT)) | {"repository": REPOSITORY, "version": "1.2"}
    assert notebooks.package_address(identity.Identity(**us | changes)) == address


# On paper


def test_the_book_is_one_page_whose_links_stay_within_it(course, site):
    page = printing.book_page(site, PAGES, identity.identify(course))
    soup = BeautifulSoup(page, "html.parser")
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    links = [a["href"] for a in soup.find_all("a", href=True) if a["href"].startswith("#")]
    assert links and {link[1:] for link in links} <= set(ids)
    assert "#p2-term-inertia" in links and "#p2-glossary" in links
    assert not soup.select("script, .headerlink, .only-dark, .term-notes, details.citation")
    assert "Seeing without labels" in soup.select_one("header.cover").get_text()
    listed = [a.get_text() for a in soup.select("nav a")]
    assert listed == ["1. Does it work?", "Glossary"]


def test_the_book_is_printed(course, site, tmp_path):
    if find_browser() is None:
        pytest.skip("no Chromium here: install it (apt-get install chromium) to print the book")
    (pdf, _) = release.make_release(tmp_path, ["book"], root=course, site=site, tell=quiet)
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF-") and b"/Outlines" in content
    assert b"/StructTreeRoot" in content  # tags, for screen readers
    sheets = re.findall(rb"/Type /Page\b", content)
    assert len(sheets) >= 5  # cover, contents, three pages


def test_a_chromium_that_fails_is_said(tmp_path, monkeypatch):
    (tmp_path / "page.html").write_text("<p>x</p>")
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho cannot draw >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("OCTLESSONS_CHROMIUM", str(program))
    with pytest.raises(OctlessonsError, match=r"Chromium did not print page\.html"):
        printing.print_to_pdf(tmp_path / "page.html", tmp_path / "page.pdf")
    assert not (tmp_path / "page.pdf").exists()


def test_a_handout_is_light_and_whole(site, tab):
    tab.goto((site / "book/01-page.html").as_uri())
    tab.evaluate("document.documentElement.dataset.theme = 'dark'")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    assert tab.evaluate("document.documentElement.dataset.theme") == "light"
    shown = "(names) => names.map((n) => document.querySelector(n)?.checkVisibility() ?? false)"
    assert tab.evaluate(shown, ["h1", ".predict", ".built-with"]) == [True, True, True]
    hidden = [".bd-sidebar-primary", ".prev-next-area", ".headerlink"]
    assert tab.evaluate(shown, hidden) == [False, False, False]
    tab.emulate_media(media="screen")
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"


# Slides

CHAPTER = """<article class="bd-article"><section id="c">
<h1>3. A chapter<a class="headerlink">#</a></h1>
<ul class="chapter-card"><li>20 min</li><li>data: any</li></ul>
<div class="objectives"><ul><li>see</li></ul></div>
<section id="q"><h2>Why?</h2><p>First sentence. Second sentence.</p>
<div class="cell"><figure class="octlessons-figure">
<img class="only-light" src="a.png" alt="A field." loading="lazy">
<img class="only-dark" src="a.png" alt="A field."><figcaption>Grey.</figcaption></figure></div>
<p>What the picture shows.</p>
<div class="cell"><details class="hide"><div class="cell_input"><pre>plot()</pre></div></details>
</div>
<div class="cell"><div class="cell_input"><pre>fit(x)</pre></div></div></section>
<section id="exercises"><h2>Exercises</h2><div class="course-box exercise">
<p class="admonition-title">Exercise 3.1 · Try<span class="exercise-minutes">5 min</span></p></div>
</section>
<section id="key-points"><h2>Key points</h2><div class="keypoints"><ul><li>Look.</li></ul></div>
</section></section></article>"""


@pytest.fixture
def chapter(tmp_path) -> Path:
    (tmp_path / "a.png").write_bytes(a_png(40, 30))
    (tmp_path / "03-chapter.html").write_text(CHAPTER, "utf-8")
    return tmp_path / "03-chapter.html"


def test_slides_have_the_figures_and_the_text_as_notes(chapter):
    made = slides.slides_of(chapter)
    assert [(slide.kind, slide.title) for slide in made] == [
        *[("title", "3. A chapter"), ("list", "By the end you can"), ("lead", "Why?")],
        *[("figure", "Why?"), ("code", "Why?"), ("list", "Exercises"), ("list", "Key points")],
    ]
    figure = made[3]
    assert 'src="data:image/png;base64,' in figure.body and "only-dark" not in figure.body
    assert figure.notes == ["<p>What the picture shows.</p>"]
    assert "Try" in made[5].body and "about 5 min" in made[5].body


def test_a_page_that_is_no_chapter_has_no_slides(tmp_path):
    (tmp_path / "x.html").write_text("<article class='bd-article'><h1>x</h1></article>")
    with pytest.raises(OctlessonsError, match="is no built chapter"):
        slides.slides_of(tmp_path / "x.html")


def test_slides_are_shown_by_keyboard_and_ask_for_nothing(chapter, tmp_path, tab):
    (path,) = slides.write_slides(tmp_path, ["03-chapter"], "A course", tmp_path / "slides")
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(path.as_uri())
    here = (
        "[...document.querySelectorAll('.slide')].filter((s) => s.checkVisibility())"
        ".map((s) => s.id)"
    )
    assert tab.evaluate(here) == ["s1"]
    for key, expected in (("ArrowRight", "s2"), ("End", "s7"), ("PageUp", "s6"), ("Home", "s1")):
        tab.keyboard.press(key)
        assert tab.evaluate(here) == [expected]
    assert tab.locator("[role=status]").inner_text() == "1 / 7"
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.activeElement.id") == "s4"
    notes = tab.locator("#s4 .notes")
    assert not notes.is_visible()
    tab.keyboard.press("n")
    assert notes.is_visible() and "What the picture shows." in notes.inner_text()
    assert tab.evaluate("document.querySelector('#s4 img').naturalWidth") == 40
    tab.emulate_media(media="print")
    assert len(tab.evaluate(here)) == 7
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert tab.problems == []


# Notebooks


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, Path]:
    folders = {}
    for kind in ("student", "code-only", "solved"):
        folders[kind] = tmp_path_factory.mktemp(kind)
        pages = notebooks.chapters_of(ROOT)
        notebooks.write_notebooks(ROOT, pages, folders[kind], kind, WHEEL)
    return folders


def cells_of(path: Path, kind: str) -> list[str]:
    book = nbformat.reads(path.read_text("utf-8"), 4)
    nbformat.validate(book)
    return [cell.source for cell in book.cells if cell.cell_type == kind]


def test_chapters_are_notebooks_of_plain_markdown(written):
    for page in notebooks.chapters_of(ROOT):
        path = written["student"] / f"{Path(page).name}.ipynb"
        text = "\n".join(cells_of(path, "markdown"))
        assert re.findall(r"^:{3,}.*$|\{[\w:-]+\}`|^`{3,}\{", text, re.M) == [], path.name
        source = (ROOT / f"{page}.md").read_text("utf-8")
        shown = source.count("```{code-cell}") - source.count("data-notice")
        assert len(cells_of(path, "code")) == shown + 1
        assert f'pip install --quiet "octlessons[book] @ {WHEEL}"' in (cells_of(path, "code")[0])


def test_without_prose_only_headings_and_code_stay(written):
    for path in written["code-only"].glob("*.ipynb"):
        lines = "\n".join(cells_of(path, "markdown")).split("\n")
        assert all(line.startswith("#") for line in lines if line)


def test_no_solution_is_where_students_look(written):
    exercises = list(load_catalogue(ROOT))
    for exercise in exercises:
        place = f"exercises/{exercise.chapter}/{exercise.id}.ipynb"
        student = "\n".join(cells_of(written["student"] / place, "code"))
        solved = "\n".join(cells_of(written["solved"] / place, "code"))
        source = re.sub(r" *# same: .*$", "", exercise.solution.read_text("utf-8"), flags=re.M)
        lines = [line for line in answers(source) if len(line) > 25]
        assert all(line in solved for line in lines)
        assert not all(line in student for line in lines) or not lines
        assert "TODO" in student and "TODO" not in solved
        compile(solved.replace("%pip", "pass  # pip"), place, "exec")
        assert f"octlessons @ {WHEEL}" in student
    assert len(list(written["solved"].rglob("*.ipynb"))) == len(exercises)
    assert not list(written["code-only"].rglob("exercises"))


def test_links_between_chapters_lead_to_notebooks():
    text = notebooks.plain_markdown("See [there](05-fewer-dimensions.md#pca) and {term}`RPE <x>`.")
    assert text == "See [there](05-fewer-dimensions.ipynb) and RPE."
    assert json.loads(notebooks.solved_notebook(next(iter(load_catalogue(ROOT)))))
