"""Phantoms: the public call, the truth that comes with the images, and determinism."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from octlessons.images.phantoms import BOUNDARIES, CLASS_MIX, CLASS_NAMES, LESIONS, draw_phantoms

CODE = {name.split()[0]: code for code, name in LESIONS.items()}

#: SHA-256 of the pixels of `draw_phantoms(24, size=64, seed=5)`. A change here changes every
#: figure of the course: renew it on purpose, with the value that the failing test prints.
GOLDEN = "56d35b17f93934145c3d23e59d9b1b3cb0f5a79105e0dd6193ac8a369b9e2429"


@pytest.fixture(scope="module")
def balanced():
    return draw_phantoms(size=128, n_per_class=40, seed=3)


@pytest.fixture(scope="module")
def mixed():
    return draw_phantoms(300, size=32, seed=1)


def micrometres(images, upper, lower):
    """Thickness in µm between two boundaries, shape (n, w)."""
    b = images.boundaries
    rows = b[:, BOUNDARIES.index(lower)] - b[:, BOUNDARIES.index(upper)]
    return rows * images.pixel_sizes[:, :1]


def of_class(images, name):
    return images[images.labels == CLASS_NAMES.index(name)]


def first_scans(images):
    """One scan of each patient."""
    _, first = np.unique(images.patients, return_index=True)
    return images[np.sort(first)]


def test_shapes_and_types(balanced):
    n = 4 * 40
    assert np.asarray(balanced).shape == (n, 128, 128) and np.asarray(balanced).dtype == np.uint8
    assert balanced.boundaries.shape == (n, len(BOUNDARIES), 128)
    assert balanced.boundaries.dtype == np.float32
    assert balanced.lesions.shape == (n, 128, 128) and balanced.lesions.dtype == np.uint8
    assert balanced.class_names == CLASS_NAMES == ("CNV", "DME", "DRUSEN", "NORMAL")
    assert balanced.counts() == dict.fromkeys(CLASS_NAMES, 40)
    assert set(balanced.sites) == {"A", "B"}
    assert set(map(tuple, balanced.sizes)) <= {(h, w) for h in (496, 512) for w in (512, 768, 1536)}
    assert len(set(balanced.names)) == n
    assert np.allclose(balanced.pixel_sizes[:, 0], balanced.sizes[:, 0] * 3.87 / 128)


def test_natural_class_mix(mixed):
    counts = mixed.counts()
    for name in CLASS_NAMES:
        assert counts[name] / 300 == pytest.approx(CLASS_MIX[name], abs=0.05)
    assert max(np.unique(mixed.patients, return_counts=True)[1]) <= 20


def test_same_seed_same_images_and_other_seed_other_images():
    first, second = (draw_phantoms(12, size=48, seed=4) for _ in range(2))
    assert np.array_equal(np.asarray(first), np.asarray(second))
    assert np.array_equal(first.boundaries, second.boundaries)
    assert np.array_equal(first.lesions, second.lesions)
    other = draw_phantoms(12, size=48, seed=5)
    assert not np.array_equal(np.asarray(first), np.asarray(other))


def test_more_images_begin_with_the_same(mixed):
    fewer = draw_phantoms(40, size=32, seed=1)
    assert np.array_equal(np.asarray(fewer), np.asarray(mixed)[:40])
    assert list(fewer.names) == list(mixed.names[:40])


def test_number_of_processes_changes_nothing():
    one, two = (draw_phantoms(10, size=32, seed=2, n_jobs=jobs) for jobs in (1, 2))
    assert np.array_equal(np.asarray(one), np.asarray(two))


def _checksum(images) -> str:
    return hashlib.sha256(np.ascontiguousarray(np.asarray(images)).tobytes()).hexdigest()


def test_checksum():
    assert _checksum(draw_phantoms(24, size=64, seed=5)) == GOLDEN


def test_same_bytes_without_vector_instructions():
    """The processor must not matter, so draw again with numpy's fast paths switched off."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    switched = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
    if not switched:
        pytest.skip("this processor has no numpy fast paths to switch off")
    code = (
        "import sys, numpy as np\n"
        "from octlessons.images.phantoms import draw_phantoms\n"
        "sys.stdout.buffer.write(np.asarray(draw_phantoms(24, size=64, seed=5)).tobytes())"
    )
    env = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(switched)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert hashlib.sha256(done.stdout).hexdigest() == _checksum(draw_phantoms(24, size=64, seed=5))


@pytest.mark.parametrize("size", [28, 50, 64, 101, 224, 512])
def test_any_size_shows_the_same_scan(size):
    images = draw_phantoms(2, size=size, seed=8)
    assert np.asarray(images).shape == (2, size, size)
    share = images.boundaries[0, BOUNDARIES.index("BM")].mean() / size
    reference = draw_phantoms(2, size=128, seed=8)
    expected = reference.boundaries[0, BOUNDARIES.index("BM")].mean() / 128
    assert share == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    "arguments",
    [
        {"size": 20},
        {"size": 600},
        {"size": 64.5},
        {"size": "64"},
        {"n": 0},
        {"n_per_class": 0},
        {"seed": -1},
        {"classes": ["GLAUCOMA"]},
        {"classes": []},
    ],
)
def test_refusals_are_sentences(arguments):
    with pytest.raises(ValueError) as refusal:
        draw_phantoms(**{"n": 4, **arguments})
    assert str(refusal.value).endswith(".") and " " in str(refusal.value)


def test_only_the_classes_asked_for():
    images = draw_phantoms(80, size=28, classes=["DME", "NORMAL"])
    assert {CLASS_NAMES[k] for k in images.labels} == {"DME", "NORMAL"}


def test_boundaries_are_ordered_from_top_to_bottom(balanced):
    assert np.isfinite(balanced.boundaries).all()
    assert (np.diff(balanced.boundaries, axis=1) >= -1e-3).all()


def test_layer_thickness_of_normals_is_as_published(balanced):
    """Table 6 of doi:10.1186/s12886-018-0842-y, within two SD of the mean and three for one eye."""
    normal = first_scans(draw_phantoms(size=128, n_per_class=60, classes=["NORMAL"], seed=12))
    thickness = {
        "total": micrometres(normal, "ILM", "BM"),
        "GCL": micrometres(normal, "RNFL/GCL", "GCL/IPL"),
        "INL": micrometres(normal, "IPL/INL", "INL/OPL"),
        "ONL": micrometres(normal, "OPL/HFL", "ELM"),
    }
    foveal = thickness["total"].min(1) < 265  # scans that pass through the pit
    assert foveal.mean() > 0.6
    rim = {"total": (340, 17), "GCL": (50, 6), "INL": (38.5, 4.1), "ONL": (72.5, 11.5)}
    lateral = normal.pixel_sizes[:, 1]
    for name, (mean, sd) in rim.items():
        values = []
        for i in np.flatnonzero(foveal):
            pit = int(thickness["total"][i].argmin())
            away = np.abs(np.arange(128) - pit) * lateral[i] / 1000
            values.append(thickness[name][i, (away > 0.6) & (away < 1.5)].mean())
        assert np.mean(values) == pytest.approx(mean, abs=2 * sd), name
        assert np.abs(np.array(values) - mean).max() < 4 * sd, name
    floor = thickness["total"].min(1)[foveal]
    assert 190 < floor.mean() < 245


def test_some_scans_miss_the_pit(balanced):
    normal = first_scans(draw_phantoms(size=64, n_per_class=90, classes=["NORMAL"], seed=2))
    thinnest = micrometres(normal, "ILM", "BM")[:, 16:48].min(1)
    assert 0.02 < (thinnest > 280).mean() < 0.3


def test_lesions_are_where_they_should_be(balanced):
    found = {
        name: [set(np.unique(mask)) - {0} for mask in of_class(balanced, name).lesions]
        for name in CLASS_NAMES
    }
    assert not any(found["NORMAL"])
    assert all(found["CNV"])
    assert np.mean([CODE["drusen"] in codes for codes in found["DRUSEN"]]) > 0.97
    fluid = {CODE["intraretinal"], CODE["subretinal"]}
    assert np.mean([bool(codes & fluid) for codes in found["DME"]]) > 0.8
    mnv = {CODE["pigment"], 3}
    assert np.mean([bool(codes & mnv) for codes in found["CNV"]]) > 0.97
    for name in ("DME", "DRUSEN", "NORMAL"):
        assert not any(codes & mnv for codes in found[name])
    # Overlap on purpose: many neovascular eyes have drusen as well.
    assert 0.1 < np.mean([CODE["drusen"] in codes for codes in found["CNV"]]) < 0.9


def test_drusen_have_published_sizes():
    drusen = first_scans(draw_phantoms(size=256, n_per_class=40, classes=["DRUSEN"], seed=6))
    heights = micrometres(drusen, "RPE", "BM") - 16  # less the RPE itself
    tallest = heights.max(1)
    assert 30 < np.median(tallest) < 130 and tallest.max() < 180
    widest = (drusen.lesions == CODE["drusen"]).any(1).sum(1) * drusen.pixel_sizes[:, 1]
    assert 60 < np.median(widest) < 3500


def test_oedema_thickens_the_retina(balanced):
    thick = {
        name: np.median(micrometres(of_class(balanced, name), "ILM", "BM").max(1))
        for name in ("DME", "NORMAL")
    }
    assert thick["DME"] > thick["NORMAL"] + 40


def test_cysts_are_dark_and_drusen_lift_the_rpe(balanced):
    dme = of_class(balanced, "DME")
    retina = np.zeros(dme.lesions.shape, bool)
    rows = np.arange(128)[:, None]
    for i, b in enumerate(dme.boundaries):
        retina[i] = (rows > b[0]) & (rows < b[BOUNDARIES.index("ELM")])
    images = np.asarray(dme)
    cyst = dme.lesions == CODE["intraretinal"]
    assert images[cyst].mean() < 0.75 * images[retina & (dme.lesions == 0)].mean()
    drusen = of_class(balanced, "DRUSEN")
    lifted = micrometres(drusen, "RPE", "BM").max(1)
    flat = micrometres(of_class(balanced, "NORMAL"), "RPE", "BM").max(1)
    assert np.median(lifted) > 2 * np.median(flat)


def test_wedges_are_pure_white_and_touch_the_border(balanced):
    white = np.asarray(balanced) == 255
    large = white.mean((1, 2)) > 0.02
    assert 0.2 < large.mean() < 0.9
    for mask in white[large]:
        border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        assert border.any()
    share = [large[balanced.labels == k].mean() for k in range(4)]
    assert max(share) - min(share) < 0.5  # wedges must not tell the classes apart


def test_scans_of_one_patient_are_alike(balanced):
    x = np.asarray(balanced)[:, ::4, ::4].reshape(len(balanced), -1).astype(float)
    x -= x.mean(1, keepdims=True)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    alike = x @ x.T
    same = balanced.patients[:, None] == balanced.patients[None]
    np.fill_diagonal(same, False)
    other = balanced.patients[:, None] != balanced.patients[None]
    assert np.median(alike[same]) > np.median(alike[other]) + 0.2
    assert alike[same].max() < 0.9999  # near-identical, not identical


def test_sites_look_different_and_tell_a_little_about_the_class():
    images = first_scans(draw_phantoms(size=32, n_per_class=55, seed=10))
    at_b = images.sites == "B"
    names = np.array(CLASS_NAMES)[images.labels]
    for name in CLASS_NAMES:
        assert 0 < at_b[names == name].mean() < 1  # no site gives the class away
    ageing = np.isin(names, ["CNV", "DRUSEN"])
    assert at_b[ageing].mean() + 0.05 < at_b[~ageing].mean()
    assert (images.sizes[images.sites == "A", 0] == 496).all()
    assert (images.sizes[images.sites == "B", 0] == 512).any()
