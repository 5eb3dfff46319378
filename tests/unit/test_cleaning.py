"""Cleaning of scans, judged on phantoms, whose true layers are known."""

import io
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image

from octlessons.images import draw_phantoms
from octlessons.images.cleaning import (
    DOUBTFUL,
    TARGET,
    clean,
    crop,
    doubts,
    find_baseline,
    find_rpe,
    flatten,
    remove_wedges,
    wedge_mask,
)
from octlessons.images.phantoms import BOUNDARIES
from octlessons.images.retina import find_layers

RPE, BM = BOUNDARIES.index("RPE"), BOUNDARIES.index("BM")


@pytest.fixture(scope="module")
def large():
    """Phantoms of a whole scan's height, six of each class."""
    return draw_phantoms(size=496, n_per_class=6, seed=5)


@pytest.fixture(scope="module")
def plain(large):
    """Those without any wedge or black band."""
    return [
        i
        for i, image in enumerate(large)
        if image.max(axis=0).min() > 60 and not white(image).any()
    ]


def white(image):
    return image[[0, -1]] > 200


def bent(image, rows):
    """Shift each column down by whole rows, what is uncovered taken from the image's own top."""
    at = np.arange(len(image))[:, None] - np.round(rows).astype(int)
    return image[at % len(image), np.arange(image.shape[1])]


def with_wedges(image, quality=None):
    """Paint a wedge along the top, one at the bottom left and a strip; return image and mask."""
    height, width = image.shape
    rows, columns = np.indices(image.shape)
    mask = rows < 0.14 * height * (1 - 0.6 * columns / width)
    mask |= height - 1 - rows < 0.05 * height * (1 - 1.5 * columns / width)
    mask |= columns >= width - max(2, width // 100)
    painted = np.where(mask, 255, image).astype(np.uint8)
    if quality:
        stream = io.BytesIO()
        Image.fromarray(painted).save(stream, "JPEG", quality=quality)
        painted = np.asarray(Image.open(stream))
    return painted, mask


# ---------------------------------------------------------------------- wedges


@pytest.mark.parametrize("quality", [None, 75])
def test_wedges_are_found_and_little_else(large, plain, quality):
    assert len(plain) >= 4
    for i in plain[:4]:
        painted, truth = with_wedges(large[i], quality)
        found = wedge_mask(painted)
        assert found[truth].mean() > 0.995
        assert found[~truth].mean() < 0.03


def test_a_scan_without_wedges_is_left_alone(large, plain):
    for i in plain:
        assert wedge_mask(large[i]).mean() < 0.002
        assert np.mean(remove_wedges(large[i]) != large[i]) < 0.002


def test_a_bright_retina_at_the_border_is_no_wedge():
    image = np.full((496, 512), 20, np.uint8)
    image[300:312] = 255
    assert not wedge_mask(image).any()


def test_black_bands_are_left_alone():
    image = np.full((100, 100), 40, np.uint8)
    image[:, :10] = 0
    assert not wedge_mask(image).any()


@pytest.mark.parametrize("size", [28, 64, 128])
def test_wedges_made_grey_by_resizing_are_found_too(large, plain, size):
    painted, _ = with_wedges(large[plain[0]])
    small = np.asarray(Image.fromarray(painted).resize((size, size), Image.Resampling.BOX))
    cleaned = remove_wedges(small)
    assert np.mean(small > 180) > 0.08
    border = np.concatenate([cleaned[0], cleaned[-1]])
    assert np.mean(border > 150) < 0.05


def test_the_fill_looks_like_the_background_and_is_always_the_same(large, plain):
    image = large[plain[0]]
    painted, truth = with_wedges(image)
    filled = remove_wedges(painted)
    top = truth.copy()
    top[100:] = False
    assert abs(filled[top].mean() - image[top].mean()) < 8
    assert abs(filled[top].std() - image[top].std()) < 8
    assert np.array_equal(filled, remove_wedges(painted))
    kept = ~wedge_mask(painted)
    assert np.array_equal(filled[kept], painted[kept])
    assert painted[truth].min() == 255  # the argument was not touched


# ---------------------------------------------------------------------- flattening


def test_flattening_puts_the_membrane_on_one_row(large):
    spread, before = [], []
    for image, truth in zip(large, large.boundaries, strict=True):
        shift = find_baseline(image) - TARGET * 495
        flat = truth[BM] - shift
        spread.append(np.median(np.abs(flat - np.median(flat))))
        before.append(np.median(np.abs(truth[BM] - np.median(truth[BM]))))
    assert np.median(spread) < 3
    assert np.median(spread) < np.median(before) / 5


def test_the_bright_band_lies_at_the_target(large, plain):
    for i in plain[:4]:
        flat = flatten(large[i]).astype(float)
        brightest = flat.mean(axis=1).argmax()
        assert abs(brightest - TARGET * 495) < 15
        higher = flatten(large[i], target=0.5).astype(float).mean(axis=1).argmax()
        assert abs(brightest - higher - 0.15 * 495) < 5


def test_flattening_keeps_lesions_and_the_rpe_as_line_would_press_them_flat():
    """Marks painted on the true RPE show where it lies in the flattened picture."""
    scans = draw_phantoms(size=496, n_per_class=8, classes=["CNV", "DRUSEN"], seed=5)
    kept, pressed = [], []
    for image, truth in zip(scans, scans.boundaries, strict=True):
        lift = truth[BM] - truth[RPE]
        lift = lift - np.median(lift)
        high, level = lift > 12, np.abs(lift) < 3
        if high.sum() < 20:
            continue
        marked = np.zeros_like(image)
        marked[np.round(truth[RPE]).astype(int), np.arange(496)] = 255
        for line, shares in ((find_baseline(image), kept), (find_rpe(image), pressed)):
            rows = flatten(marked, line).argmax(axis=0)
            shares.append((np.median(rows[level]) - rows[high].mean()) / lift[high].mean())
    assert len(kept) >= 4
    assert np.median(kept) > 0.95
    assert np.median(pressed) < 0.3


def test_flattening_follows_the_line_that_is_given():
    columns = np.arange(256)
    line = 160 + 0.1 * (columns - 128) - 18 * np.exp(-((columns - 128) ** 2) / 200)
    image = np.where(np.abs(np.arange(256)[:, None] - line) < 4, 230, 20).astype(np.uint8)
    rows = flatten(image, line).argmax(axis=0)
    assert np.ptp(rows) <= 2
    assert abs(np.median(rows) + 3.5 - TARGET * 255) <= 1
    assert np.array_equal(flatten(image), flatten(image, find_baseline(image)))


def test_what_comes_in_from_outside_is_background(large, plain):
    image = bent(large[plain[0]], np.linspace(-30, 30, 496))
    flat = flatten(image)
    assert flat.dtype == np.uint8
    assert flat.shape == image.shape
    assert abs(np.median(flat[:10]) - np.median(image[:60])) < 12


def test_crop_cuts_between_two_heights():
    image = np.arange(100, dtype=np.uint8)[:, None].repeat(20, axis=1)
    assert crop(image, 0.2, 0.5)[:, 0].tolist() == list(range(20, 50))
    assert len(crop(image)) == 60


def test_clean_does_it_all_for_a_whole_set(phantoms):
    some = phantoms[:6]
    cleaned = some.map(partial(clean, size=32), "cleaned", shape=(32, 32))
    assert cleaned.shape == (6, 32, 32)
    assert cleaned.provenance.notes[-1] == "cleaned"
    assert cleaned.boundaries is None
    assert np.array_equal(cleaned[2], clean(some[2], 32))
    assert clean(some[0]).shape == (38, 64)
    assert clean(some[0], (20, 40)).shape == (20, 40)


def test_clean_brings_the_scans_of_a_set_together():
    """After cleaning two healthy scans look more alike than before."""
    scans = draw_phantoms(size=128, n_per_class=8, classes=["NORMAL"], seed=3)

    def likeness(images):
        rows = np.stack([image.astype(float).mean(axis=1) for image in images])
        return np.corrcoef(rows)[np.triu_indices(len(rows), 1)].mean()

    assert likeness([clean(image) for image in scans]) > likeness(list(scans)) + 0.2


def test_the_real_scans_become_straight(shared):
    """The bright band of the real healthy scans is nearly horizontal afterwards."""
    from octlessons.images import read_folder

    scans = read_folder(shared / "data/oct2017_sample").subset("NORMAL")
    for image in scans:
        flat = clean(image, (150, 128)).astype(float)
        left, right = (flat[:, part].mean(axis=1).argmax() for part in (slice(64), slice(64, None)))
        assert abs(int(left) - int(right)) <= 6
        assert wedge_mask(remove_wedges(image)).mean() < 0.002


# ---------------------------------------------------------------------- sentences


def test_sentences_for_what_cannot_be_cleaned():
    with pytest.raises(ValueError, match="one grey image"):
        clean(np.zeros((4, 64, 64), np.uint8))
    with pytest.raises(ValueError, match="float64"):
        find_rpe(np.zeros((64, 64)))
    with pytest.raises(ValueError, match="too small"):
        find_rpe(np.zeros((8, 8), np.uint8))
    image = np.zeros((64, 64), np.uint8)
    with pytest.raises(ValueError, match="each of the 64 columns"):
        flatten(image, np.zeros(5))
    with pytest.raises(ValueError, match="gaps"):
        flatten(image, np.full(64, np.nan))
    with pytest.raises(ValueError, match="between 0 and 1"):
        flatten(image, target=3)
    with pytest.raises(ValueError, match="top < bottom"):
        crop(image, 0.8, 0.2)


# ---------------------------------------------------------------------- doubts


def test_doubts_are_raised_by_steep_eyes_and_by_noise_and_not_by_phantoms(large):
    assert sum(doubts(large).values()).max() < DOUBTFUL
    columns = np.linspace(-1, 1, large.shape[2])
    steep = bent(large[0], 250 * np.clip(-columns, 0, None) ** 6)  # no stiff curve bends like that
    noise = np.random.default_rng(0).integers(0, 255, large.shape[1:]).astype(np.uint8)
    found = doubts(np.stack([steep, noise]))
    assert found["curve off the membrane"][0] > DOUBTFUL
    assert found["membrane unsure"][1] > DOUBTFUL


def test_a_retina_that_sticks_out_of_what_is_kept_is_told(large):
    retina = find_layers(large[0])
    swollen = replace(retina, ilm=retina.floor - 0.5 * 496)
    assert doubts(large[:1], [swollen])["retina cut off"] == 1
    with pytest.raises(ValueError, match="1 images but 2 retinas"):
        doubts(large[:1], [retina, retina])
