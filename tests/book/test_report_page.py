"""The report of `octlessons cluster` in a browser: from disk, by keyboard, without scripts."""

from __future__ import annotations

import re

import pytest

from octlessons.images import draw_phantoms
from octlessons.report import cluster_scans


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The address of a report on 60 drawn scans."""
    images = draw_phantoms(n_per_class=15, size=96, seed=21)
    names = [f"{name} <b>&amp;" for name in images.names]
    out = tmp_path_factory.mktemp("report") / "out"
    cluster_scans(images.replace(names=names), out, k=4, jobs=1)
    return (out / "report.html").as_uri()


@pytest.fixture
def opened(browser, report):
    """Open the report; what went wrong on it is in the list ``page.problems``."""
    contexts = []

    def go(width=1280, mode="light", script=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=mode,
            java_script_enabled=script,
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on(
            "console", lambda m: m.type in ("error", "warning") and page.problems.append(m.text)
        )
        page.on("request", lambda r: r.url.startswith("http") and page.problems.append(r.url))
        page.goto(report)
        if script:
            page.wait_for_selector("#canvas[data-ready]")
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_report_opens_from_disk_and_asks_nobody(opened, width, mode):
    page = opened(width, mode)
    assert page.problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").inner_text() == "60 scans in 4 groups"
    assert page.locator("article.card").count() == 4
    broken = "[...document.images].filter((i) => i.complete && !i.naturalWidth).length"
    assert page.evaluate(broken) == 0
    unnamed = "[...document.images].filter((i) => !i.alt).length"
    assert page.evaluate(unnamed) == 0
    assert "<b>&amp;" in page.locator("#twin td:nth-child(2)").first.inner_text()


def test_the_map_works_by_keyboard_and_its_table_follows(opened):
    page = opened()
    status = page.locator("#status")
    assert status.inner_text() == "60 of 60 scans shown."
    page.locator("#canvas").focus()
    whole = page.locator("#canvas").screenshot()
    for _ in range(6):
        page.keyboard.press("+")
    page.wait_for_timeout(200)
    assert page.locator("#canvas").screenshot() != whole
    page.keyboard.press("Enter")
    picked = int(status.inner_text().split(" of ")[0])
    assert 0 <= picked < 60 and "in the selection" in status.inner_text()
    rows = min(picked, 50)
    assert page.locator("#twin tbody tr").count() == rows
    page.keyboard.press("Escape")
    page.keyboard.press("0")
    assert status.inner_text() == "60 of 60 scans shown."
    page.locator("#on").click()
    assert page.locator("#page").inner_text() == "51 to 60 of 60"
    assert page.problems == []


def test_groups_and_labels_filter_the_map(opened):
    page = opened()
    page.locator("#by-cluster").select_option("0")
    groups = page.locator("#twin tbody td:nth-child(3)").all_inner_texts()
    assert groups and set(groups) == {"1"}
    page.locator("#by-label").select_option(label="CNV")
    assert set(page.locator("#twin tbody td:nth-child(5)").all_inner_texts()) <= {"CNV"}
    page.locator("#clear").click()
    assert page.locator("#status").inner_text() == "60 of 60 scans shown."


def test_a_lasso_selects_and_the_list_is_saved(opened):
    page = opened()
    page.locator("#lasso").click()
    page.locator("#canvas").scroll_into_view_if_needed()
    box = page.locator("#canvas").bounding_box()
    x, y = box["x"], box["y"]
    page.mouse.move(x + 5, y + 5)
    page.mouse.down()
    for dx, dy in ((0.5, 0), (0.5, 1), (0, 1)):
        page.mouse.move(x + 5 + dx * (box["width"] - 10), y + 5 + dy * (box["height"] - 10))
    page.mouse.up()
    picked = int(page.locator("#status").inner_text().split(" of ")[0])
    assert 0 < picked < 60
    with page.expect_download() as waiting:
        page.locator("#save").click()
    text = waiting.value.path().read_text("utf-8")
    assert len(text.strip().splitlines()) == picked + 1


def test_the_words_are_there_without_scripts_and_on_paper(opened):
    page = opened(script=False)
    assert page.locator("#follow tbody tr").count() >= 5
    assert not page.locator("#viewer").is_visible() and page.locator("noscript").count()
    page = opened()
    page.emulate_media(media="print")
    assert page.locator("#canvas").is_visible() and page.locator("#follow table").is_visible()
    for control in (".controls", "#twin", "nav", "#status"):
        assert not page.locator(control).first.is_visible(), control


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_is_white_whatever_the_screen(opened, scheme):
    page = opened()
    page.emulate_media(media="print", color_scheme=scheme)
    colours = "getComputedStyle(document.body)"
    assert page.evaluate(f"{colours}.backgroundColor") == "rgb(255, 255, 255)"
    assert sum(map(int, re.findall(r"\d+", page.evaluate(f"{colours}.color")))) < 200
