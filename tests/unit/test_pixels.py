"""`Pixels`: images to rows and back."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline

from octlessons.images.imageset import ImageSet, LazyImages
from octlessons.representations import Pixels


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 40, 60), dtype=np.uint8)


def lazily(pictures: list[np.ndarray]) -> tuple[ImageSet, list[int]]:
    """A lazy set of these pictures, and the list of which ones were read, as they are."""
    read: list[int] = []

    def reader(i: int) -> np.ndarray:
        read.append(i)
        return pictures[i]

    return ImageSet(LazyImages(reader, len(pictures))), read


def test_rows_are_float32_in_unit_range(images):
    rows = Pixels(size=(8, 12)).fit_transform(images)
    assert rows.shape == (7, 96)
    assert rows.dtype == np.float32
    assert rows.min() >= 0 and rows.max() <= 1


def test_same_size_keeps_every_pixel(images):
    rows = Pixels(size=(40, 60)).fit_transform(images)
    np.testing.assert_allclose(rows, images.reshape(7, -1) / 255, atol=1e-6)


def test_shrinking_averages_all_pixels():
    stripes = np.zeros((1, 64, 64), np.uint8)
    stripes[:, ::2] = 255  # without anti-aliasing this would come out black or white
    rows = Pixels(size=8).fit_transform(stripes)
    assert np.all(np.abs(rows - 0.5) < 0.1)


def test_every_kind_of_input_gives_the_same_rows(images):
    expected = Pixels(size=16).fit_transform(images)
    lazy, _ = lazily(list(images))
    for same in (ImageSet(images), lazy, list(images), tuple(images)):
        np.testing.assert_array_equal(Pixels(size=16).fit_transform(same), expected)
    np.testing.assert_allclose(Pixels(size=16).fit_transform(images / 255), expected, atol=0.01)
    np.testing.assert_allclose(
        Pixels(size=16).fit_transform(images.astype(np.uint16) * 257), expected, atol=0.01
    )


def test_images_may_differ_in_size():
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (30 + i, 50 - i), dtype=np.uint8) for i in range(5)]
    lazy, read = lazily(pictures)
    rows = Pixels(size=16).fit_transform(lazy)
    np.testing.assert_array_equal(rows, Pixels(size=16).fit_transform(pictures))
    assert read == [0, 1, 2, 3, 4]  # every file once: fit reads none


@pytest.mark.parametrize("batch_size", [1, 3, 100])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_batches_and_workers_do_not_change_the_rows(images, batch_size, n_jobs):
    expected = Pixels(size=16).fit_transform(images)
    rows = Pixels(size=16, batch_size=batch_size, n_jobs=n_jobs).fit_transform(images)
    np.testing.assert_array_equal(rows, expected)


def test_memory_is_the_rows_and_one_batch():
    import tracemalloc

    picture = np.full((400, 400), 100, np.uint8)
    lazy = ImageSet(LazyImages(lambda i: picture.copy(), 300))  # 48 MB if all were held
    tracemalloc.start()
    Pixels(size=16, batch_size=10).fit_transform(lazy)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6


def test_standardised_rows_have_mean_zero_and_deviation_one(images):
    dimmed = np.stack([images[0], images[0] // 2, np.full_like(images[0], 9)])
    rows = Pixels(size=20, standardise=True).fit_transform(dimmed)
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(rows[:2].std(axis=1), 1, atol=1e-4)
    assert np.abs(rows[0] - rows[1]).max() < 0.2  # brightness and contrast no longer count
    assert np.all(rows[2] == 0)  # a flat image has no contrast to standardise


def test_inverse_gives_the_small_images_back(images):
    pixels = Pixels(size=(10, 15))
    rows = pixels.fit_transform(images)
    small = pixels.inverse_transform(rows)
    assert small.shape == (7, 10, 15)
    np.testing.assert_array_equal(small.reshape(7, -1), rows)
    with pytest.raises(ValueError, match="Use the Pixels that made them"):
        Pixels(size=9).inverse_transform(rows)


def test_works_in_a_pipeline_and_grid(images):
    road = make_pipeline(Pixels(size=8), KMeans(2, n_init=1, random_state=0))
    assert road.fit_predict(images).shape == (7,)
    road.set_params(pixels__size=4).fit(images)
    assert road[-1].n_features_in_ == 16


def test_nothing_is_learnt_so_nothing_need_be_fitted(images):
    pixels = Pixels(size=12, standardise=True)
    rows = pixels.fit(images).transform(images)
    assert pixels.image_shape_ == (12, 12) and pixels.n_features_out_ == 144
    again = clone(pixels)
    assert not any(name.endswith("_") for name in vars(again))
    np.testing.assert_array_equal(again.transform(images), rows)


def test_images_stay_as_they_are(images):
    given = (images / 255).astype(np.float32)  # in the size and type of the rows
    before = given.copy()
    Pixels(size=(40, 60), standardise=True).fit_transform(given)
    np.testing.assert_array_equal(given, before)


def test_names_of_features():
    names = Pixels(size=(2, 3)).get_feature_names_out()
    assert list(names) == [f"pixels{i}" for i in range(6)]


def test_set_output_to_pandas(images):
    pandas = pytest.importorskip("pandas")
    table = Pixels(size=4).set_output(transform="pandas").fit_transform(images)
    assert isinstance(table, pandas.DataFrame)
    assert table.columns[5] == "pixels5"


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (np.zeros((0, 8, 8), np.uint8), "There are no images"),
        ([], "There are no images"),
        (np.zeros((8, 8), np.uint8), "single 2-D array"),
        (np.zeros((4, 8, 8, 3), np.uint8), "grey images are needed"),
        ([np.zeros((8, 8)), np.zeros((8, 8, 3))], r"Image 1 has shape \(8, 8, 3\)"),
        ([np.zeros((8, 8)), np.zeros((0, 8))], "Image 1 has shape"),
        (np.zeros(5), r"Images have shape \(n, h, w\)"),
        (np.zeros((3, 0, 8), np.uint8), "have no pixels"),
        (np.stack([np.full((8, 8), 0.5), np.full((8, 8), np.nan)]), "Image 1 contains NaN"),
        (np.full((2, 8, 8), 200.0), "float64 pixels lie in 0…1"),
        (np.full((2, 8, 8), -3), "int64 pixels lie in 0…255"),
        (np.full((2, 8, 8), "x"), "Pixels are numbers"),
    ],
)
def test_bad_images_are_refused_in_a_sentence(bad, sentence):
    with pytest.raises(ValueError, match=sentence):
        Pixels(size=8).fit_transform(bad)


@pytest.mark.parametrize("parameter", [{"size": 0}, {"size": (4, 4, 4)}, {"size": 2.5},
                                       {"size": None}, {"batch_size": 0}])  # fmt: skip
def test_bad_parameters_are_refused_when_fitting(images, parameter):
    pixels = Pixels(**parameter)  # scikit-learn: never in __init__
    with pytest.raises(ValueError, match=next(iter(parameter))):
        pixels.fit(images)


def test_cleaning_removes_a_shift(phantoms):
    normal = phantoms.subset("NORMAL")[:4]
    shifted = [np.roll(image, 6, axis=0) for image in normal]
    shifted = np.stack([np.vstack([image[12:18], image[6:]]) for image in shifted])
    before = Pixels(size=32).transform(shifted) - Pixels(size=32).transform(normal)
    flat = Pixels(size=32, clean=True)
    after = flat.transform(shifted) - flat.transform(normal)
    assert flat.transform(normal).shape == (4, 1024)
    assert np.linalg.norm(after) < 0.6 * np.linalg.norm(before)
