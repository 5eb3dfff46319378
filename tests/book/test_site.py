"""The built site, looked at as files: complete, self-contained, described, light."""

from __future__ import annotations

import gzip
import json
import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from octlessons.exercises import load_catalogue
from octlessons.exercises.inpage import runs_in_page
from octlessons.site import checkout

ROOT = Path(__file__).resolve().parents[2]
PAGES = [f"{page}.html" for page in checkout.pages_of(ROOT / "_toc.yml")]
CHAPTERS = [page for page in PAGES if re.match(r"book/\d\d-", page)]
LATEX = re.compile(r"\\[a-zA-Z]{2,}|\\[()\[\]]|\$\$|\$[^\s$][^$\n]*\$")

# Kilobytes as they travel (gzip) for what a page needs before it can be read, and for its pictures.
PAGE_KB, PICTURES_KB, SITE_MB = 250, 2500, 68
LIVE = "script[src*='live/live.js']"
PYTHON, PYTHON_MB = "/_static/live/python/", 65


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_contents_exists(site, page):
    assert (site / page).stat().st_size > 2000


def test_nothing_else_was_published(site):
    found = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert found == {*PAGES, "404.html", "index.html", "search.html"}
    assert not (site / "_sources").exists()


def test_the_root_leads_to_the_first_page(site, soups):
    root = soups["index.html"]
    assert root.find("meta", attrs={"http-equiv": "refresh"})["content"].endswith(f"url={PAGES[0]}")
    assert root.find("a")["href"] == PAGES[0]


def test_the_site_says_what_it_was_built_with(site, soups):
    facts = json.loads((site / "build.json").read_text("utf-8"))
    assert facts["data"] == "phantoms"
    assert facts["pages"] == len(PAGES)
    for page in PAGES:
        assert "Built on phantoms with octlessons" in soups[page].select_one(".built-with").text


@pytest.mark.parametrize("page", CHAPTERS)
def test_chapter_says_which_data_it_shows(soups, page):
    if page != CHAPTERS[0]:
        notice = soups[page].select_one(".tag_data-notice .cell_output")
        assert "built with" in notice.get_text()
    facts = soups[page].select_one("ul.chapter-card").get_text(" ")
    assert "teaching" in facts and "exercises" in facts and "data:" in facts


@pytest.mark.parametrize("page", PAGES)
def test_page_has_a_description_and_a_title(soups, page):
    soup = soups[page]
    assert 50 <= len(soup.find("meta", attrs={"name": "description"})["content"]) <= 160
    assert soup.html["lang"] == "en"
    assert soup.title.get_text(strip=True)
    assert len(soup.find_all("meta", attrs={"name": "viewport"})) == 1


@pytest.mark.parametrize("page", PAGES)
def test_images_have_a_text_and_a_size(soups, page):
    for image in soups[page].find_all("img"):
        assert image.get("alt", "").strip(), image
        assert int(image["width"]) > 0 and int(image["height"]) > 0, image


@pytest.mark.parametrize("page", CHAPTERS)
def test_figures_come_in_light_and_dark_with_one_text(soups, page):
    for figure in soups[page].select("figure.octlessons-figure"):
        light, dark = figure.find_all("img")
        assert "only-light" in light["class"] and "only-dark" in dark["class"]
        assert light["alt"] == dark["alt"] and light["src"] != dark["src"]
        assert len(light["alt"].split()) >= 5, light["alt"]
        assert int(light["width"]) <= 760


@pytest.mark.parametrize("page", PAGES)
def test_headings_go_down_one_level_at_a_time(soups, page):
    levels = [int(tag.name[1]) for tag in soups[page].main.find_all(re.compile(r"^h[1-6]$"))]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels)), levels


def test_links_and_fragments_lead_somewhere(site, soups):
    ids = {page: {tag["id"] for tag in soup.find_all(id=True)} for page, soup in soups.items()}
    broken = []
    for page, soup in soups.items():
        for tag in soup.find_all(["a", "link", "img", "script"]):
            link = tag.get("href") or tag.get("src")
            if not link or urlsplit(link).scheme in {"http", "https", "mailto", "data"}:
                continue
            parts = urlsplit(link)
            target = (site / page).parent / unquote(parts.path) if parts.path else site / page
            target = target.resolve()
            if not target.exists():
                broken.append(f"{page} → {link}")
                continue
            known = ids.get(target.relative_to(site).as_posix(), set())
            if parts.fragment and unquote(parts.fragment) not in known:
                broken.append(f"{page} → {link}")
    assert not broken


@pytest.mark.parametrize("page", PAGES)
def test_ids_are_unique(soups, page):
    ids = [tag["id"] for tag in soups[page].find_all(id=True)]
    assert {name for name in ids if ids.count(name) > 1} == set()


@pytest.mark.parametrize("page", PAGES)
def test_no_latex_is_left(site, page):
    from bs4 import BeautifulSoup

    soup = BeautifulSoup((site / page).read_text("utf-8"), "html.parser")
    for tag in soup.find_all(["script", "style", "pre", "code", "math", "kbd", "samp"]):
        tag.decompose()
    assert LATEX.findall(soup.get_text(" ")) == []
    assert not soup.select(".math:not(math)")


def test_nothing_comes_from_another_host(site, soups):
    from_pages = {
        f"{page}: {tag.get('src') or tag.get('href')}"
        for page, soup in soups.items()
        for tag in soup.find_all(["script", "img", "link", "iframe", "source", "video", "audio"])
        if urlsplit(tag.get("src") or tag.get("href") or "").netloc
        and tag.get("rel") not in (["canonical"], ["license"])
    }
    assert from_pages == set()
    styles = "\n".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\s]+", styles) == []


@pytest.mark.parametrize("page", PAGES)
def test_cells_left_no_warning_and_no_error(soups, page):
    assert (
        soups[page].select(".cell_output .stderr, .cell_output .traceback, .system-message") == []
    )


@pytest.mark.parametrize("page", PAGES)
def test_controls_have_names(soups, page):
    soup = soups[page]
    labels = {label.get("for") for label in soup.find_all("label")}
    for control in soup.find_all(["input", "select", "textarea"]):
        assert control.get("aria-label") or control.get("id") in labels, control
    for control in soup.find_all(["button", "summary"]):
        assert control.get_text(strip=True) or control.get("aria-label"), control
    for link in soup.find_all("a", href=True):
        image = link.find("img", alt=True)
        assert link.get_text(strip=True) or link.get("aria-label") or image, link


@pytest.mark.parametrize("page", PAGES)
def test_tables_have_headers(soups, page):
    for table in soups[page].main.find_all("table"):
        assert table.find("th"), table
        assert all(cell.get_text(strip=True) for cell in table.find_all("th"))


@pytest.mark.parametrize("page", CHAPTERS)
def test_quiz_has_feedback_for_every_answer(soups, page):
    forms = soups[page].select("form.quiz-form")
    assert 3 <= len(forms) <= 5
    for form in forms:
        answers = form.select(".quiz-answers li")
        assert len(form.select("input[type=radio]")) == len(answers) >= 2
        assert len(form.select("li.quiz-right")) == 1
        assert all(
            answer.select_one(".quiz-feedback-text").get_text(strip=True) for answer in answers
        )
        assert form.select_one("fieldset > legend") and form.select_one("[aria-live=polite]")


@pytest.mark.parametrize("page", PAGES)
def test_page_is_light(site, soups, page):
    soup = soups[page]
    folder = (site / page).parent

    def sizes(links, squeeze):
        files = {(folder / unquote(urlsplit(link).path)).resolve() for link in links}
        return sum(len(squeeze(path.read_bytes())) for path in files) / 1000

    needed = [tag["src"] for tag in soup.find_all("script", src=True)]
    needed += [tag["href"] for tag in soup.find_all("link", rel="stylesheet")]
    needed.append(Path(page).name)
    assert sizes(needed, gzip.compress) <= PAGE_KB
    pictures = (
        [tag["src"] for tag in soup.find_all("img") if "only-dark" not in tag["class"]]
        if (soup.find("img", class_="only-dark"))
        else []
    )
    assert sizes(pictures, bytes) <= PICTURES_KB


def test_site_is_light(site):
    sizes = {path: path.stat().st_size for path in site.rglob("*") if path.is_file()}
    python = sum(size for path, size in sizes.items() if PYTHON in path.as_posix())
    assert python <= PYTHON_MB * 1e6  # loaded when a reader asks, and only as far as needed
    assert sum(sizes.values()) - python <= SITE_MB * 1e6
    assert not list(site.rglob("*.map"))


def test_exercises_and_cells_can_run_in_the_page(site, soups):
    if not (site / "_static/live/python/manifest.js").is_file():
        pytest.skip("this site was built without Python for the page")
    for exercise in load_catalogue(ROOT):
        soup = soups[f"book/{exercise.chapter}.html"]
        offered = soup.find(id=exercise.id).select("[data-exercise] > button.live-open[hidden]")
        assert len(offered) == runs_in_page(exercise)
    for page in CHAPTERS:
        cells, script = soups[page].select("[class*=live-cell-]"), soups[page].select(LIVE)
        name = Path(page).stem
        here = name[:2] in {"01", "02", "03", "04", "05", "06", "12", "13"}
        assert (len(cells) >= 3) == here and len(script) <= 1
        assert (site / f"_static/live/cells/{name}.js").is_file() == here


def test_search_index_knows_the_chapters(site):
    index = (site / "searchindex.js").read_text("utf-8")
    assert all(page.removesuffix(".html") in index for page in PAGES)
    assert '"retina"' in index or "retina:" in index
