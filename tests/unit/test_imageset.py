"""`ImageSet`: what is known about an image stays with it."""

import joblib
import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import make_pipeline

from octlessons.errors import OctlessonsError
from octlessons.images import read_folder
from octlessons.images.imageset import ImageSet, LazyImages, Problem, Provenance, resize_image
from octlessons.images.splits import held_out
from octlessons.representations import Pixels

CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")


@pytest.fixture
def scans() -> ImageSet:
    """Sixty images whose first pixel is their number; 20 patients, 3 scans each."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 20, 30), dtype=np.uint8)
    pixels[:, 0, 0] = np.arange(60)
    return ImageSet(
        pixels,
        labels=np.repeat(np.arange(20) % 4, 3),
        class_names=CLASSES,
        patients=np.repeat([f"p{i:02d}" for i in range(20)], 3),
        sites=np.repeat(["A", "B"], 30),
        sizes=np.tile((496, 512), (60, 1)),
        pixel_sizes=np.tile((3.87, 11.5), (60, 1)),
        names=[f"scan-{i}" for i in range(60)],
        boundaries=np.tile(np.array([4.0, 9.5])[None, :, None], (60, 1, 30)),
        lesions=(pixels > 250).astype(np.uint8),
        provenance=Provenance("made up", licence="none"),
    )


@pytest.fixture
def lazy(scans) -> ImageSet:
    return ImageSet(
        LazyImages(lambda i: scans.images[i], 60), scans.labels, class_names=CLASSES,
        patients=scans.patients,
    )  # fmt: skip


def test_subset_keeps_everything_with_its_image(scans):
    some = scans.subset([7, 3, 50])
    assert some.images[:, 0, 0].tolist() == [7, 3, 50]
    assert some.names.tolist() == ["scan-7", "scan-3", "scan-50"]
    assert some.patients.tolist() == ["p02", "p01", "p16"]
    assert some.labels.tolist() == scans.labels[[7, 3, 50]].tolist()
    assert np.array_equal(some.lesions, scans.lesions[[7, 3, 50]])


@pytest.mark.parametrize(
    "which",
    [slice(15, 20), np.arange(15, 20), np.arange(60) // 5 == 3],
    ids=["slice", "int", "bool"],
)
def test_indexing_by_slice_numbers_and_mask_agree(scans, which):
    assert scans[which].names.tolist() == [f"scan-{i}" for i in range(15, 20)]


def test_indexing_by_one_number_gives_the_image(scans):
    assert np.array_equal(scans[5], scans.images[5])
    assert np.array_equal(scans[-1], scans.images[59])


def test_class_names_choose_and_keep_the_numbering(scans):
    two = scans[["NORMAL", "DME"]]
    assert set(two.labels) == {1, 3}
    assert two.counts() == {"CNV": 0, "DME": 15, "DRUSEN": 0, "NORMAL": 15}
    with pytest.raises(ValueError, match="No class called GLAUCOMA here; known: CNV, DME"):
        scans["GLAUCOMA"]


def test_mask_of_another_length_is_refused(scans):
    with pytest.raises(ValueError, match="mask has 5 entries for 60 images"):
        scans[np.ones(5, bool)]


def test_balanced_draws_equally_and_repeats_with_its_seed(scans):
    drawn = scans.balanced(6, random_state=1)
    assert set(drawn.counts().values()) == {6}
    assert drawn.names.tolist() == scans.balanced(6, random_state=1).names.tolist()
    assert drawn.names.tolist() != scans.balanced(6, random_state=2).names.tolist()
    assert "6 images drawn of each class" in repr(drawn)


def test_balanced_says_which_class_is_too_small(scans):
    few = scans[np.r_[0:4, 12:60]]  # DME loses two, DRUSEN and NORMAL three each
    with pytest.raises(ValueError, match=r"Class DME has 13 images.* at most 12"):
        few.balanced(14)


def test_split_by_patient_never_shares_a_patient(scans):
    for seed in range(10):
        train, test = scans.split(test_size=0.25, random_state=seed)
        assert not set(train.patients) & set(test.patients)
        assert len(train) + len(test) == 60
        assert 9 <= len(test) <= 21
        assert all(n > 0 for n in test.counts().values())


def test_split_by_image_does_share_patients(scans):
    train, test = scans.split(by="image", random_state=0)
    assert set(train.patients) & set(test.patients)


def test_split_with_patients_of_several_classes():
    rng = np.random.default_rng(3)
    scans = ImageSet(
        np.zeros((300, 2, 2), np.uint8), rng.integers(0, 4, 300), patients=rng.integers(0, 40, 300)
    )
    train, test = scans.split(test_size=0.3)
    assert not set(train.patients) & set(test.patients)
    assert len(test) / 300 == pytest.approx(0.3, abs=0.08)


def test_split_without_patients_says_so():
    with pytest.raises(OctlessonsError, match="no patient ids"):
        ImageSet(np.zeros((4, 2, 2), np.uint8)).split()


def test_originals_stay_with_their_image(scans):
    copies = ImageSet(scans.images, originals=[f"scan-{i // 2}" for i in range(60)])
    assert copies[[0, 1, 59]].originals.tolist() == ["scan-0", "scan-0", "scan-29"]
    assert copies.resize(8).originals.tolist() == copies.originals.tolist()
    assert "originals 30" in repr(copies) and "originals" not in repr(scans)
    with pytest.raises(ValueError, match="60 images but 2 originals"):
        ImageSet(scans.images, originals=["a", "b"])


@pytest.mark.parametrize("by", ["patient", "image"])
def test_split_refuses_augmented_copies(scans, by):
    twice = np.r_[0:60, 0:60]
    copies = ImageSet(
        scans.images[twice], scans.labels[twice], patients=scans.patients[twice],
        originals=scans.names[twice],
    )  # fmt: skip
    with pytest.raises(OctlessonsError, match=r"120 images .* copies of 60 originals.*Split first"):
        copies.split(by=by)
    train, test = copies[:60].split(by=by)  # one image of each original: nothing to share
    assert len(train) + len(test) == 60


def test_resize_keeps_the_truth_aligned(scans):
    half = scans.resize((10, 15))
    assert half.shape == (60, 10, 15)
    # Row 4.0 is 4.5 pixels below the upper edge; at half the size that is 2.25, or row 1.75.
    assert half.boundaries[0, :, 3] == pytest.approx([1.75, 4.5])
    assert half.lesions.shape == (60, 10, 15)
    assert half.pixel_sizes[0] == pytest.approx([2 * 3.87, 2 * 11.5])
    assert half.sizes[0].tolist() == [496, 512]


def test_resize_by_cropping_keeps_proportions_of_pixels(scans):
    square = scans.resize(10, fit="crop")
    assert square.shape == (60, 10, 10)
    assert square.pixel_sizes[0] == pytest.approx([2 * 3.87, 2 * 11.5])
    assert square.boundaries[0, :, 3] == pytest.approx([1.75, 4.5])


def test_resize_image_averages_when_it_shrinks():
    checkers = np.indices((64, 64)).sum(0) % 2 * 255
    small = resize_image(checkers.astype(np.uint8), (8, 8))
    assert np.abs(small.astype(int) - 127).max() <= 2


@pytest.mark.parametrize("size", [0, -3, 2.5, (4, 0)])
def test_resize_refuses_impossible_sizes(scans, size):
    with pytest.raises(ValueError, match="positive whole numbers"):
        scans.resize(size)


def test_lazy_images_are_read_only_when_asked_for(scans):
    read = []

    def reader(i):
        read.append(i)
        return scans.images[i]

    lazy = ImageSet(LazyImages(reader, 60)).subset(np.arange(10, 20)).resize(8)
    assert read == []
    batches = list(lazy.batches(4))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert read == list(range(10, 20))


def test_lazy_and_loaded_give_the_same_pixels(scans, lazy):
    assert lazy.is_lazy and not lazy.load().is_lazy
    assert np.array_equal(lazy.resize(9).load().images, scans.resize(9).images)
    assert np.array_equal(np.asarray(lazy), scans.images)
    assert np.array_equal(lazy.resize(9)[4], scans.resize(9)[4])


def test_images_of_different_sizes_cannot_be_stacked():
    mixed = ImageSet(LazyImages(lambda i: np.zeros((8, 8 + i), np.uint8), 3))
    with pytest.raises(ValueError, match=r"8 × 8 and 8 × 9 px.*resize"):
        mixed.load()
    assert mixed.resize(4).load().shape == (3, 4, 4)


def test_map_drops_a_truth_that_no_longer_fits(scans):
    flipped = scans.map(lambda image: image[::-1], note="upside down")
    assert np.array_equal(flipped.images[0], scans.images[0][::-1])
    assert flipped.boundaries is None and flipped.lesions is None
    assert "upside down" in flipped.provenance.notes


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"images": np.zeros((3, 4, 4))}, "keeps pixels as uint8.*this array are float64"),
        (
            {"images": np.zeros((4, 4), np.uint8)},
            r"Images have shape \(n, h, w\) or \(n, h, w, 3\)",
        ),
        ({"labels": [0, 1]}, "3 images but 2 labels"),
        ({"labels": [0, 1, 2], "class_names": ["a", "b"]}, "2 class names"),
        ({"sizes": [1, 2, 3]}, r"`sizes` has shape \(3,\), but these images need \(3, 2\)"),
    ],
)
def test_parts_that_do_not_fit_are_refused_by_name(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        ImageSet(**{"images": np.zeros((3, 4, 4), np.uint8), **arguments})


def test_summary_tells_counts_sizes_source_and_problems(scans):
    text = repr(scans.replace(provenance=Provenance("x", problems=(Problem("a", "b"),))))
    for expected in ("60 images", "CNV 15", "20", "496 × 512 (60)", "left out  1 files"):
        assert expected in text
    assert "<caption>ImageSet</caption>" in scans._repr_html_()


def test_html_summary_escapes_names():
    evil = ImageSet(np.zeros((1, 2, 2), np.uint8), [0], class_names=["<script>"])
    assert "<script>" not in evil._repr_html_()


def test_empty_sets_are_allowed(scans):
    nothing = scans[[]]
    assert len(nothing) == 0 and nothing.counts()["CNV"] == 0
    assert nothing.resize(5).shape == (0, 5, 5)
    assert list(nothing.batches()) == []
    assert "0 images" in repr(nothing)


@pytest.mark.parametrize("labels", [[0.5, 1], [np.nan, 0], ["a", "b"]])
def test_labels_that_are_not_whole_numbers_are_refused(labels):
    with pytest.raises(ValueError, match="Labels must be whole numbers"):
        ImageSet(np.zeros((2, 4, 4), np.uint8), labels)


@pytest.mark.parametrize("which", [[0.5, 1.5], [None], [[0, 1], [2, 3]]])
def test_images_are_chosen_by_whole_numbers(scans, lazy, which):
    for images in (scans, lazy):
        with pytest.raises(ValueError, match="numbers"):
            images.subset(which)


def test_an_empty_set_has_nothing_to_draw_from(scans):
    with pytest.raises(OctlessonsError, match="no images"):
        scans.subset([]).balanced(1)


@pytest.mark.parametrize("size", [(8, 8, 3), float("nan"), 0, 1.5])
def test_a_size_that_is_none_is_refused(scans, size):
    with pytest.raises(ValueError, match="whole numbers"):
        scans.resize(size)


def test_a_set_of_copies_alone_is_not_split(scans):
    copies = ImageSet(
        scans.images,
        patients=scans.patients,
        names=[f"{name} (copy 1)" for name in scans.names],
        originals=scans.names,
    )
    with pytest.raises(OctlessonsError, match="Split first"):
        copies.split()


def test_colour_keeps_its_channels_when_resized():
    pixels = np.zeros((2, 6, 6, 3), np.uint8)
    reads = LazyImages(lambda i: pixels[i], 2, (6, 6, 3))
    for images in (ImageSet(pixels), ImageSet(reads)):
        assert images.resize(4).shape == images.resize(4).load().shape == (2, 4, 4, 3)
        assert images.subset([]).resize(4).load().shape == (0, 4, 4, 3)


# ---------------------------------------------------------------------- in other hands

KINDS = ("in memory", "lazy", "resized", "mapped", "subset", "augmented", "augmented lazy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of 12 scans, 3 of each patient, two sizes."""
    root = tmp_path_factory.mktemp("scans")
    rng = np.random.default_rng(0)
    for number in range(24):
        kind = ("CNV", "DME")[number // 12]
        pixels = rng.integers(0, 120, (20 + number % 2, 30)) + 80 * (kind == "DME")
        (root / kind).mkdir(exist_ok=True)
        path = root / kind / f"{kind}-{number // 3}-{number % 3}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return root


def of_kind(kind: str, folder) -> ImageSet:
    read = read_folder(folder, progress=False)
    if "augmented" in kind:
        pytest.importorskip("albumentations")
        from octlessons.augmentation import augment

        small = read.resize(16)
        return augment(small if "lazy" in kind else small.load(), "oct_safe", copies=1, seed=3)
    return {
        "in memory": lambda: read.resize(16).load(),
        "lazy": lambda: read,
        "resized": lambda: read.resize(16),
        "mapped": lambda: read.resize(16).map(np.flipud, "upside down"),
        "subset": lambda: read[np.arange(24)[::-1]].resize(8),
    }[kind]()


@pytest.mark.parametrize("kind", KINDS)
def test_a_set_goes_through_model_selection(kind, folder):
    images = of_kind(kind, folder)
    road = make_pipeline(Pixels(size=4), LogisticRegression(max_iter=500))
    train, test, learnt, _ = train_test_split(images, images.labels, random_state=0)
    assert len(train) + len(test) == len(images) and isinstance(test, ImageSet)
    np.testing.assert_array_equal(train.labels, learnt)
    folds = {"groups": images.patients, "cv": GroupKFold(2)}
    scores = cross_val_score(road, images, images.labels, error_score="raise", **folds)
    found = cross_val_predict(road, images, images.labels, **folds)
    assert scores.min() > 0.9 and np.mean(found == images.labels) > 0.9
    grid = GridSearchCV(clone(road), {"pixels__size": [2, 4]}, cv=GroupKFold(2))
    grid.fit(images, images.labels, groups=images.patients)
    assert grid.predict(images).shape == (len(images),)
    sizes, *_ = learning_curve(
        road, images, images.labels, cv=2, train_sizes=[0.5, 1.0], shuffle=True, random_state=0
    )
    assert len(sizes) == 2


def test_rows_are_indexed_as_scikit_learn_does(scans, lazy):
    for images in (scans, lazy):
        for key in ([4, 2], np.array([4, 2]), slice(2, 5), np.arange(60) % 30 == 4):
            np.testing.assert_array_equal(images[key, ...].load().images, scans.images[key])
        assert np.array_equal(images[3, ...], scans.images[3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_set_can_be_dumped_and_loaded(kind, folder, tmp_path):
    images = of_kind(kind, folder)
    joblib.dump(images, tmp_path / "images.joblib")
    again = joblib.load(tmp_path / "images.joblib")
    assert again.is_lazy == images.is_lazy and again.names.tolist() == images.names.tolist()
    for i in (0, 5, len(images) - 1):
        np.testing.assert_array_equal(again[i], images[i])


@pytest.mark.slow
def test_lazy_sets_feed_workers_that_are_spawned(folder):
    torch = pytest.importorskip("torch")
    parts = [of_kind(k, folder) for k in KINDS if k not in ("in memory", "lazy", "augmented")]
    scans = torch.utils.data.ConcatDataset(parts)
    loader = torch.utils.data.DataLoader(scans, num_workers=1, multiprocessing_context="spawn")
    for batch, expected in zip(loader, (image for part in parts for image in part), strict=True):
        np.testing.assert_array_equal(batch[0].numpy(), expected)


# ---------------------------------------------------------------------- what is kept is what it is


def brightened(image: np.ndarray) -> np.ndarray:
    """Floats in 0…1, as many functions of scikit-image return them."""
    return np.clip(image / 255 * 1.2, 0, 1)


@pytest.mark.parametrize(
    "use",
    [
        lambda images: images.load(),
        lambda images: next(images.batches(4)),
        lambda images: np.asarray(images),
        lambda images: images[3],
        lambda images: images.resize(8).load(),
        lambda images: Pixels(size=8).fit_transform(images),
    ],
    ids=["load", "batches", "array", "one", "resize", "represent"],
)
def test_floats_are_never_cut_to_black_and_white(scans, lazy, use):
    with pytest.raises(ValueError, match=r"scan-0 are float64: skimage\.util\.img_as_ubyte"):
        scans.map(brightened)
    with pytest.raises(ValueError, match=r"keeps pixels as uint8.* Image \d are float64"):
        use(lazy.map(brightened))


def test_other_depths_say_how_they_become_eight_bits():
    for pixels, advice in (
        (np.full((2, 4, 4), 3.5), "scale them to 0…255"),
        (np.full((2, 4, 4), -3), "scale them to 0…255"),
        (np.full((2, 4, 4), 900, np.uint16), "img_as_ubyte"),
        (np.ones((2, 4, 4), bool), "img_as_ubyte"),
    ):
        with pytest.raises(ValueError, match=advice):
            ImageSet(pixels)
        with pytest.raises(ValueError, match=advice):
            ImageSet([np.zeros((4, 4), np.uint8), pixels[0]])


@pytest.mark.parametrize(
    ("shape", "advice", "of_one"),
    [
        ((3, 8, 9, 1), r"images\[\.\.\., 0\]\.$", r"image\[\.\.\., 0\]\.$"),
        ((3, 1, 8, 9), r"images\[:, 0\]\.$", r"image\[0\]\.$"),
        ((3, 3, 8, 9), r"images\.transpose\(0, 2, 3, 1\)", r"image\.transpose\(1, 2, 0\)"),
        ((3, 8, 9, 4), r"images\[\.\.\., :3\]", r"image\[\.\.\., :3\]"),
        ((3, 2, 8, 9, 1), r"an image has shape \(height, width\)", "an image has shape"),
    ],
)
def test_another_layout_says_how_to_change_it(shape, advice, of_one):
    images = np.zeros(shape, np.uint8)
    for take in (ImageSet, Pixels(size=4).fit):
        with pytest.raises(ValueError, match=advice):
            take(images)
    with pytest.raises(ValueError, match=of_one):
        Pixels(size=4).fit(list(images))


def test_an_image_that_fails_is_called_by_its_file(scans):
    tiny = [np.zeros((30, 30), np.uint8), np.zeros((0, 4), np.uint8)]
    lazy = ImageSet(LazyImages(tiny.__getitem__, 2), names=["CNV/a.png", "CNV/b.png"])
    for use in (lambda: lazy[::-1].load(), lambda: Pixels(size=4).fit_transform(lazy)):
        with pytest.raises(ValueError, match=r"^CNV/b\.png has shape \(0, 4\), no pixels"):
            use()
    with pytest.raises(ValueError, match="20 × 30 and 19 × 30 px: scan-0 and scan-7"):
        scans.map(lambda image: image[: 20 - (image[0, 0] == 7)])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"images": [np.zeros((4, 4), np.uint8), np.zeros((5, 4), np.uint8)]}, "differ in size"),
        ({"labels": ["AMD", "AMD", "healthy"]}, r"np\.unique\(texts, return_inverse=True\)"),
        ({"labels": [0, None, 1]}, "None is among them"),
        ({"labels": np.zeros((3, 2), int)}, r"have shape \(3, 2\)"),
        ({"lesions": np.zeros((3, 5, 4))}, r"`lesions` has shape \(3, 5, 4\).*need \(3, 4, 4\)"),
        ({"boundaries": np.zeros((3, 2, 7))}, r"`boundaries` .*need \(3, …, 4\)"),
    ],
)
def test_what_ends_raw_in_numpy_is_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        ImageSet(**{"images": np.zeros((3, 4, 4), np.uint8), **arguments})


@pytest.mark.parametrize("size", [None, "64", (64, None), (True, 4)])
def test_a_size_of_another_type_is_refused(scans, size):
    with pytest.raises(ValueError, match="positive whole numbers of pixels, height and width"):
        scans.resize(size)


def test_parts_are_replaced_and_the_rest_stays(scans):
    told = scans.replace(labels=np.arange(60) % 2, class_names=["AMD", "healthy"])
    assert told.counts() == {"AMD": 30, "healthy": 30}
    assert told.patients.tolist() == scans.patients.tolist() and told.images is scans.images
    assert scans.class_names == CLASSES


def test_whole_groups_are_held_out_in_every_class():
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 50, 500)
    labels = rng.integers(0, 3, 500)
    for share in (0.1, 0.25, 0.5):
        for seed in range(5):
            out = held_out(groups, labels, share, seed)
            assert not set(groups[out]) & set(groups[~out])
            np.testing.assert_allclose(
                np.bincount(labels[out]) / np.bincount(labels), share, atol=0.06
            )
    np.testing.assert_array_equal(
        held_out(groups, labels, 0.2, 1), held_out(groups, labels, 0.2, 1)
    )
    for n in (0, 1):
        with pytest.raises(ValueError, match="at least 2"):
            held_out(np.zeros(n), None, 0.5)
