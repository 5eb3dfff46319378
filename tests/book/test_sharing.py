"""What pages say to those who share them, words that explain themselves, addresses of old."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from PIL import Image

from octlessons import __version__
from octlessons.errors import OctlessonsError
from octlessons.site import identity, serving
from tests.book.small_course import build_course, write_course

ROOT = Path(__file__).resolve().parents[2]
HOME = "https://example.org/lessons/"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """No address from the environment of whoever runs the tests, and one date."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (identity.SITE_VARIABLE, identity.REPOSITORY_VARIABLE):
            patch.delenv(name, raising=False)
        patch.setenv("SOURCE_DATE_EPOCH", "1795000000")
        yield patch


@pytest.fixture(scope="module")
def plain(settings, tmp_path_factory) -> Path:
    """A site that does not know where it will live, with a page that has moved."""
    root = write_course(
        tmp_path_factory.mktemp("plain"), octlessons_redirects={"old/name": "book/01-page"}
    )
    return build_course(root)


@pytest.fixture(scope="module")
def published(settings, tmp_path_factory) -> Path:
    """The same, knowing its address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(identity.SITE_VARIABLE, HOME.rstrip("/"))
        return build_course(write_course(tmp_path_factory.mktemp("published")))


def soup_of(site: Path, page: str) -> BeautifulSoup:
    return BeautifulSoup((site / page).read_text("utf-8"), "html.parser")


def tags(soup: BeautifulSoup) -> dict[str, str]:
    found = soup.find_all("meta", attrs={"property": re.compile("^og:")})
    return {tag["property"]: tag["content"] for tag in found}


# Version, date, citation


def test_the_footer_has_version_and_date(plain):
    text = soup_of(plain, "book/01-page.html").select_one(".built-with").get_text()
    assert text.startswith(f"Version {__version__} of 18 November 2026. Built on phantoms with")


def test_a_page_says_how_to_cite_it(plain, published):
    fold = soup_of(plain, "book/01-page.html").select_one("details.citation")
    assert fold.p.get_text() == (
        f"The octlessons authors (2026). Does it work? In Seeing without labels "
        f"(version {__version__})."
    )
    assert "booktitle = {Seeing without labels}" in fold.pre.get_text()
    assert "url" not in fold.pre.get_text()
    fold = soup_of(published, "book/01-page.html").select_one("details.citation")
    assert f"url = {{{HOME}book/01-page.html}}" in fold.pre.get_text()
    course = soup_of(published, "book/index.html").select_one("details.citation")
    assert "@misc" in course.pre.get_text() and " In " not in course.p.get_text()


def test_the_file_for_citations_is_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited["version"] == __version__
    assert identity.identify(ROOT).authors == cited["authors"][0]["name"]


@pytest.mark.parametrize("address", ["example.org", "ftp://example.org/", "https:///x", "a b"])
def test_what_is_no_address_is_refused(monkeypatch, address):
    monkeypatch.setenv(identity.REPOSITORY_VARIABLE, address)
    with pytest.raises(OctlessonsError, match=r"OCTLESSONS_REPOSITORY .* no address of a site"):
        identity.identify(ROOT)


def test_the_day_without_history_is_that_of_the_release(monkeypatch, tmp_path):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    released = identity.date(2026, 11, 20)
    assert identity.last_change(tmp_path, released) == released


# Previews, pictures, site map


def test_without_an_address_nothing_is_absolute(plain):
    for page in plain.rglob("book/*.html"):
        soup = soup_of(plain, page.relative_to(plain))
        assert "og:image" not in tags(soup) and "og:url" not in tags(soup)
        assert soup.find("link", rel="canonical") is None
    assert not (plain / "sitemap.xml").exists()
    assert not (plain / "_static/cards").exists()


def test_every_page_has_a_preview(plain):
    found = tags(soup_of(plain, "book/01-page.html"))
    assert found["og:title"] == "1. Does it work?"
    assert found["og:description"].startswith("A page for tests: words")
    assert found["og:site_name"] == "Seeing without labels"


def test_with_an_address_there_is_a_picture_and_a_site_map(published):
    soup = soup_of(published, "book/01-page.html")
    assert soup.find("link", rel="canonical")["href"] == f"{HOME}book/01-page.html"
    found = tags(soup)
    assert found["og:url"] == f"{HOME}book/01-page.html"
    assert found["og:image"].startswith(HOME) and "Does it work?" in found["og:image:alt"]
    card = published / found["og:image"].removeprefix(HOME)
    with Image.open(card) as image:
        assert image.size == (1200, 630)
    assert card.stat().st_size < 150_000
    listed = (published / "sitemap.xml").read_text("utf-8")
    pages = re.findall(r"<loc>(.*?)</loc><lastmod>2026-11-18<", listed)
    assert pages == [f"{HOME}book/{page}.html" for page in ("01-page", "glossary", "index")]


# Elsewhere


def test_a_chapter_opens_elsewhere_where_the_repository_is_known(settings, plain, tmp_path):
    assert "open in" not in soup_of(plain, "book/01-page.html").select_one(".chapter-card").text
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(identity.REPOSITORY_VARIABLE, "https://github.com/someone/course.git")
        site = build_course(write_course(tmp_path))
    colab, binder = soup_of(site, "book/01-page.html").select(".chapter-card a")
    edition = "main" if ".dev" in __version__ else f"v{__version__}"
    assert colab["href"] == (
        "https://colab.research.google.com/github/someone/course/blob/notebooks/"
        f"{edition}/01-page.ipynb"
    )
    assert binder["href"] == (
        f"https://mybinder.org/v2/gh/someone/course/{edition}?labpath=notebooks%2F01-page.ipynb"
    )


# Addresses of old, and those that are not there


def test_a_redirect_to_nowhere_stops_the_build(settings, tmp_path):
    write_course(tmp_path, octlessons_redirects={"old": "book/02-page"})
    with pytest.raises(OctlessonsError, match="old leads to book/02-page, which is no page"):
        build_course(tmp_path)


@pytest.fixture
def open_page(browser, plain):
    """Open a page of the small site."""
    server = serving.open_server(plain, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    contexts = []

    def go(path, script=True, width=1000):
        context = browser.new_context(
            java_script_enabled=script, viewport={"width": width, "height": 700}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/{path}")
        return page

    yield go
    for context in contexts:
        context.close()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_an_old_address_leads_to_the_new_page(open_page, script):
    tab = open_page("old/name.html#far-below", script)
    tab.wait_for_url(re.compile(r"/book/01-page\.html" + ("#far-below$" if script else "")))


def test_what_is_not_there_leads_home_from_any_depth(open_page):
    tab = open_page("a/b/c/nothing.html")
    assert tab.locator("h1").inner_text() == "This page is not here"
    tab.wait_for_selector("a[href='/book/index.html']")
    tab.locator("a", has_text="Does it work?").click()
    tab.wait_for_url(re.compile(r"/book/01-page\.html$"))


def test_with_an_address_the_way_home_needs_no_script(published):
    links = soup_of(published, "404.html").select("a")
    assert [a["href"] for a in links][:2] == [f"{HOME}book/index.html", f"{HOME}search.html"]


# Words that explain themselves


def test_words_are_described_where_they_stand(plain):
    soup = soup_of(plain, "book/01-page.html")
    links = soup.select("a.term-link")
    assert [soup.find(id=a["aria-describedby"]).get_text() for a in links] == [
        "inertia The sum of the squared distances.",
        "EZ A bright line < the retina.",
        "inertia The sum of the squared distances.",
        "inertia The sum of the squared distances.",
    ]
    assert len(soup.select(".term-note")) == 2
    assert all(note.has_attr("hidden") for note in soup.select(".term-note"))
    assert not soup_of(plain, "book/glossary.html").select(".term-note")


def test_a_word_explains_itself_when_pointed_at(open_page):
    tab = open_page("book/01-page.html")
    link, note = tab.locator("a.term-link").first, tab.locator("#note-term-inertia")
    assert not note.is_visible()
    link.hover()
    note.wait_for(state="visible")
    note.hover()  # on the way to it, and on it, it stays
    tab.wait_for_timeout(400)
    assert note.is_visible()
    tab.keyboard.press("Escape")
    assert not note.is_visible()
    link.hover()
    note.wait_for(state="visible")
    tab.mouse.move(5, 5)
    note.wait_for(state="hidden")


def test_a_word_explains_itself_when_focused(open_page):
    tab = open_page("book/01-page.html", width=360)
    tab.locator("a.term-link").nth(1).focus()
    tab.keyboard.press("Shift+Tab")
    note = tab.locator("#note-term-inertia")
    assert note.is_visible()
    box = note.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    tab.keyboard.press("Escape")
    assert not note.is_visible()
    assert tab.evaluate("document.activeElement.classList.contains('term-link')")
    tab.keyboard.press("Tab")
    assert tab.locator("#note-term-EZ").is_visible() and not note.is_visible()


def test_what_is_wider_than_the_page_can_be_reached_by_keys(open_page):
    tab = open_page("book/01-page.html", width=360)
    formula = tab.locator(".math-display")
    assert formula.get_attribute("tabindex") == "0"
    assert formula.get_attribute("aria-label") == "Formula, wider than the page"
    formula.focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function("document.querySelector('.math-display').scrollLeft > 0")
    tab.set_viewport_size({"width": 1200, "height": 700})
    tab.wait_for_function("!document.querySelector('.math-display').hasAttribute('tabindex')")
