"""`load_images`: one call, any source."""

import numpy as np
import pytest
from PIL import Image

from octlessons.errors import OctlessonsError
from octlessons.images import load_images


@pytest.fixture
def folder(tmp_path):
    """Three CNV and five NORMAL scans of different widths."""
    rng = np.random.default_rng(0)
    for name, n in (("CNV", 3), ("NORMAL", 5)):
        (tmp_path / name).mkdir()
        for i in range(n):
            pixels = rng.integers(0, 255, (31, 40 + i), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{name}-{i}00-1.jpeg")
    return tmp_path


def test_phantoms_are_the_default(monkeypatch):
    monkeypatch.delenv("OCTLESSONS_DATA", raising=False)
    images = load_images(size=28, n_per_class=3)
    assert images.provenance.name == "phantoms"
    assert images.counts() == {"CNV": 3, "DME": 3, "DRUSEN": 3, "NORMAL": 3}
    assert images.shape == (12, 28, 28)


def test_the_environment_chooses_the_source(monkeypatch, folder):
    monkeypatch.setenv("OCTLESSONS_DATA", str(folder))
    assert load_images().counts() == {"CNV": 3, "NORMAL": 5}


def test_argument_wins_over_environment(monkeypatch, folder):
    monkeypatch.setenv("OCTLESSONS_DATA", "nowhere")
    assert len(load_images(folder)) == 8


def test_a_source_with_fewer_gives_what_it_has_and_says_so(folder):
    images = load_images(folder, size=16, n_per_class=100)
    assert images.counts() == {"CNV": 3, "NORMAL": 3}
    assert images.shape == (6, 16, 16)
    assert any("smallest class has 3" in note for note in images.provenance.notes)


def test_seed_decides_the_draw(folder):
    def draw(seed):
        return load_images(folder, n_per_class=2, seed=seed).names.tolist()

    assert draw(1) == draw(1)
    assert any(draw(1) != draw(seed) for seed in range(2, 8))


def test_unknown_source_says_what_there_is():
    with pytest.raises(OctlessonsError, match="'phantoms', 'octmnist', or the path"):
        load_images("no-such-place")


@pytest.mark.parametrize("name", ["octmnist-30", "octmnist28"])
def test_unknown_octmnist_size_says_which_there_are(name):
    with pytest.raises(OctlessonsError, match="28, 64, 128, 224"):
        load_images(name)


def test_a_size_of_nothing_is_refused():
    with pytest.raises(OctlessonsError, match="0 px"):
        load_images("phantoms", n_per_class=1, size=0)


@pytest.mark.parametrize("path", ["~no-such-user/scans", "x" * 5000])
def test_a_path_that_cannot_be_is_a_sentence(path):
    with pytest.raises(OctlessonsError, match="There is no data source"):
        load_images(path)
