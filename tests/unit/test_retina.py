"""The layers of the retina, found in phantoms, whose true layers are known, and in what is odd.

Rows are those of a scan 496 rows high; the bounds are the goals for the lines, with some slack.
"""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from octlessons._runtime import SHIPPED
from octlessons.errors import OctlessonsError
from octlessons.images import draw_phantoms
from octlessons.images.cleaning import clean, find_baseline, find_rpe
from octlessons.images.phantoms import BOUNDARIES
from octlessons.images.retina import TISSUES, find_layers, find_layers_of

ILM, RPE, BM = (BOUNDARIES.index(name) for name in ("ILM", "RPE", "BM"))
LINES = {"ilm": ILM, "rpe": RPE, "bm": BM, "floor": BM}
SIZE = 496
COLUMNS = np.linspace(-1, 1, SIZE)


@pytest.fixture(scope="module")
def large():
    """Phantoms of a whole scan's height, six of each class."""
    return draw_phantoms(size=SIZE, n_per_class=6, seed=5)


@pytest.fixture(scope="module")
def plain(large):
    """Pictures and true rows of those whose retina is wholly in sight, without borders."""
    pairs = [
        (image, truth)
        for image, truth in zip(large, large.boundaries, strict=True)
        if image.max(axis=0).min() > 60
        and image[[0, -1]].max() < 200
        and truth[ILM].min() > 20
        and truth[BM].max() < SIZE - 20
    ]
    assert len(pairs) >= 8
    return pairs[:8]


def bent(image, rows):
    """Shift each column down by whole rows; what is pushed out comes in at the other side."""
    at = np.arange(len(image))[:, None] - np.round(rows).astype(int)
    return image[at % len(image), np.arange(image.shape[1])]


def errors(found, truths, name):
    """Distances in rows, (n, w)."""
    lines = np.array([getattr(retina, name) for retina in found])
    return np.abs(lines - np.array([truth[LINES[name]] for truth in truths]))


def found_in(pairs, alter):
    """The layers in altered pictures, and the true rows; `alter` returns both of one."""
    altered = [alter(image.copy(), truth.copy()) for image, truth in pairs]
    return find_layers_of([image for image, _ in altered]), [truth for _, truth in altered]


def confidence(images):
    return np.array([retina.confidence.mean() for retina in find_layers_of(images)])


# ---------------------------------------------------------------------- as drawn


@pytest.mark.parametrize("name", LINES)
def test_lines_lie_on_what_was_drawn_in_every_class(large, name):
    found = find_layers_of(large)
    for i, class_name in enumerate(large.class_names):
        which = np.flatnonzero(large.labels == i)
        error = errors([found[j] for j in which], large.boundaries[which], name)
        assert np.median(error) < 2, class_name
        assert np.quantile(error, 0.9) < 8, class_name


def test_the_rpe_is_followed_over_lesions_and_lifted_nowhere_else(large):
    found = find_layers_of(large)
    true, lift = (
        gap - np.median(gap, axis=1, keepdims=True)
        for gap in (
            large.boundaries[:, BM] - large.boundaries[:, RPE],
            np.array([retina.bm - retina.rpe for retina in found]),
        )
    )
    ill = np.isin(np.array(large.class_names)[large.labels], ("CNV", "DRUSEN"))
    inside = (true > 6) & ill[:, None]
    assert inside.sum() > 300
    assert 0.8 < lift[inside].sum() / true[inside].sum() < 1.15
    assert np.median(np.abs(lift - true)[inside]) < 4
    normal = large.labels == large.class_names.index("NORMAL")
    assert np.abs(lift - true)[normal].mean() < 0.5 * SIZE / 192


def test_the_floor_is_smooth_beneath_lesions(large):
    for retina in find_layers_of(large):
        assert np.abs(np.diff(retina.floor, 2)).max() < 0.5
        assert np.median(np.abs(retina.floor - retina.bm)) < 3


@pytest.mark.parametrize(("size", "worst"), [(28, 8), (64, 4), (128, 3)])
def test_small_scans_will_do(size, worst):
    scans = draw_phantoms(size=size, n_per_class=5, seed=9)
    for name in LINES:
        error = errors(find_layers_of(scans), scans.boundaries, name) * SIZE / size
        assert np.median(error) < 2
        assert np.quantile(error, 0.9) < worst


@pytest.mark.parametrize("shape", [(496, 1536), (496, 768), (512, 512), (300, 384), (64, 48)])
def test_any_shape_will_do(plain, shape):
    image, truth = plain[0]
    retina = find_layers(np.asarray(Image.fromarray(image).resize(shape[::-1])))
    at = (np.arange(shape[1]) + 0.5) * SIZE / shape[1] - 0.5
    for name, row in LINES.items():
        line = getattr(retina, name)
        assert line.shape == (shape[1],) and line.dtype == np.float32
        wanted = (np.interp(at, np.arange(SIZE), truth[row]) + 0.5) * shape[0] / SIZE - 0.5
        assert np.median(np.abs(line - wanted)) < 0.005 * shape[0]


def test_tissue_is_where_it_was_drawn(plain):
    inner, outer = TISSUES.index("vitreous"), TISSUES.index("choroid")
    for image, truth in plain[:3]:
        tissue = find_layers(image).tissue
        assert tissue.shape == (len(TISSUES), 96, 96)
        assert np.allclose(tissue.sum(axis=0), 1, atol=1e-4)
        rows = (np.arange(96)[:, None] + 0.5) * SIZE / 96
        columns = ((np.arange(96) + 0.5) * SIZE / 96).astype(int)
        above = rows < truth[ILM][columns] - 10
        below = (rows > truth[BM][columns] + 10) & (rows < truth[BM][columns] + 40)
        assert (tissue.argmax(axis=0)[above] == inner).mean() > 0.9
        assert (tissue.argmax(axis=0)[below] == outer).mean() > 0.9


# ---------------------------------------------------------------------- the same every time


def test_one_by_one_or_all_at_once_whatever_the_threads(large):
    """Chunks of a batch may differ from single scans in the last bits, threads may not."""
    images = list(large.images[:9])
    one, two = find_layers_of(images, n_threads=1), find_layers_of(images, n_threads=2)
    for image, a, b in zip(images, one, two, strict=True):
        alone, again = find_layers(image), find_layers(image)
        for part in ("ilm", "rpe", "bm", "floor", "confidence", "tissue"):
            assert np.array_equal(getattr(a, part), getattr(b, part))
            assert np.array_equal(getattr(alone, part), getattr(again, part))
            assert np.allclose(getattr(alone, part), getattr(a, part), atol=1e-3)


def test_sets_lists_and_sizes_may_be_mixed(large):
    mixed = [large[0], large[1][:300], draw_phantoms(1, size=28)[0]]
    assert [len(retina.rpe) for retina in find_layers_of(mixed)] == [SIZE, SIZE, 28]
    of_set, of_list = find_layers_of(large[:2]), find_layers_of(list(large[:2]))
    assert np.array_equal(of_set[1].rpe, of_list[1].rpe)
    assert np.array_equal(find_rpe(large[1]), find_layers(large[1]).rpe)
    assert np.array_equal(find_baseline(large[1]), find_layers(large[1]).floor)


# ---------------------------------------------------------------------- moved, bent, covered


@pytest.mark.parametrize(
    "push",
    [80 * COLUMNS, -80 * COLUMNS, 30 * COLUMNS**2, -30 * COLUMNS**2, 60 + 0 * COLUMNS],
    ids=["tilt", "tilt to the left", "bend", "bend upwards", "moved"],
)
def test_tilt_and_bend_move_the_lines_and_nothing_else(plain, push):
    def moved(image, truth):
        return bent(image, push), truth + push

    found, truths = found_in(plain, moved)
    for name in LINES:
        error = errors(found, truths, name)
        assert np.median(error) < 2
        assert np.quantile(error, 0.95) < 8


@pytest.mark.parametrize("sag", [100, -100])
def test_a_steep_eye(plain, sag):
    push = sag * (COLUMNS**2 - 0.4)
    found, truths = found_in(plain, lambda image, truth: (bent(image, push), truth + push))
    for name in LINES:
        error = errors(found, truths, name)
        assert np.median(error) < 2
        assert np.quantile(error, 0.9) < 10


def test_wedges_hardly_move_the_lines(plain):
    def wedged(image, truth):
        rows, columns = np.indices(image.shape) / SIZE
        white = (rows < 0.14 - 0.09 * columns) | (rows > 0.95 + 0.08 * columns)
        stream = io.BytesIO()
        painted = Image.fromarray(np.where(white | (columns > 0.99), 255, image).astype(np.uint8))
        painted.save(stream, "JPEG", quality=90)
        return np.asarray(Image.open(stream)), truth

    found, truths = found_in(plain, wedged)
    for name in LINES:
        assert np.median(errors(found, truths, name)) < 2
    assert np.quantile(errors(found, truths, "rpe"), 0.95) < 8


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_shadow_moves_no_floor_and_unsettles_the_lines(plain, share):
    dark = slice(200, 260)

    def shaded(image, truth):
        image[:, dark] = image[:, dark] * share
        return image, truth

    found, truths = found_in(plain, shaded)
    assert np.median(errors(found, truths, "floor")[:, dark]) < 4
    for i, name in enumerate(("ilm", "rpe", "bm")):
        error = errors(found, truths, name)
        sure = np.array([retina.confidence[i] for retina in found]) > 0.95
        assert np.median(np.delete(error, np.r_[dark], axis=1)) < 2
        assert (error[:, dark] > 15)[sure[:, dark]].mean() < 0.05


@pytest.mark.parametrize("width", [60, 120])
def test_a_black_band_is_known_for_one(plain, width):
    def banded(image, truth):
        image[:, :width] = 0
        return image, truth

    found, truths = found_in(plain, banded)
    for i, name in enumerate(("ilm", "rpe", "bm")):
        error = errors(found, truths, name)
        sure = np.array([retina.confidence[i] for retina in found])
        assert np.quantile(error[:, width + 10 :], 0.9) < 8
        assert (error > 15)[sure > 0.95].mean() < 0.02
        assert np.median(sure[:, : width // 2]) < np.median(sure[:, width + 10 :])
    assert np.isfinite([retina.floor for retina in found]).all()
    assert np.median(errors(found, truths, "floor")[:, :width]) < 20


# ---------------------------------------------------------------------- lifted by hand


def lifted(image, truth, line, height, half_width, grey):
    """Push up what lies above a line in the middle; the room beneath is filled with grain."""
    rng = np.random.default_rng(0)
    bump = height * np.clip(1 - (COLUMNS / half_width) ** 2, 0, 1)
    for column, rows in enumerate(np.round(bump).astype(int)):
        if rows:
            at = round(float(truth[line, column]))
            image[: at - rows, column] = image[rows:at, column].copy()
            grain = rng.gamma(4, grey / 4, rows)
            image[at - rows : at, column] = np.clip(grain, 0, 255)
    truth[:line] -= bump
    return image, truth


@pytest.mark.parametrize("height", [25, 50, 80])
def test_fluid_beneath_the_retina_lifts_the_ilm_alone(plain, height):
    found, truths = found_in(plain, lambda *scan: lifted(*scan, RPE, height, 0.45, 16))
    middle = np.abs(COLUMNS) < 0.2
    for name in LINES:
        assert np.median(errors(found, truths, name)[:, middle]) < 4


@pytest.mark.parametrize("height", [25, 50, 80])
def test_a_detachment_lifts_the_rpe_off_its_floor(plain, height):
    """A dark one, drawn by hand; in a few scans the network takes the membrane for the RPE."""
    found, truths = found_in(plain, lambda *scan: lifted(*scan, BM, height, 0.3, 36))
    middle = np.abs(COLUMNS) < 0.15
    for name in ("ilm", "bm", "floor"):
        assert np.median(errors(found, truths, name)[:, middle]) < 4
    near = np.median(errors(found, truths, "rpe")[:, middle], axis=1) < 8
    assert near.mean() > 0.7


# ---------------------------------------------------------------------- cut, marked, wrapped


@pytest.mark.parametrize("rows", [-5, 20])
def test_a_cut_off_top_leaves_the_lower_lines(plain, rows):
    """The picture begins just above the retina, or inside it."""

    def cut(image, truth):
        first = int(np.median(truth[ILM])) + rows
        return image[first:], truth - first

    for image, truth in (cut(*scan) for scan in plain):
        retina = find_layers(image)
        for name in ("rpe", "bm", "floor"):
            assert np.median(np.abs(getattr(retina, name) - truth[LINES[name]])) < 3
        inside = truth[ILM] > 2
        if inside.sum() > 100:
            assert np.median(np.abs(retina.ilm - truth[ILM])[inside]) < 4


def test_burned_in_marks_move_nothing_but_the_line_they_touch(plain):
    def marked(image, truth):
        picture = Image.fromarray(image)
        pen = ImageDraw.Draw(picture)
        pen.text((12, 450), "200 µm", fill=255, font_size=22)
        pen.line((12, 485, 90, 485), fill=255, width=3)
        pen.text((380, 8), "27/180", fill=255, font_size=30)
        tip = float(truth[ILM, 248]) - 4
        pen.line((248, tip - 70, 248, tip), fill=255, width=6)
        pen.polygon([(236, tip - 24), (260, tip - 24), (248, tip)], fill=255)
        return np.asarray(picture), truth

    found, truths = found_in(plain, marked)
    for name in ("rpe", "bm", "floor"):
        assert np.quantile(errors(found, truths, name), 0.95) < 8
    beside = np.abs(np.arange(SIZE) - 248) > 25
    assert np.median(errors(found, truths, "ilm")[:, beside]) < 2
    assert np.median(errors(found, truths, "ilm")[:, ~beside]) < 8


def test_a_retina_that_wraps_around_whole_is_found_where_it_lies(plain):
    """Rolled by less than what is left below: vitreous on top is the choroid's dark end."""
    for image, truth in plain:
        room = int(SIZE - 40 - truth[BM].max())
        retina = find_layers(np.roll(image, room, axis=0))
        for name, row in LINES.items():
            assert np.median(np.abs(getattr(retina, name) - truth[row] - room)) < 3


def split(image, truth):
    """Rolled so that the retina begins at the bottom and ends at the top."""
    middle = int(np.median(truth[[ILM, BM]]))
    return np.roll(image, SIZE - middle, axis=0)


def test_a_retina_in_two_pieces_is_less_sure(plain):
    whole = confidence([image for image, _ in plain])
    pieces = confidence([split(*scan) for scan in plain])
    assert (pieces < whole).all()


def test_two_retinas_are_less_sure_than_one(plain):
    whole = confidence([image for image, _ in plain])
    two = confidence([np.concatenate([image[::2]] * 2) for image, _ in plain])
    assert (two < whole).all()


def test_upside_down_is_not_believed(plain):
    assert confidence([image[::-1].copy() for image, _ in plain]).max() < 0.3


# ---------------------------------------------------------------------- no retina at all


def without_retina(kind):
    rng = np.random.default_rng(0)
    rows = np.indices((SIZE, SIZE))[0]
    return {
        "black": np.zeros((SIZE, SIZE)),
        "grey": np.full((SIZE, SIZE), 128),
        "white": np.full((SIZE, SIZE), 255),
        "tiny": np.full((28, 28), 20),
        "noise": rng.integers(0, 256, (SIZE, SIZE)),
        "speckle": rng.exponential(25, (SIZE, SIZE)).clip(0, 255),
        "ramp": rows * 255 / SIZE,
        "chequers": ((rows // 32 + rows.T // 32) % 2) * 255,
    }[kind].astype(np.uint8)


KINDS = ("black", "grey", "white", "tiny", "noise", "speckle", "ramp", "chequers")


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_retina_lines_are_finite_and_not_believed(kind):
    image = without_retina(kind)
    retina = find_layers(image)
    for name in LINES:
        assert np.isfinite(getattr(retina, name)).all()
    assert retina.confidence.min() >= 0 and retina.confidence.max() <= 1.0001
    assert retina.confidence.mean() < 0.5
    assert clean(image, 28).shape == (28, 28)


def test_a_scan_on_its_side_or_in_reversed_grey_is_not_believed(plain):
    assert np.median(confidence([image.T.copy() for image, _ in plain])) < 0.4
    assert np.median(confidence([255 - image for image, _ in plain])) < 0.3


# ---------------------------------------------------------------------- sentences


def test_sentences_for_what_has_no_layers():
    with pytest.raises(ValueError, match="one grey image"):
        find_layers(np.zeros((4, 64, 64), np.uint8))
    with pytest.raises(ValueError, match="float64"):
        find_layers(np.zeros((64, 64)))
    with pytest.raises(ValueError, match="too small"):
        find_layers(np.zeros((8, 80), np.uint8))
    with pytest.raises(ValueError, match="at least one"):
        find_layers_of([])
    with pytest.raises(ValueError, match="colour"):
        find_layers_of(np.zeros((2, 64, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="too small"):
        find_layers_of([np.zeros((64, 64), np.uint8), np.zeros((8, 80), np.uint8)])


def test_a_damaged_network_is_named(tmp_path):
    from octlessons import _runtime

    for file in ("cards.json", "layers.onnx"):
        (tmp_path / file).write_bytes((SHIPPED / file).read_bytes())
    with open(tmp_path / "layers.onnx", "ab") as stream:
        stream.write(b"more")
    with pytest.raises(OctlessonsError, match=r"layers\.onnx .* was changed or damaged"):
        _runtime.opened("layers", tmp_path)
    (tmp_path / "layers.onnx").unlink()
    with pytest.raises(OctlessonsError, match=r"layers\.onnx is missing"):
        _runtime.opened("layers", tmp_path)
