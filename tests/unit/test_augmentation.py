"""Augmentation: the truth moves with the pixels, copies remember, the same seed gives the same."""

import hashlib
import pickle
import subprocess
import sys

import numpy as np
import pytest

from octlessons.augmentation import AUGMENTERS, STEPS, augment, augmenter
from octlessons.errors import OctlessonsError
from octlessons.evaluation import (
    augmentation_curve,
    small_classifier,
    survival_table,
    transform_examples,
)
from octlessons.images import ImageSet
from octlessons.images.imageset import LazyImages

GEOMETRY = ["horizontal flip", "tilt", "axial shift", "bend", "rotation", "vertical flip", "zoom",
            "elastic"]  # fmt: skip
KEEPS_GEOMETRY = ["brightness and contrast", "gamma", "speckle", "cutout", "inversion",
                  "heavy blur"]  # fmt: skip
HEIGHT, WIDTH = 96, 120


def line_scan(height=HEIGHT, width=WIDTH):
    """A dark picture with one bright wavy line, the row of the line, and a lesion on it."""
    across = np.arange(width) / width
    row = 0.5 * height + 0.05 * height * np.sin(5 * across) + 4 * across
    rows = np.arange(height)[:, None]
    image = 20 + 200 * np.exp(-0.5 * ((rows - row) / 1.5) ** 2)
    lesion = np.zeros((height, width), np.uint8)
    lesion[height // 4 : height // 3, width // 5 : width // 3] = 5
    image[lesion > 0] = 130
    return image.astype(np.uint8), row.astype(np.float32)[None], lesion


def line_row(image, near):
    """Centre of the bright line in each column, looked for around `near`; NaN where none is."""
    found = np.full(image.shape[1], np.nan)
    for column, row in enumerate(near):
        if np.isfinite(row) and 4 <= row < len(image) - 5:
            rows = round(float(row)) + np.arange(-4, 5)
            light = image[rows, column].astype(float) ** 2
            if image[rows, column].max() > 150:
                found[column] = (rows * light).sum() / light.sum()
    return found


def overlap(a, b):
    """Pixels in both, as a share of those in either."""
    return (a & b).sum() / (a | b).sum()


@pytest.fixture(scope="module")
def few():
    """Six line scans of three patients."""
    image, row, lesion = line_scan()
    return ImageSet(
        np.stack([image] * 6),
        [0, 0, 1, 1, 2, 2],
        class_names=("CNV", "DRUSEN", "NORMAL"),
        patients=["p1", "p1", "p2", "p2", "p3", "p3"],
        sites=list("AABBAB"),
        sizes=[(496, 512)] * 6,
        pixel_sizes=[(10.0, 20.0)] * 6,
        names=[f"scan-{i}" for i in range(6)],
        boundaries=np.stack([row] * 6),
        lesions=np.stack([lesion] * 6),
    )


class FewImages:
    """Reads images from an array; unlike a function in a test, it can be pickled."""

    def __init__(self, images: np.ndarray):
        self.images = images

    def __call__(self, i: int) -> np.ndarray:
        return self.images[i]


def lazily(images: ImageSet) -> ImageSet:
    return ImageSet(
        LazyImages(lambda i: images.images[i], len(images)),
        images.labels,
        class_names=images.class_names,
        patients=images.patients,
        names=images.names,
    )


# ------------------------------------------------------------------ truth stays aligned


@pytest.mark.parametrize("name", GEOMETRY)
def test_boundaries_follow_the_line(name):
    image, row, lesion = line_scan()
    moved = 0.0
    for index in range(8):
        after = augmenter([name, name, name]).apply(
            image, boundaries=row, lesions=lesion, index=index
        )
        line = line_row(after.image, after.boundaries[0])
        error = np.abs(line - after.boundaries[0])
        assert np.isfinite(error).mean() > 0.4
        assert np.nanmedian(error) < 0.35
        assert np.nanquantile(error, 0.95) < 1.0
        moved = max(moved, np.nanmax(np.abs(after.boundaries - row)))
    assert moved > 2  # otherwise rows that never move would pass


@pytest.mark.parametrize("name", ["horizontal flip", "tilt", "axial shift", "bend"])
def test_safe_geometry_moves_boundaries_exactly(name):
    image, row, _ = line_scan()
    for index in range(6):
        after = augmenter([name]).apply(image, boundaries=np.r_[row, row + 9.25], index=index)
        assert np.isfinite(after.boundaries).all()
        assert after.boundaries[1] - after.boundaries[0] == pytest.approx(9.25, abs=1e-4)


@pytest.mark.parametrize("name", [*GEOMETRY, "quarter turn"])
def test_lesions_move_with_the_image(name):
    image, _, lesion = line_scan()
    image = np.where(lesion > 0, 255, 0).astype(np.uint8)
    least = 1.0
    for index in range(6):
        after = augmenter([name])._run(image, lesion, None, index, 0, force=True)
        assert set(np.unique(after.lesions)) <= {0, 5}
        assert overlap(after.image > 127, after.lesions == 5) > 0.85
        least = min(least, overlap(after.image > 127, lesion == 5))
    assert least < 0.9  # otherwise a mask that never moves would pass


@pytest.mark.parametrize("name", KEEPS_GEOMETRY)
def test_changes_of_light_leave_boundaries_alone(name):
    image, row, lesion = line_scan()
    after = augmenter([name])._run(image, lesion, row, 0, 0, force=True)
    assert np.array_equal(after.boundaries, row)
    assert not np.array_equal(after.image, image)
    if name != "cutout":
        assert np.array_equal(after.lesions, lesion)


def test_cutout_takes_the_lesion_out_of_the_mask():
    image, _, lesion = line_scan()
    lesion[:] = 5
    after = augmenter(["cutout"])._run(image, lesion, None, 1, 0, force=True)
    assert 0 < (after.lesions == 0).mean() < 0.5
    assert (after.image[after.lesions == 0] == 0).all()


def test_a_quarter_turn_leaves_no_boundary():
    image, row, _ = line_scan()
    after = augmenter(["quarter turn"])._run(image, None, row, 0, 0, force=True)
    assert after.image.shape == image.shape
    assert np.isnan(after.boundaries).all()


def test_a_choice_of_the_readers_own_transforms_keeps_boundaries_aligned():
    albumentations = pytest.importorskip("albumentations")
    image, row, _ = line_scan()
    own = augmenter(
        [
            albumentations.OneOf(
                [albumentations.RandomBrightnessContrast(p=1),
                 albumentations.Affine(rotate=(5, 8), border_mode=4, p=1)],
                p=1,
            )
        ]
    )  # fmt: skip
    moved = []
    for index in range(8):
        after = own.apply(image, boundaries=row, index=index)
        error = np.abs(line_row(after.image, after.boundaries[0]) - after.boundaries[0])
        assert np.nanmedian(error) < 0.8
        moved.append(np.nanmax(np.abs(after.boundaries - row)) > 2)
    assert any(moved) and not all(moved)


def test_shifts_leave_neither_black_corners_nor_a_second_retina():
    image, row, _ = line_scan()
    image[image < 40] = 20
    for index in range(20):
        after = augmenter(["tilt", "axial shift", "bend"]).apply(image, boundaries=row, index=index)
        assert np.abs(after.image[[0, -1]].astype(int) - 20).max() <= 3  # as the background
        away = np.abs(np.arange(HEIGHT)[:, None] - after.boundaries[0]) > 8
        assert after.image[away].max() < 150


def test_a_white_wedge_goes_on_as_white():
    image, _, _ = line_scan()
    image[-3:] = 255
    for index in range(10):
        after = augmenter(["axial shift"])(image, index=index)
        white = (after == 255).all(1)
        assert (np.diff(white.astype(int)) != 0).sum() <= 1  # no stripes


# ------------------------------------------------------------------ augmenters


@pytest.mark.parametrize("name", AUGMENTERS)
@pytest.mark.parametrize("shape", [(64, 64), (50, 90)])
def test_augmenters_by_name_work_on_grey_and_colour(name, shape):
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    made = augmenter(name, seed=2)
    outs = [made(colour, copy=c) for c in range(4)]
    assert all(out.shape == colour.shape and out.dtype == np.uint8 for out in outs)
    assert len({out.tobytes() for out in outs}) > 1
    if any(step.colour for step in made.steps):
        with pytest.raises(ValueError, match="changes colours and this picture is grey"):
            made(colour[..., 0])
    else:
        assert made(colour[..., 0]).shape == shape


def test_stain_changes_the_amount_of_a_dye_and_not_its_colour():
    from skimage.data import immunohistochemistry

    slide = immunohistochemistry()[:200, :200]
    white = np.full((10, 10, 3), 255, np.uint8)
    for copy in range(5):
        stained = augmenter(["stain"])(slide, copy=copy)
        assert 1 < np.abs(stained.astype(int) - slide).mean() < 30
        # The slide is brown: red, then green, then blue, as before.
        assert (np.diff(stained.mean((0, 1))) < 0).all() and (np.diff(slide.mean((0, 1))) < 0).all()
        assert np.array_equal(augmenter(["stain"])(white, copy=copy), white)


def test_every_step_says_what_it_is():
    for name, step in STEPS.items():
        assert step.name == name and step.why and step.limits
    text = repr(augmenter("oct_safe", seed=4))
    assert "tilt" in text and "10°" in text and "seed 4" in text
    assert "<th scope=" in augmenter("oct_unsafe")._repr_html_()


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"no step called 'shear'.*oct_safe.*tilt"):
        augmenter("shear")
    with pytest.raises(TypeError, match="not float"):
        augmenter([0.5])
    with pytest.raises(ValueError, match="at least one step"):
        augmenter([])


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8)), np.zeros((2, 8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8)]
)
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(ValueError, match="one uint8 image"):
        augmenter("oct_safe")(image)


def test_a_step_that_changes_the_shape_is_refused():
    albumentations = pytest.importorskip("albumentations")
    with pytest.raises(ValueError, match="'CenterCrop' changes the shape"):
        augmenter([albumentations.CenterCrop(8, 8, p=1)])(np.zeros((32, 32), np.uint8))


@pytest.mark.parametrize(
    "name, options", [("Normalize", {"mean": (0.5,), "std": (0.2,)}), ("ToFloat", {})]
)
def test_copies_that_are_no_pixels_are_refused_never_stored_as_zeros_and_ones(few, name, options):
    albumentations = pytest.importorskip("albumentations")
    last = getattr(albumentations, name)(**options)
    for images in (few, lazily(few)):
        with pytest.raises(ValueError, match=f"'{name}' turns pixels into float32 .* as uint8"):
            augment(images, ["tilt", last]).load()
    kept = augmenter([albumentations.ToFloat(), albumentations.FromFloat(dtype="uint8")])
    assert np.array_equal(kept(few[0]), few[0])


def test_a_mask_that_is_no_mask_of_the_image_is_refused():
    image, row, lesion = line_scan()
    made = augmenter("oct_safe")
    with pytest.raises(ValueError, match=r"this is bool .* Write mask.astype"):
        made.apply(image, lesions=lesion > 0)
    with pytest.raises(ValueError, match=r"uint8 mask of the image's size"):
        made.apply(image, lesions=lesion[:-1])
    with pytest.raises(ValueError, match="one row for each of the 120 columns"):
        made.apply(image, boundaries=row[:, 1:])


def test_only_sets_are_augmented(few):
    with pytest.raises(TypeError, match="takes an ImageSet, not ndarray"):
        augment(few.images, "oct_safe")


def test_augmenters_and_lazy_copies_travel_to_other_processes(few):
    albumentations = pytest.importorskip("albumentations")
    own = augmenter(["tilt", albumentations.HorizontalFlip(p=0.5)], seed=3)
    for made in (augmenter("oct_safe"), own):
        again = pickle.loads(pickle.dumps(made))
        assert np.array_equal(again(few[0], copy=2), made(few[0], copy=2))
        assert again.steps[0] is made.steps[0]  # steps with a name travel by it
    copies = augment(ImageSet(LazyImages(FewImages(few.images), len(few))), own)
    again = pickle.loads(pickle.dumps(copies))
    assert again.is_lazy and np.array_equal(again.load().images, copies.load().images)


def test_a_tilt_of_a_wide_scan_moves_no_edge_beyond_its_limit():
    image, row, _ = line_scan(100, 600)
    for index in range(20):
        after = augmenter(["tilt"]).apply(image, boundaries=row, index=index)
        assert np.abs(after.boundaries - row).max() <= 10.01


# ------------------------------------------------------------------ the same from the same seed


def test_a_copy_depends_on_seed_index_and_copy_only(few):
    whole = augment(few, "oct_safe", copies=3, seed=5)
    assert np.array_equal(whole.images, augment(few, "oct_safe", copies=3, seed=5).images)
    made = augmenter("oct_safe", seed=5)
    for j in (6 + 2, 6 * 3 + 4):  # image 2, copy 1; image 4, copy 3
        made(few[0], index=99)  # calls in between change nothing
        assert np.array_equal(whole[j], made(few[j % 6], index=j % 6, copy=j // 6))
    assert not np.array_equal(whole[6], whole[12])
    assert not np.array_equal(whole[6], whole[7])
    assert not np.array_equal(whole[6], augment(few, "oct_safe", seed=6)[6])


def test_lazy_sets_give_the_same_pixels(few):
    whole = augment(few, "oct_safe", copies=2, seed=1)
    slowly = augment(lazily(few), "oct_safe", copies=2, seed=1)
    assert slowly.is_lazy and slowly.boundaries is None
    assert np.array_equal(slowly[::-1].load().images, whole.images[::-1])


OFFLINE = """
import hashlib, socket, sys
import numpy as np

def refuse(*args, **kwargs):
    raise RuntimeError("the network was asked for")

socket.socket.connect = socket.socket.connect_ex = socket.create_connection = refuse
socket.getaddrinfo = refuse
import warnings
warnings.simplefilter("error", UserWarning)
import octlessons.augmentation
from octlessons.augmentation import augment, steps
assert not {"albumentations", "sklearn", "cv2"} & set(sys.modules), "import is not light"
from octlessons.images import ImageSet
pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 48), dtype=np.uint8)
copies = augment(ImageSet(pixels), "oct_safe", copies=2, seed=3)
print(hashlib.sha256(copies.images.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_another_process_without_network_gives_the_same_bytes():
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 48), dtype=np.uint8)
    copies = augment(ImageSet(pixels), "oct_safe", copies=2, seed=3)
    assert done.stdout.strip() == hashlib.sha256(copies.images.tobytes()).hexdigest()


def test_without_albumentations_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "albumentations", None)
    monkeypatch.delitem(sys.modules, "octlessons.augmentation.transforms", raising=False)
    import octlessons.augmentation as package

    monkeypatch.delattr(package, "transforms", raising=False)
    with pytest.raises(OctlessonsError, match=r"pip install .*\[book\]"):
        augmenter("oct_safe")(np.zeros((32, 32), np.uint8))


# ------------------------------------------------------------------ copies remember


def test_copies_remember_original_patient_and_the_rest(few):
    more = augment(few, "oct_safe", copies=2)
    assert len(more) == 18
    assert np.array_equal(more.images[:6], few.images)
    for part in ("labels", "patients", "sites", "sizes", "pixel_sizes"):
        assert np.array_equal(getattr(more, part), np.concatenate([getattr(few, part)] * 3))
    assert more.originals.tolist() == few.names.tolist() * 3
    assert more.names[[0, 6, 17]].tolist() == ["scan-0", "scan-0 (copy 1)", "scan-5 (copy 2)"]
    assert more[[17]].originals.tolist() == ["scan-5"]
    assert "2 augmented copies of each image by oct_safe (seed 0)" in repr(more)
    only = augment(few, "oct_safe", keep_originals=False)
    assert len(only) == 6 and not np.array_equal(only.images, few.images)
    assert augment(more, "oct_safe").originals.tolist() == few.names.tolist() * 6


def test_the_set_itself_is_left_alone(few):
    before = few.images.copy(), few.boundaries.copy(), few.lesions.copy()
    augment(few, "oct_unsafe", copies=2)
    assert np.array_equal(few.images, before[0])
    assert np.array_equal(few.boundaries, before[1])
    assert np.array_equal(few.lesions, before[2])
    assert few.originals is None


@pytest.mark.parametrize(
    "by, why", [("patient", "count altered copies"), ("image", "land on both sides")]
)
def test_a_split_after_augmentation_is_refused_with_the_reason(few, by, why):
    for images in (few, lazily(few), ImageSet(few.images, few.labels, patients=few.patients)):
        with pytest.raises(
            (OctlessonsError, ValueError), match=rf"12 images .* of 6 originals: .*{why}.* Split"
        ):
            augment(images, "oct_safe").split(by=by)


def test_augmenting_the_training_part_after_the_split_is_fine(few):
    train, test = few.split(0.34)
    more = augment(train, "oct_safe", copies=3)
    assert not set(more.patients) & set(test.patients)
    assert set(more.originals) == set(train.names)
    originals = more[np.unique(more.originals, return_index=True)[1]]
    originals.split(0.5)  # one image of each original is a plain set again


@pytest.mark.parametrize("copies", [0, -1, 1.5])
def test_copies_are_counted(few, copies):
    with pytest.raises(ValueError, match="at least 1 copy"):
        augment(few, "oct_safe", copies=copies)


# ------------------------------------------------------------------ what survives


@pytest.fixture(scope="module")
def table():
    from octlessons.images import draw_phantoms

    images = draw_phantoms(n_per_class=24, size=128, seed=3)
    changes = ["horizontal flip", "tilt", "bend", "vertical flip", "quarter turn", "elastic",
               "zoom", "cutout", "inversion", "heavy blur", "oct_safe"]  # fmt: skip
    return survival_table(images, changes, n_bootstrap=100)


def test_nothing_changes_nothing(table):
    row = table["nothing"]
    assert (row.upright, row.thickness_changed, row.lesions_kept, row.drusen_kept) == (1, 0, 1, 1)
    assert row.fluid_contrast == 1 and row.drop.estimate == 0 and row.keeps_label


@pytest.mark.parametrize("name", ["horizontal flip", "tilt", "bend", "oct_safe"])
def test_safe_changes_keep_the_label(table, name):
    assert table[name].keeps_label, table[name].reasons
    assert table[name].thickness_change < 1e-5


@pytest.mark.parametrize(
    "name, part, reason",
    [
        ("vertical flip", "upright", "right way up"),
        ("quarter turn", "upright", "right way up"),
        ("elastic", "false_drusen", "bump of 40 µm"),
        ("zoom", "thickness_changed", "thickness changes"),
        ("cutout", "lesions_kept", "lesions' area"),
        ("inversion", "fluid_contrast", "no longer darker"),
        ("inversion", "drusen_kept", "height of their RPE"),
        ("inversion", "lesions_kept", "lesions' area"),
        ("heavy blur", "fluid_contrast", "of its contrast"),
        ("heavy blur", "drusen_kept", "height of their RPE"),
        ("heavy blur", "lesions_kept", "lesions' area"),
        ("zoom", "drusen_kept", "height of their RPE"),
    ],
)
def test_unsafe_changes_break_what_they_are_known_to_break(table, name, part, reason):
    row = table[name]
    assert row.keeps_label is False
    assert any(reason in text for text in row.reasons), row.reasons
    assert getattr(row, part) != getattr(table["nothing"], part)


def test_what_is_kept_is_measured_in_the_picture(table):
    """A change of light leaves the maps alone; only the picture can tell that drusen are gone."""
    assert table["heavy blur"].drusen_kept < 0.6 and table["heavy blur"].lesions_kept < 0.6
    assert table["inversion"].drusen_kept < 0.05 and table["inversion"].lesions_kept < 0.05


def test_the_table_is_readable(table):
    text, html = repr(table), table._repr_html_()
    assert "keeps the label" in text and "quarter turn" in text and "unchanged scans" in text
    assert html.count("<tr>") == len(table) + 1 and "<caption>" in html
    with pytest.raises(KeyError, match="shear"):
        table["shear"]


def test_without_truth_only_the_classifier_is_asked(phantoms):
    plain = ImageSet(phantoms.images, phantoms.labels, class_names=phantoms.class_names)
    row = survival_table(plain, ["inversion"], n_bootstrap=50)["inversion"]
    assert row.keeps_label is None and row.upright is None and row.lesions_kept is None
    assert survival_table(lazily(plain), ["inversion"], n_bootstrap=50)["inversion"] == row
    assert 0 <= row.accuracy <= 1
    with pytest.raises(ValueError, match="have none"):
        survival_table(ImageSet(phantoms.images))


def test_examples_show_before_and_after(phantoms):
    examples = transform_examples(phantoms, ["tilt", "cutout"], index=3)
    assert [example.name for example in examples] == ["tilt", "cutout"]
    for example in examples:
        assert np.array_equal(example.before.image, phantoms[3])
        assert not np.array_equal(example.after.image, phantoms[3])
        assert example.after.lesions.shape == example.after.image.shape
        assert example.why and example.limits


# ------------------------------------------------------------------ learning curves


@pytest.fixture(scope="module")
def sides():
    from octlessons.images import draw_phantoms

    return draw_phantoms(n_per_class=30, size=64, seed=1).split(0.5)


@pytest.mark.slow
def test_learning_curve_repeats_and_compares(sides):
    arguments = {"sizes": (2, 6), "seeds": 2, "n_bootstrap": 100}
    plain = augmentation_curve(*sides, **arguments)
    again = augmentation_curve(*sides, **arguments)
    assert plain.means.tolist() == again.means.tolist()
    assert plain.intervals.tolist() == again.intervals.tolist()
    point = plain.points[1]
    assert point.low <= point.mean <= point.high
    assert point.right.shape == (2, len(sides[1])) and 1 < point.n_patients <= 24
    helped = augmentation_curve(*sides, steps="oct_safe", copies=1, **arguments)
    assert helped.copies == 1 and helped.name == "oct_safe"
    gain = helped.gain_over(plain)[6]
    assert gain.estimate == pytest.approx(helped.points[1].mean - point.mean)
    assert gain.low <= gain.estimate <= gain.high
    assert plain.gain_over(plain)[2].high == 0
    assert "balanced accuracy" in repr(plain) and "<caption>" in plain._repr_html_()


def test_smaller_draws_are_part_of_larger_ones(sides):
    """With every image drawn, seeds cannot differ; a point does not depend on the other sizes."""
    train, test = sides
    both = augmentation_curve(train, test, sizes=(3, 9), seeds=2, n_bootstrap=10)
    one = augmentation_curve(train, test, sizes=(3,), seeds=2, n_bootstrap=10)
    assert np.array_equal(both.points[0].right, one.points[0].right)


def test_any_classifier_of_images_can_be_used(sides):
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    from octlessons.representations import Pixels

    curve = augmentation_curve(
        *sides, sizes=(4,), seeds=1, n_bootstrap=10,
        classifier=make_pipeline(Pixels(16), KNeighborsClassifier(1)),
    )  # fmt: skip
    assert 0 <= curve.points[0].mean <= 1


def test_learning_curve_refuses_what_would_mislead(sides):
    train, test = sides
    with pytest.raises(ValueError, match="fewer than the 500"):
        augmentation_curve(train, test, sizes=(500,))
    with pytest.raises(ValueError, match="split by patient"):
        augmentation_curve(train, train, sizes=(2,))
    with pytest.raises(ValueError, match="copies already"):
        augmentation_curve(augment(train, "oct_safe"), test, sizes=(2,))
    with pytest.raises(ValueError, match="needs labels"):
        augmentation_curve(ImageSet(train.images), test, sizes=(2,))


@pytest.mark.slow
def test_augmenting_before_the_split_inflates_the_score(sides):
    train, test = sides
    everything = augment(train, "oct_safe", copies=3)
    order = np.random.default_rng(0).permutation(len(everything))
    held = len(order) // 4
    wrong_test, wrong_train = everything[order[:held]], everything[order[held:]]
    model = small_classifier().fit(wrong_train, wrong_train.labels)
    inflated = model.score(wrong_test, wrong_test.labels)
    assert inflated > model.score(test, test.labels) + 0.15
