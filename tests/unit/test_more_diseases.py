"""Phantoms of the diseases that are drawn when asked for by name: each has its signs."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from octlessons.images.phantoms import (
    ALL_CLASS_NAMES,
    BOUNDARIES,
    CLASS_MIX,
    CLASS_NAMES,
    LESIONS,
    MORE_CLASS_NAMES,
    draw_phantoms,
)

FLUID, CYST, MEMBRANE, HOLE, ISCHAEMIA = 4, 5, 7, 8, 9

#: SHA-256 of the pixels of `_few()`: renew it on purpose, with the value that the test prints.
GOLDEN = "1fccfe70aebde95225d54a73c249e5ea5d76b52bf688ea9ee09a97ffccd28c0a"


def _few():
    return draw_phantoms(n_per_class=3, size=64, seed=5, classes=MORE_CLASS_NAMES)


@pytest.fixture(scope="module")
def drawn():
    """One scan each of patients of all eight classes."""
    images = draw_phantoms(n_per_class=40, size=128, seed=3, classes=ALL_CLASS_NAMES)
    _, first = np.unique(images.patients, return_index=True)
    return images[np.sort(first)]


def of_class(images, name):
    return images[images.labels == images.class_names.index(name)]


def row_of(images, boundary):
    return images.boundaries[:, BOUNDARIES.index(boundary)]


def micrometres(images, upper, lower):
    return (row_of(images, lower) - row_of(images, upper)) * images.pixel_sizes[:, :1]


def grey_between(images, upper, lower):
    """Mean grey of each scan between two boundaries, white wedges left out."""
    rows = np.arange(images.shape[1])[None, :, None]
    inside = (rows > row_of(images, upper)[:, None]) & (rows < row_of(images, lower)[:, None])
    pixels = np.asarray(images).astype(float)
    inside &= pixels < 250
    return (pixels * inside).sum((1, 2)) / inside.sum((1, 2))


def test_the_new_names_come_after_the_four(drawn):
    assert drawn.class_names == ALL_CLASS_NAMES == (*CLASS_NAMES, "ERM", "VID", "RVO", "RAO")
    first = {label: {patient[0] for patient in drawn.patients[drawn.labels == label]}
             for label in range(8)}  # fmt: skip
    assert first == {label: {str(label + 1)} for label in range(8)}
    assert list(LESIONS)[6:] == [MEMBRANE, HOLE, ISCHAEMIA]
    assert draw_phantoms(4, size=28, classes=["DME", "CNV"]).class_names == CLASS_NAMES


def test_the_company_does_not_change_a_picture():
    mixed = draw_phantoms(n_per_class=4, size=48, seed=2, classes=("DME", "ERM"))
    for name in ("DME", "ERM"):
        alone = draw_phantoms(n_per_class=4, size=48, seed=2, classes=name)
        assert np.array_equal(np.asarray(of_class(mixed, name)), np.asarray(alone))


def test_natural_mix_holds_the_new_classes_in_proportion():
    images = draw_phantoms(300, size=28, seed=1, classes=("DME", *MORE_CLASS_NAMES))
    total = sum(CLASS_MIX[name] for name in ("DME", *MORE_CLASS_NAMES))
    for name in ("DME", *MORE_CLASS_NAMES):
        share = images.counts()[name] / 300
        assert share == pytest.approx(CLASS_MIX[name] / total, abs=0.06)


def test_wrong_names_are_told_all_eight():
    with pytest.raises(ValueError, match="choose from " + ", ".join(ALL_CLASS_NAMES)):
        draw_phantoms(4, classes=["ERM", "AMD"])


def test_checksum_with_and_without_vector_instructions():
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    pixels = np.ascontiguousarray(np.asarray(_few()))
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == GOLDEN
    switched = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
    code = (
        "import sys, numpy as np\n"
        "from octlessons.images.phantoms import MORE_CLASS_NAMES, draw_phantoms\n"
        "few = draw_phantoms(n_per_class=3, size=64, seed=5, classes=MORE_CLASS_NAMES)\n"
        "sys.stdout.buffer.write(np.asarray(few).tobytes())"
    )
    env = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(switched)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert hashlib.sha256(done.stdout).hexdigest() == GOLDEN


@pytest.mark.parametrize("size", [28, 512])
def test_any_size(size):
    images = draw_phantoms(n_per_class=1, size=size, seed=8, classes=MORE_CLASS_NAMES)
    assert np.asarray(images).shape == (4, size, size)


def test_boundaries_never_cross(drawn):
    assert np.isfinite(drawn.boundaries).all()
    assert np.diff(drawn.boundaries, axis=1).min() > -1e-3


def test_only_the_right_classes_have_the_new_lesions(drawn):
    for code, names in ((MEMBRANE, {"ERM", "VID"}), (HOLE, {"VID"}), (ISCHAEMIA, {"RAO"})):
        with_it = (drawn.lesions == code).any((1, 2))
        assert {drawn.class_names[label] for label in drawn.labels[with_it]} == names


def test_a_membrane_is_a_bright_line_on_the_surface():
    erm = draw_phantoms(n_per_class=16, size=256, seed=3, classes="ERM")
    rows, pixels = np.arange(256)[:, None], np.asarray(erm).astype(float)
    to_retina, to_vitreous = [], []
    for i, ilm in enumerate(row_of(erm, "ILM")):
        mask = erm.lesions[i] == MEMBRANE
        columns = mask.any(0)
        assert columns.mean() > 0.1 and not (mask & (rows > ilm + 1)).any()
        retina = pixels[i][(rows > ilm + 1) & (rows < ilm + 5) & columns].mean()
        vitreous = pixels[i][(rows < ilm - 24) & columns & (pixels[i] < 250)].mean()
        to_retina.append(pixels[i][mask].mean() / retina)
        to_vitreous.append(pixels[i][mask].mean() / vitreous)
    assert np.median(to_retina) > 1.1 and min(to_vitreous) > 1.5


def test_a_membrane_thinner_than_a_pixel_is_marked_all_the_same():
    small, large = (draw_phantoms(n_per_class=12, size=size, seed=3, classes="ERM")
                    for size in (32, 448))  # fmt: skip
    share = [(images.lesions == MEMBRANE).any(1).mean(1) for images in (small, large)]
    assert np.abs(share[0] - share[1]).max() < 0.15


def test_a_hole_lets_the_surface_fall_to_the_rpe_which_goes_on(drawn):
    vid = of_class(drawn, "VID")
    depth, rpe = micrometres(vid, "ILM", "RPE"), micrometres(vid, "RPE", "BM")
    open_columns = (vid.lesions == HOLE).any(1)
    through = (depth < 10) & open_columns
    full = through.any(1)
    assert 0.2 < full.mean() < 0.7 and 0.4 < open_columns.any(1).mean() < 0.95
    assert not (depth < 10)[~open_columns].any()
    assert rpe[through].min() > 5
    width = through.sum(1) * vid.pixel_sizes[:, 1]
    assert np.median(width[full]) < 900
    pixels = np.asarray(vid)
    for i in np.flatnonzero(full):
        retina = grey_between(vid[i : i + 1], "ILM", "ELM")[0]
        assert pixels[i][vid.lesions[i] == HOLE].mean() < 0.75 * retina
    assert ((vid.lesions == CYST).any((1, 2))[full]).all()  # the rim is swollen


def test_traction_lifts_the_fovea_to_a_peak(drawn):
    vid = of_class(drawn, "VID")
    closed = ~(vid.lesions == HOLE).any((1, 2))
    height = micrometres(vid, "ILM", "BM")[closed]
    middle = height[:, 32:96]
    peak = middle.max(1) - np.median(height, axis=1)
    assert closed.any() and np.median(peak) > 50


def test_a_vein_occlusion_is_told_from_diabetic_oedema(drawn):
    rvo, dme = of_class(drawn, "RVO"), of_class(drawn, "DME")

    def one_sided(images):
        height = micrometres(images, "ILM", "BM")
        return np.median(np.abs(height[:, 76:].mean(1) - height[:, :52].mean(1)))

    def with_fluid(images):
        return (images.lesions == FLUID).any((1, 2)).mean()

    def inner_to_outer(images):
        inner = grey_between(images, "ILM", "GCL/IPL")
        return np.median(inner / grey_between(images, "OPL/HFL", "ELM"))

    assert one_sided(rvo) > 1.3 * one_sided(dme)
    assert with_fluid(rvo) > with_fluid(dme) + 0.2
    assert inner_to_outer(rvo) > 1.1 * inner_to_outer(dme)
    assert (rvo.lesions == CYST).any((1, 2)).mean() > 0.9


def test_an_artery_occlusion_is_opaque_and_then_thin(drawn):
    rao, normal = of_class(drawn, "RAO"), of_class(drawn, "NORMAL")
    acute = (rao.lesions == ISCHAEMIA).any((1, 2))
    assert 0.4 < acute.mean() < 0.9

    def inner_to_outer(images):
        inner = grey_between(images, "GCL/IPL", "INL/OPL")
        return inner / grey_between(images, "EZ", "BM")

    def inner_thickness(images):
        return micrometres(images, "RNFL/GCL", "INL/OPL").mean(1)

    assert np.median(inner_to_outer(rao[acute])) > 1.3 * np.median(inner_to_outer(normal))
    usual = np.median(inner_thickness(normal))
    assert np.median(inner_thickness(rao[acute])) > 1.05 * usual
    assert np.median(inner_thickness(rao[~acute])) < 0.85 * usual
