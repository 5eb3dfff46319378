"""Phantoms at the second scanner: the same eyes, cropped, and the truth that follows."""

import hashlib

import numpy as np
import pytest

from octlessons.images.phantoms import BOUNDARIES, SCANNERS, draw_phantoms

ILM, BM = BOUNDARIES.index("ILM"), BOUNDARIES.index("BM")

#: SHA-256 of the pixels of `draw_phantoms(24, size=64, seed=5, scanner="cropped")`.
GOLDEN = "c98386462557d1a94a405723881365ccbd437895701f1f2ad0cb4c26a2141935"


@pytest.fixture(scope="module")
def whole():
    return draw_phantoms(n_per_class=15, size=128, seed=3)


@pytest.fixture(scope="module")
def cropped():
    return draw_phantoms(n_per_class=15, size=128, seed=3, scanner="cropped")


def thickness(images):
    """Of the retina of normal eyes in µm, shape (n, w)."""
    normal = images[images.labels == images.class_names.index("NORMAL")]
    rows = normal.boundaries[:, BM] - normal.boundaries[:, ILM]
    return rows * normal.pixel_sizes[:, :1]


def test_it_scans_the_same_eyes_at_a_site_of_its_own(whole, cropped):
    assert list(cropped.names) == list(whole.names)
    assert np.array_equal(cropped.patients, whole.patients)
    assert set(cropped.sites) == {"C"}
    assert np.median(thickness(cropped)) == pytest.approx(np.median(thickness(whole)), rel=0.06)


def test_what_a_pixel_measures_is_true_after_cropping(cropped):
    rows, columns = cropped.sizes.T
    axial, lateral = cropped.pixel_sizes.T
    field = 128 * lateral * 1024 / columns / 1000  # mm, before the sides were cut
    assert 5.5 - 0.01 < field.min() < 7 and 11 < field.max() < 13.01
    whole_rows = rows * 1920 / (128 * axial)
    nearest = np.array([480, 640, 885, 1024])
    assert np.abs(whole_rows[:, None] - nearest).min(axis=1).max() < 3
    assert (rows < 0.9 * whole_rows).mean() > 0.5  # most are cropped


def test_the_truth_follows_through_crop_and_stretch(cropped):
    """At the true surface dark becomes bright, and nowhere nearby as much."""
    pictures, found = np.asarray(cropped).astype(float), []
    for picture, rows in zip(pictures, cropped.boundaries[:, ILM], strict=True):
        inside = np.flatnonzero((rows > 12) & (rows < 114))[26:-26]
        if len(inside) < 20:
            continue
        at = np.round(rows[inside]).astype(int) + np.arange(-8, 10)[:, None]
        found.append(np.diff(picture[at, inside].mean(axis=1)).argmax() - 7)
    assert len(found) > 40
    assert abs(np.mean(found)) < 0.6 and np.mean(np.abs(found) <= 1) > 0.85


def test_lesions_lie_between_the_boundaries(cropped):
    rows = np.arange(128)[:, None]
    ill = cropped.lesions > 0
    for mask, b in zip(ill, cropped.boundaries, strict=True):
        assert not mask[(rows < b[ILM] - 2) | (rows > b[BM] + 2)].any()
    named = np.array(cropped.class_names)[cropped.labels]
    assert not ill[named == "NORMAL"].any()
    assert ill[named == "CNV"].any(axis=(1, 2)).mean() > 0.9


def test_it_has_no_white_wedges_and_another_look(whole, cropped):
    assert ((np.asarray(cropped) == 255).mean(axis=(1, 2)) > 0.04).mean() < 0.05
    dark = [np.quantile(np.asarray(images), 0.05, axis=(1, 2)) for images in (whole, cropped)]
    assert np.max(dark[1]) > np.max(dark[0]) + 20  # raised floors


def test_same_seed_same_pictures():
    images = draw_phantoms(24, size=64, seed=5, scanner="cropped", n_jobs=2)
    more = draw_phantoms(30, size=64, seed=5, scanner="cropped")
    assert np.array_equal(np.asarray(images), np.asarray(more)[:24])
    found = hashlib.sha256(np.ascontiguousarray(np.asarray(images)).tobytes()).hexdigest()
    assert found == GOLDEN


@pytest.mark.parametrize("size", [28, 101, 512])
def test_any_size_shows_the_same_scan(size):
    small, large = (draw_phantoms(2, size=s, seed=8, scanner="cropped") for s in (size, 448))
    assert np.asarray(small).shape == (2, size, size)
    np.testing.assert_allclose(
        small.boundaries[:, BM].mean(axis=1) / size,
        large.boundaries[:, BM].mean(axis=1) / 448,
        atol=0.02,
    )


def test_an_unknown_scanner_is_refused():
    with pytest.raises(ValueError, match=f"choose from {', '.join(SCANNERS)}"):
        draw_phantoms(1, scanner="wide")


def test_training_phantoms_say_what_covers_them():
    from experiments.encoder.phantoms import COVERED, drawn_phantoms

    drawn = drawn_phantoms(25, 12, "mixed")
    other = drawn["other"]
    assert 0.3 < other.mean() < 0.8
    assert drawn["valid"][~other].all() and not drawn["valid"][other].all()
    covered = drawn["codes"] == COVERED
    assert covered[~other].any() and covered[other].any()
    # Wedges are white, so where nothing covers a whole scan its border is not.
    white = (drawn["images"] == 255) & ~covered
    assert white[~other][:, :4].mean() < 0.002
    assert drawn["codes"][~covered].max() < 13 + 10


def test_training_lines_and_codes_are_the_same_truth():
    from experiments.encoder.phantoms import drawn_phantoms

    drawn = drawn_phantoms(6, 13, "far", classes=("NORMAL", "DRUSEN"))
    assert set(drawn["labels"]) == {0, 1} and drawn["other"].all()
    for codes, lines in zip(drawn["codes"], drawn["lines"].astype(float), strict=True):
        clear = (codes <= 13).all(axis=0)
        for line, above in zip(lines, (1, 11, 12), strict=True):
            inside = clear & (line > 0) & (line < 190)
            first = (codes >= above).argmax(axis=0)
            assert np.abs(first - np.ceil(line))[inside].max(initial=0) <= 1
    total = (drawn["lines"][:, 2] - drawn["lines"][:, 0]) * drawn["scale"][:, :1]
    assert 200 < np.median(total[drawn["labels"] == 0]) < 360


def test_training_patients_differ_between_seeds_and_classes():
    from experiments.encoder.phantoms import drawn_phantoms

    one, two = (drawn_phantoms(3, seed, "plain") for seed in (1, 2))
    assert not set(one["patients"]) & set(two["patients"])
    for patient in set(one["patients"]):
        assert len(set(one["labels"][one["patients"] == patient])) == 1
