"""`ImageSet`: what is known about an image stays with it."""

import numpy as np
import pytest

from octlessons.errors import OctlessonsError
from octlessons.images.imageset import ImageSet, LazyImages, Problem, Provenance, resize_image

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
