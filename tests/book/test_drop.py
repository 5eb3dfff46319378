"""Drop a scan: the page's rows are Python's, and nothing is asked of anybody."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from octlessons._runtime import SHIPPED
from octlessons.images import draw_phantoms
from octlessons.images._decoding import read_image
from octlessons.images._resizing import resize_image
from octlessons.images.retina import TISSUES, find_layers
from octlessons.representations import PhantomEncoder
from octlessons.site.drop_parts import NETWORKS
from octlessons.site.live_files import NETWORKS as LOCK
from octlessons.site.live_files import read_lock

ROOT = Path(__file__).resolve().parents[2]
PAGE = "book/drop-a-scan.html"
DONE = (
    r"/looked at|does not work|was no scan/.test(document.querySelector('.play-says').textContent)"
)


@pytest.fixture(scope="module")
def engine(site):
    """The folder of what runs networks, or no test."""
    folder = site / "_static" / "drop"
    if not (folder / "machine.js").is_file():
        pytest.skip("this site was built without onnxruntime-web, which npm could not give")
    return folder


@pytest.fixture(scope="module")
def scans(tmp_path_factory) -> list[Path]:
    """Ten files of several sizes, shapes, formats and colours."""
    folder = tmp_path_factory.mktemp("scans")
    made = []
    for i, size in enumerate([28, 97, 192, 300, 512] * 2):
        scanner = ("spectralis", "cropped")[i // 5]
        picture = draw_phantoms(i + 1, size=size, seed=31 + i, scanner=scanner)[i]
        wide = np.asarray(Image.fromarray(picture).resize((size + 37 * (i % 3), size)))
        image = Image.fromarray(wide)
        if i == 3:
            image = Image.merge("RGB", [image, image.point(lambda v: v * 0.8), image])
        path = folder / f"scan {i}{'.jpg' if i == 7 else '.png'}"
        image.save(path, **({"quality": 95} if i == 7 else {}))
        made.append(path)
    return made


@pytest.fixture
def opened(browser, site, address):
    """The page, with what it asked for and what went wrong."""
    contexts = []

    def go(*, file=False, width=1280, script=True, ready=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script
        )
        contexts.append(context)
        tab = context.new_page()
        asked, problems = [], []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("console", lambda m: m.type == "error" and problems.append(m.text))
        if not ready:
            html = re.sub(r"<meta[^>]*course-drop[^>]*>", "", (site / PAGE).read_text("utf-8"))
            tab.route(
                "**/drop-a-scan.html", lambda r: r.fulfill(body=html, content_type="text/html")
            )
        tab.goto((site / PAGE).as_uri() if file else address + PAGE)
        home = (site.as_uri() + "/") if file else address

        def foreign():
            return [url for url in asked if not url.startswith((home, "data:", "blob:"))]

        def drop(paths):
            tab.get_by_label("Scans to look at", exact=True).set_input_files(
                [str(path) for path in paths]
            )
            tab.wait_for_function(DONE, timeout=120_000)
            return tab.locator(".play-says").inner_text()

        return SimpleNamespace(tab=tab, drop=drop, asked=asked, problems=problems, foreign=foreign)

    yield go
    for context in contexts:
        context.close()


def saved(tab) -> tuple[list[str], np.ndarray]:
    """Names and rows of the table that the page saves."""
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save the numbers as CSV").click()
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    rows = [[float(row[f"f{i}"]) for i in range(64)] for row in table]
    return [row["file"] for row in table], np.array(rows)


@pytest.mark.parametrize("file", [False, True], ids=["http", "file"])
def test_rows_are_those_of_python(opened, engine, scans, file):
    page = opened(file=file)
    assert page.drop(scans).startswith("10 scans looked at.")
    names, rows = saved(page.tab)
    assert names == [path.name for path in scans]
    expected = PhantomEncoder().transform([read_image(path) for path in scans])
    assert np.abs(rows - expected).max() < 1e-3
    assert page.foreign() == [] and page.problems == []


def test_resizing_is_pillows_to_the_last_bit(opened, engine):
    page = opened()
    page.tab.evaluate(
        """async () => {
          window.CourseDrop = { part() {} };
          const tag = document.createElement('script');
          tag.src = '../_static/drop/prepare.js';
          await new Promise((done) => { tag.onload = done; document.head.append(tag); });
        }"""
    )
    rng = np.random.default_rng(5)
    for h, w in (
        (28, 28),
        (192, 192),
        (150, 200),
        (496, 768),
        (193, 191),
        (1024, 300),
        (300, 246),
        (192, 64),
    ):
        picture = rng.integers(0, 256, (h, w), np.uint8)
        found = page.tab.evaluate(
            "([grey, h, w]) => Array.from(CourseDrop.resize(Uint8Array.from(grey), h, w))",
            [picture.ravel().tolist(), h, w],
        )
        assert np.array_equal(np.reshape(found, (192, 192)), resize_image(picture, (192, 192))), (
            h,
            w,
        )


def test_nothing_is_loaded_before_a_scan_is_chosen(opened, engine):
    page = opened()
    page.tab.wait_for_load_state("networkidle")
    assert not any("_static/drop/" in url for url in page.asked)
    before = len(page.asked)
    page.tab.get_by_role("button", name="Try it with drawn ones").click()
    page.tab.wait_for_function(DONE, timeout=120_000)
    loaded = {url.rpartition("/")[2] for url in page.asked[before:] if "_static/drop/" in url}
    assert {"network.js", "machine.js", "layers.js", "labels.js"} <= loaded
    assert page.foreign() == [] and page.problems == []
    assert "Nothing has left this machine" in page.tab.locator(".play-says").inner_text()


def test_layers_lesions_and_neighbours_are_told(opened, engine, scans, tmp_path):
    page = opened()
    one = draw_phantoms(n_per_class=2, size=192, classes=("DME",), seed=5)[1]
    Image.fromarray(one).save(tmp_path / "one.png")
    page.drop([tmp_path / "one.png"])
    share = find_layers(one).tissue.argmax(axis=0)
    words = page.tab.locator(".drop-results").inner_text()
    told = {
        name: float(value) for name, value in re.findall(r"([a-zA-Z][\w -]+) (\d+\.\d) %", words)
    }
    for code, name in enumerate(TISSUES):
        part = 100 * np.mean(share == code)
        if name in ("subretinal fluid", "intraretinal fluid", "bright spot") and part > 0.1:
            key = next(k for k in told if k.endswith(name))
            assert told[key] == pytest.approx(part, abs=0.06)
    near = page.tab.locator(".drop-results .play-scans .play-tile")
    assert near.count() == 5
    assert near.first.get_attribute("aria-label").startswith("Drawn as ")
    assert not page.tab.get_by_text("group 0").is_visible()  # one scan makes no groups
    lines = "() => document.querySelector('.drop-results canvas').toDataURL().length"
    with_lines = page.tab.evaluate(lines)
    page.tab.get_by_label("layers").uncheck()
    assert page.tab.evaluate(lines) != with_lines
    assert "diagnosis" in page.tab.locator("main").inner_text()


def test_a_cat_is_far_from_everything_and_an_inverted_scan_is_noticed(opened, engine, tmp_path):
    page = opened()
    data = pytest.importorskip("skimage.data")
    Image.fromarray(data.chelsea()).save(tmp_path / "cat.png")
    page.drop([tmp_path / "cat.png"])
    assert "trust none of this" in page.tab.locator(".drop-results").inner_text()
    Image.fromarray(255 - draw_phantoms(1, size=192)[0]).save(tmp_path / "inverted.png")
    page.drop([tmp_path / "inverted.png"])
    assert "looks inverted" in page.tab.locator(".drop-results").inner_text()
    assert page.problems == []


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(opened, engine, scans, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    Image.fromarray(np.zeros((20, 300), np.uint8)).save(tmp_path / "flat.png")
    Image.fromarray(np.full((64, 64), 9000, np.uint16)).save(tmp_path / "deep.png")
    page = opened()
    said = page.drop([*tmp_path.glob("*.png"), scans[0]])
    assert said.startswith("1 scan looked at.")
    refused = page.tab.locator("play-drop-scans li").all_inner_texts()
    assert sorted(text.split()[0] for text in refused) == ["broken.png", "deep.png", "flat.png"]
    assert any("16 bits" in text for text in refused) and any("28 are needed" in t for t in refused)


def test_more_than_two_hundred_are_too_many(opened, engine, tmp_path):
    small = Image.fromarray(draw_phantoms(1, size=28)[0])
    for i in range(203):
        small.save(tmp_path / f"{i:03d}.png")
    page = opened()
    page.tab.get_by_label("Scans to look at", exact=True).set_input_files(
        sorted(tmp_path.glob("*.png"))
    )
    page.tab.get_by_role("button", name="Stop").wait_for(timeout=60_000)
    assert "3 of 203 files" in page.tab.locator("play-drop-scans li").first.inner_text()
    page.tab.wait_for_function(
        "/^Looking at/.test(document.querySelector('.play-says').textContent)"
    )
    page.tab.get_by_role("button", name="Stop").click()
    page.tab.wait_for_function(DONE, timeout=60_000)
    assert "then stopped" in page.tab.locator(".play-says").inner_text()


def test_groups_are_k_means_by_keyboard(opened, engine, tmp_path):
    """Two kinds of pictures that nobody could mix up."""
    for i, scan in enumerate(
        draw_phantoms(n_per_class=4, size=128, classes=("NORMAL", "RVO"), seed=9)
    ):
        Image.fromarray(scan).save(tmp_path / f"{i}.png")
    page = opened()
    page.drop(sorted(tmp_path.glob("*.png")))
    page.tab.get_by_label("Groups").focus()
    page.tab.keyboard.press("Home")
    with page.tab.expect_download() as download:
        page.tab.get_by_role("button", name="Save the numbers as CSV").click()
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    rows = np.array([[float(row[f"f{i}"]) for i in range(64)] for row in table])
    groups = np.array([int(row["group"]) for row in table])
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    ours = KMeans(2, n_init=20, random_state=0).fit(rows)
    assert adjusted_rand_score(ours.labels_, groups) == 1
    said = page.tab.locator(".drop-results").inner_text()
    assert f"mean silhouette {silhouette_score(rows, groups):.2f}" in said
    assert re.search(r"2 groups of \d+ and \d+ scans", said)


def test_without_the_engine_the_page_has_one_sentence(opened):
    page = opened(ready=False)
    stage = page.tab.locator("play-drop-scans .play-stage")
    assert "octlessons cluster" in stage.inner_text()
    assert stage.locator("button").count() == 0 and page.problems == []
    assert page.tab.locator("play-drop-scans img.only-light").is_visible()


def test_without_scripts_there_are_a_picture_and_the_warning(opened):
    page = opened(script=False)
    assert page.tab.locator("play-drop-scans img.only-light").is_visible()
    text = page.tab.locator("main").inner_text()
    assert "no diagnosis" in text and "Nothing leaves your machine" in text


# The parts --------------------------------------------------------------------------------------


def test_parts_hold_the_shipped_networks(engine):
    import base64
    import gzip

    for name in NETWORKS:
        text = (engine / f"{Path(name).stem}.js").read_text("utf-8")
        packed = re.fullmatch(rf'CourseDrop\.part\("{name}","(.*)"\);\n', text)[1]
        assert gzip.decompress(base64.b64decode(packed)) == (SHIPPED / name).read_bytes()


def test_the_lock_names_licence_version_and_checksum_of_each_file():
    lock = read_lock(ROOT, LOCK)
    for file in lock.files:
        assert file.licence == "MIT" and file.version in lock.sources["npm"]["package"]
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
