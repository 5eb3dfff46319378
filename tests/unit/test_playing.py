"""Figures to play with, as a cell makes them: small data, and a still picture."""

import base64
import importlib
import io
import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from octlessons.figures import MIME, grey, play, sheet, showing
from octlessons.figures.playing import MOST


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would receive."""
    bundles = []
    monkeypatch.setattr(showing, "_in_notebook", lambda: True)
    display = importlib.import_module("IPython.display")  # `IPython.display` may be a function, too
    monkeypatch.setattr(display, "display", lambda bundle, **_: bundles.append(bundle))
    return bundles


def test_a_notebook_gets_the_still_picture_and_the_page_its_data(shown):
    play("name", {"a": np.arange(3), "b": 1 / 3}, still=Figure(), alt="Nothing.", caption="So.")
    (bundle,) = shown
    assert bundle["image/png"] == bundle[MIME]["light"]
    assert bundle[MIME]["alt"] == "Nothing." and bundle[MIME]["caption"] == "So."
    assert bundle[MIME]["play"]["name"] == "name"
    assert json.loads(bundle[MIME]["play"]["data"]) == {"a": [0, 1, 2], "b": 0.33333}


def test_data_become_what_json_knows(shown):
    data = {1: (np.float32(2), np.bool_(True)), "none": [np.nan, float("inf")], "text": "ü<"}
    play("name", data, still=Figure(), alt="Nothing.")
    found = json.loads(shown[0][MIME]["play"]["data"])
    assert found == {"1": [2.0, True], "none": [None, None], "text": "ü<"}


def test_an_ordinary_figure_has_nothing_to_play_with(shown):
    showing.show(Figure(), alt="Nothing.")
    assert "play" not in shown[0][MIME]


def test_too_much_data_and_no_alt_text_are_refused():
    with pytest.raises(ValueError, match="may take"):
        play("name", {"a": "x" * MOST}, still=Figure(), alt="Nothing.")
    with pytest.raises(ValueError, match="alternative text"):
        play("name", {}, still=Figure())


def test_grey_is_one_byte_a_pixel():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert base64.b64decode(grey(picture)) == bytes(range(12))


def test_a_sheet_keeps_the_order_of_its_pictures_and_its_limit():
    tiles = np.repeat(np.arange(0, 250, 25, dtype=np.uint8), 64).reshape(10, 8, 8)
    whole = sheet(tiles, most=4000, columns=4)
    kind, text = whole["src"].split(",")
    assert kind == "data:image/webp;base64" and len(whole["src"]) <= 4000
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("L"))
    assert picture.shape == (3 * 8, 4 * 8)
    for place in range(10):
        y, x = divmod(place, whole["columns"])
        assert picture[8 * y + 4, 8 * x + 4] == pytest.approx(25 * place, abs=12)


def test_a_sheet_that_cannot_fit_says_so():
    noise = np.random.default_rng(0).integers(0, 256, (50, 40, 40), np.uint8)
    with pytest.raises(ValueError, match="50 pictures of 40 × 40 px"):
        sheet(noise, most=500)
    rough, fine = (len(sheet(noise, most=most)["src"]) for most in (15_000, 80_000))
    assert rough <= 15_000 < fine
