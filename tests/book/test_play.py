"""Figures to play with: small, by keyboard, without a server; their numbers are those of Python."""

from __future__ import annotations

import base64
import itertools
import json
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from octlessons.site import renderer

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "book" / "_static" / "play"
#: Most bytes of scripts and data of one figure.
MOST = 30 * 1024
#: Each figure, and the page that has it; test_drop.py looks at the page where scans are dropped.
FIGURES = {
    name: f"book/{path.stem}.html"
    for path in sorted((ROOT / "book").glob("*.md"))
    if path.stem != "drop-a-scan"
    for name in re.findall(r"\bplay\(\s*\"([\w-]+)\"", path.read_text("utf-8"))
}
SIZES = (1280, 320)


def data_of(page: str, name: str) -> str:
    found = re.search(
        rf"<play-{name} class=\"play\">.*?<script type=\"application/json\">(.*?)</script>",
        page,
        re.S,
    )
    assert found, f"the page has no figure {name}"
    return found[1]


def pixels(text: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape).astype(float)


@pytest.fixture
def opened(browser, site, address):
    """Open the page of a figure; what went wrong is in ``problems``."""
    contexts = []

    def go(name, *, width=1280, script=True, file=False, motion="reduce", block=None):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
            reduced_motion=motion,
        )
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(10_000)
        problems = []
        home = site.as_uri() + "/" if file else address
        tab.on(
            "request",
            lambda r: r.url.startswith((home, "data:", "blob:")) or problems.append(r.url),
        )
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("console", lambda m: m.type == "error" and problems.append(m.text))
        if block:
            tab.route(*block)
        tab.goto(home + FIGURES[name])
        figure = tab.locator(f"play-{name}")
        data = json.loads(data_of((site / FIGURES[name]).read_text("utf-8"), name))
        return SimpleNamespace(
            tab=tab,
            figure=figure,
            data=data,
            problems=problems,
            says=lambda: figure.locator(".play-says").inner_text(),
            press=lambda *keys: [tab.keyboard.press(key) for key in keys],
            choose=lambda label, value: figure.get_by_label(label, exact=True).select_option(value),
            button=lambda text: figure.get_by_role("button", name=text, exact=True),
        )

    yield go
    for context in contexts:
        context.close()


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-"))]


# What they are -----------------------------------------------------------------------------------


def test_there_are_eight_figures_each_with_a_script_of_its_own():
    assert len(FIGURES) >= 8
    scripts = {path.stem for path in SCRIPTS.glob("*.js")}
    assert scripts == {*FIGURES, "stage", "drop-scans"}


@pytest.mark.parametrize("name", FIGURES)
def test_scripts_and_data_are_small_and_of_this_page_only(site, name):
    page = (site / FIGURES[name]).read_text("utf-8")
    loaded = re.findall(r"_static/play/([\w-]+)\.js", page)
    assert sorted(loaded) == sorted({"stage", *(n for n in FIGURES if FIGURES[n] == FIGURES[name])})
    scripts = sum((SCRIPTS / f"{part}.js").stat().st_size for part in ("stage", name))
    assert scripts + len(data_of(page, name).encode()) <= MOST


def test_other_pages_load_none(site):
    for path in (site / "book").glob("*.html"):
        if f"book/{path.name}" not in {*FIGURES.values(), "book/drop-a-scan.html"}:
            assert "_static/play" not in path.read_text("utf-8"), path.name


def test_no_text_in_the_data_ends_their_script_early():
    node = renderer.played_figure("", name="x", data='{"a":"</script><b>ü"}')
    page = SimpleNamespace(body=[])
    renderer.visit_played_figure(page, node)
    renderer.depart_played_figure(page, node)
    markup = "".join(page.body)
    assert markup.count("</script>") == 1 and "<b>" not in markup
    assert json.loads(data_of(markup, "x")) == {"a": "</script><b>ü"}


@pytest.mark.parametrize("name", FIGURES)
def test_without_scripts_there_is_a_picture_with_its_text(opened, name):
    one = opened(name, script=False)
    picture = one.figure.locator("img.only-light")
    picture.scroll_into_view_if_needed()
    assert picture.is_visible() and len(picture.get_attribute("alt")) > 40
    assert one.figure.locator(".play-stage").count() == 0
    assert "{" not in one.figure.inner_text()


@pytest.mark.parametrize("name", FIGURES)
def test_a_script_that_fails_leaves_the_picture(opened, name):
    broken = f"CoursePlay.define('{name}', () => {{ throw new Error('no'); }});"
    one = opened(
        name,
        block=(f"**/{name}.js*", lambda r: r.fulfill(body=broken, content_type="text/javascript")),
    )
    assert one.figure.locator("img.only-light").is_visible()
    assert one.figure.locator(".play-stage").count() == 0
    assert any("stays still" in problem for problem in one.problems)


@pytest.mark.parametrize("file", [False, True], ids=["http", "file"])
@pytest.mark.parametrize("name", FIGURES)
def test_the_stage_takes_the_place_of_the_picture(opened, name, file):
    one = opened(name, file=file)
    stage = one.figure.locator(".play-stage")
    assert stage.is_visible() and not one.figure.locator("img").first.is_visible()
    assert one.figure.locator("figcaption").is_visible()
    assert len(stage.locator(".play-asks").inner_text()) > 40
    live = stage.locator(".play-says")
    assert live.get_attribute("aria-live") == "polite"
    assert re.search(r"\d", live.inner_text())
    assert one.problems == []


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("name", FIGURES)
def test_it_fits_and_every_control_has_a_name(opened, name, width):
    one = opened(name, width=width)
    assert one.figure.evaluate("(f) => f.querySelector('figure').scrollWidth - f.clientWidth") <= 0
    out = one.figure.evaluate(
        """(figure) => {
          const edge = figure.getBoundingClientRect();
          return [...figure.querySelectorAll('.play-stage :is(button, input, select, canvas, svg)')]
            .filter((e) => e.checkVisibility() && !e.closest('.play-scroll'))
            .filter((e) => e.getBoundingClientRect().right > edge.right + 1)
            .map((e) => e.outerHTML.slice(0, 80));
        }"""
    )
    assert out == []
    unnamed = one.figure.evaluate(
        """(figure) => [...figure.querySelectorAll(
             '.play-stage :is(button, input, select, canvas, [role=img], [tabindex="0"])')]
          .filter((e) => e.checkVisibility())
          .filter((e) => !(e.getAttribute('aria-label') || e.labels && e.labels.length
             || e.textContent.trim() && e.tagName === 'BUTTON' || e.querySelector('[aria-label]')))
          .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []


# What they do ------------------------------------------------------------------------------------


def k_means(rows, centroids):
    """Clusters and inertias, step by step, until no row changes its cluster."""
    before, inertias = None, []
    while True:
        squares = ((rows[:, None] - centroids[None]) ** 2).sum(axis=2)
        clusters = squares.argmin(axis=1)
        inertias.append(squares.min(axis=1).sum())
        if before is not None and np.array_equal(before, clusters):
            return clusters, inertias
        before = clusters
        centroids = np.array(
            [
                rows[clusters == c].mean(axis=0) if np.any(clusters == c) else centroids[c]
                for c in range(len(centroids))
            ]
        )


def rows_of(chosen: dict) -> np.ndarray:
    if "pixels" not in chosen:
        return np.array(chosen["points"], float)
    return pixels(chosen["pixels"], len(chosen["places"]), -1) / 255


@pytest.mark.parametrize("number", [0, 1, 2])
def test_k_means_ends_where_python_ends(opened, number):
    one = opened("kmeans-steps")
    chosen = one.data["sets"][number]
    one.choose("Data", str(number))
    for start in range(min(3, len(chosen["starts"]))):
        rows = rows_of(chosen)
        clusters, inertias = k_means(rows, rows[chosen["starts"][start]])
        one.button("To the end").focus()
        one.press("Enter")
        said = one.says()
        assert f"inertia {inertias[-1]:.{chosen['digits']}f}," in said
        assert said.startswith(f"Assignment {len(inertias)}:")
        sizes = re.search(r"clusters of ([\d, and]+)", said)[1]
        assert numbers(sizes) == np.bincount(clusters, minlength=chosen_k(chosen)).tolist()
        worse = "best" in chosen and inertias[-1] > 1.05 * chosen["best"]
        assert ("local minimum" in said) == worse
        assert one.button("At rest").is_disabled()
        if len(chosen["starts"]) > 1:
            one.button("Another start").click()
    assert one.problems == []


def chosen_k(chosen: dict) -> int:
    return len(chosen["starts"][0])


def test_k_means_steps_and_moves_by_keyboard(opened):
    one = opened("kmeans-steps")
    one.choose("Data", "0")
    step = one.figure.get_by_role("button", name=re.compile("^Next step"))
    step.focus()
    one.press("Enter")
    assert "inertia 201" in one.says()
    one.press("Enter")
    assert "inertia 76" in one.says()
    one.figure.get_by_role("button", name=re.compile("Centroid A")).focus()
    one.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert one.says() == "Centroid A moved to 1.5."
    assert one.figure.get_by_role("button", name=re.compile("Centroid A")).evaluate(
        "(e) => e === document.activeElement"
    )


def test_k_means_takes_its_time_unless_motion_is_unwanted(opened):
    told = {}
    for motion in ("reduce", "no-preference"):
        one = opened("kmeans-steps", motion=motion)
        one.button("To the end").click()
        told[motion] = "so it stops" in one.says()
    assert told == {"reduce": True, "no-preference": False}


def test_distance_of_two_scans_is_that_of_their_pixels(opened):
    one = opened("scan-over-scan")
    h, w = one.data["h"], one.data["w"]
    scans = [pixels(picture["grey"], h, w) for picture in one.data["pictures"]]
    assert "not moved: distance 0.00" in one.says()
    one.figure.get_by_label(re.compile("lies above")).focus()
    one.press("ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft")
    lower = np.pad(scans[0], 4, mode="edge")[4 - 3 : 4 - 3 + h, 4 + 1 : 4 + 1 + w]
    distance = np.linalg.norm((lower - scans[0]) / 255)
    counted = np.concatenate([g["values"] for g in one.data["groups"] if g["counts"]])
    said = one.says()
    assert f"distance {distance:.2f}" in said and "3 px down" in said
    share = 100 * np.mean(counted < distance)
    assert f"Of the {len(counted)} " in said
    assert abs(numbers(said.split(",")[-1])[0] - share) <= 0.51
    one.button("Back in place").click()
    for place, scan in enumerate([*scans, np.zeros((h, w))]):
        one.choose("Over the scan lies", str(place))
        assert f"distance {np.linalg.norm((scan - scans[0]) / 255):.2f}" in one.says()
    one.choose("Over the scan lies", "0")
    one.figure.get_by_label("Brighter").focus()
    one.press("ArrowRight", "ArrowRight")
    brighter = np.clip(scans[0] + 10, 0, 255)
    assert f"distance {np.linalg.norm((brighter - scans[0]) / 255):.2f}" in one.says()
    assert one.problems == []


def test_silhouettes_and_members_follow_k(opened):
    one = opened("k-silhouette")
    one.figure.get_by_label(re.compile("clusters k")).focus()
    one.press("Home")
    best = max(entry["mean"] for entry in one.data["ks"])
    for entry in one.data["ks"]:
        said = one.says()
        assert said.startswith(
            f"k = {entry['k']}: mean silhouette {entry['mean']:.2f}".replace("-", "−")
        )
        assert ("highest value." in said) == (entry["mean"] == best)
        shelves = one.figure.locator(".play-shelf")
        shown = [shelves.nth(c).locator(".play-fit").count() for c in range(entry["k"])]
        assert shown == np.bincount(entry["clusters"], minlength=entry["k"]).tolist()
        fits = shelves.first.locator(".play-tile").evaluate_all(
            "(all) => all.map((e) => e.getAttribute('aria-label'))"
        )
        values = [numbers(fit)[0] for fit in fits]
        assert values == sorted(values, reverse=True)
        one.press("ArrowRight")
    assert one.problems == []


def test_components_tell_what_they_hold_and_mark_the_lesion_when_asked(opened):
    one = opened("few-components")
    one.figure.get_by_role("slider").focus()
    orange = """(figure) => {
      const canvas = figure.querySelector('canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let n = 0;
      for (let i = 0; i < data.length; i += 4) n += data[i] > 200 && data[i + 2] < 60;
      return n;
    }"""
    for place, fit in enumerate(one.data["fits"]):
        one.choose("PCA was fitted", str(place))
        one.figure.get_by_role("slider").focus()
        one.press("Home")
        for step in fit["steps"]:
            said = one.says()
            assert said.startswith(f"{step['m']} component")
            assert f"{round(100 * step['share'])} % of the variance" in said
            one.press("ArrowRight")
    assert one.figure.evaluate(orange) == 0 and "lesion" not in one.says()
    one.button("Now I see it").focus()
    one.press("Enter")
    last = one.data["fits"][-1]["steps"][-1]
    if one.data["found"]:
        assert one.figure.evaluate(orange) > 20
        assert f"this lesion, {round(100 * last['lesion'])} % is there" in one.says()
    one.press("Enter")
    assert "lesion" not in one.says()
    assert one.problems == []


def test_a_filter_gives_the_sums_of_python(opened):
    one = opened("sliding-filter")
    h, w = one.data["h"], one.data["w"]
    image = pixels(one.data["grey"], h, w) / 255

    def expected(weights, picture):
        windows = np.lib.stride_tricks.sliding_window_view(picture, (3, 3))
        return (windows * np.reshape(weights, (3, 3))).sum(axis=(2, 3))

    scan = one.figure.get_by_label(re.compile("Move it with the arrow keys"))
    for place, filter_ in enumerate(one.data["filters"]):
        one.choose("Filter", str(place))
        scan.focus()
        one.press("ArrowUp", "ArrowLeft")
        sums, said = expected(filter_["weights"], image), one.says()
        row, column = (int(n) - 1 for n in re.match(r"Row (\d+), column (\d+)", said).groups())
        here = re.search(r"= (\S+); after the ReLU (\S+)\. ", said)
        assert numbers(here[1])[0] == pytest.approx(sums[row, column], abs=0.006)
        assert numbers(here[2])[0] == pytest.approx(max(0, sums[row, column]), abs=0.006)
        assert numbers(said)[-1] == pytest.approx(np.maximum(sums, 0).mean(), abs=0.0006)
    one.button("Stand the retina up").click()
    sums = expected(one.data["filters"][-1]["weights"], image.T)
    assert numbers(one.says())[-1] == pytest.approx(np.maximum(sums, 0).mean(), abs=0.0006)
    one.button("Stand the retina up").click()
    for weight in one.figure.locator("input[type=number]").all():
        weight.fill("1")
    assert numbers(one.says())[-1] == pytest.approx(expected(np.ones(9), image).mean(), abs=0.0006)
    assert one.problems == []


def test_companions_are_those_of_both_lists(opened):
    one = opened("two-lists")
    first, second = (np.array(entry["clusters"]) for entry in one.data["lists"])
    for scan in (0, len(first) // 2, len(first) - 1):
        one.choose("Scan", str(scan))
        mates = [of == of[scan] for of in (first, second)]
        wanted = [mates[0].sum() - 1, mates[1].sum() - 1, (mates[0] & mates[1]).sum() - 1]
        told = re.search(r": (\d+) companions? by .*?, (\d+) by .*?, (\d+) in both", one.says())
        assert [int(n) for n in told.groups()] == wanted
    one.figure.locator("[data-scan='1']").first.focus()
    one.press("Enter")
    assert one.says().startswith("Scan 2 ")
    assert one.figure.get_by_label("Scan", exact=True).input_value() == "1"
    assert one.tab.evaluate("document.activeElement.dataset.scan") == "1"
    assert one.problems == []


def test_accuracy_follows_the_mix_and_balanced_accuracy_does_not(opened):
    one = opened("class-mix")

    def said():
        pairs = re.findall(r"(\d[\d.]*) % \(balanced (\d[\d.]*) %\)", one.says())
        return [tuple(map(float, pair)) for pair in pairs]

    matrices = [np.array(entry["matrix"], float) for entry in one.data["networks"]]
    recalls = [np.diag(m) / m.sum(axis=1) for m in matrices]
    for mix in one.data["mixes"]:
        one.button(mix["name"]).focus()
        one.press("Enter")
        part = np.array(mix["scans"]) / np.sum(mix["scans"])
        wanted = [(100 * r @ part, 100 * r.mean()) for r in recalls]
        assert np.allclose(said(), wanted, atol=0.051)
        best = one.data["networks"][int(np.argmax([w[0] for w in wanted]))]["name"]
        assert f"The highest accuracy: {best}." in one.says()
    one.button(one.data["mixes"][0]["name"]).click()
    assert said()[0] == (89.3, 78.7)  # as published
    assert "published network: 80.5 %" in one.says()
    one.figure.get_by_label("NORMAL", exact=True).focus()
    one.press("End")
    assert one.says().startswith("Your mix")
    assert [pair[1] for pair in said()] == [round(100 * r.mean(), 1) for r in recalls]
    assert one.problems == []


@cache
def orders():
    return list(itertools.permutations(range(4)))


def test_best_names_of_the_piles_are_the_best_of_all_pairings(opened):
    one = opened("chance-cards")
    suits = ["spades", "hearts", "clubs", "diamonds"]
    for _ in range(5):
        one.button("Deal again").click()
        told = one.figure.locator(".play-cards").evaluate_all(
            "(all) => all.map((e) => e.getAttribute('aria-label'))"
        )
        piles = [
            [suits.index(word) for word in re.findall(r"[a-z]{5,}", t.split(":")[1])] for t in told
        ]
        assert sorted(itertools.chain(*piles)) == sorted([0, 1, 2, 3] * 5)
        best = max(sum(piles[p].count(order[p]) for p in range(4)) for order in orders())
        one.button("Best names").focus()
        one.press("Enter")
        assert one.says().startswith(f"{best} cards of 20 fit")
        one.press("Enter")  # the same deal counts once
    assert "After 5 deals" in one.says()
    for _ in range(10):
        one.button("A hundred deals").click()
    said = one.says()
    assert "After 1005 deals" in said and abs(numbers(said)[1] - one.data["mean"]) < 0.25
    assert one.problems == []


def test_names_of_piles_are_given_once_each_by_keyboard(opened):
    one = opened("chance-cards")
    boxes = one.figure.locator("select")
    boxes.nth(0).focus()
    one.press("ArrowDown")
    values = [boxes.nth(i).input_value() for i in range(4)]
    assert values == ["1", "0", "2", "3"]
    assert boxes.nth(0).evaluate("(e) => e === document.activeElement")
    assert re.match(r"\d+ cards? of 20 in the right pile", one.says())
