"""Choosing k, and K-means for what does not fit in memory."""

import numpy as np
import pytest
from sklearn.cluster import HDBSCAN, KMeans, MiniBatchKMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from octlessons import figures
from octlessons.clustering import (
    OutOfCoreKMeans,
    choose_k,
    clusterers,
    elbow,
    gap_choice,
    gap_statistic,
    rotated,
    run_clusterers,
    silhouette,
    stability,
)
from octlessons.images.imageset import ImageSet, LazyImages
from octlessons.representations import Pixels, VariancePCA


def blobs(n_each: int = 60, k: int = 4, d: int = 5, spread: float = 0.5, seed: int = 0):
    """Well separated groups, and which one each row belongs to."""
    rng = np.random.default_rng(seed)
    centres = rng.permutation(np.vstack([np.eye(d), -np.eye(d)]))[:k] * 5
    labels = np.repeat(np.arange(k), n_each)
    return centres[labels] + rng.normal(size=(k * n_each, d)) * spread, labels


@pytest.mark.parametrize("k", [3, 4])
def test_all_criteria_find_obvious_groups(k):
    features, _ = blobs(k=k)
    scan = choose_k(features, range(2, 9), n_references=5, n_resamples=4)
    assert scan.choices == {"elbow": k, "silhouette": k, "gap": k, "stability": k}
    assert np.all(np.diff(scan.inertia) < 0)
    assert scan.stability[k - 2] == 1


def test_without_groups_the_gap_says_one_and_the_silhouette_cannot():
    cloud = np.random.default_rng(1).uniform(size=(200, 3))
    scan = choose_k(cloud, range(2, 7), n_references=8, n_resamples=4)
    assert scan.best_by("gap") == 1
    assert scan.best_by("silhouette") >= 2
    assert scan.silhouette.max() < 0.45


def test_a_scan_shows_itself():
    features, _ = blobs(n_each=20, k=3)
    scan = choose_k(features, [3, 2, 4], n_references=2, n_resamples=2)
    assert scan.ks.tolist() == [2, 3, 4]
    assert "chosen k: elbow 3, silhouette 3" in str(scan)
    assert str(scan) == repr(scan)
    assert "<caption>" in scan._repr_html_() and 'scope="col"' in scan._repr_html_()
    with pytest.raises(ValueError, match="one of elbow, silhouette, gap, stability"):
        scan.best_by("magic")


def test_gap_and_stability_can_be_left_out():
    features, _ = blobs(n_each=15, k=3)
    scan = choose_k(features, [2, 3, 4], n_references=0, n_resamples=0)
    assert np.isnan(scan.gap).all() and np.isnan(scan.stability).all()
    assert scan.best_by("silhouette") == 3


def test_scan_is_the_same_for_the_same_seed():
    features, _ = blobs(n_each=15, k=3, spread=3)
    a, b = (choose_k(features, [2, 3, 4], n_references=3, n_resamples=3, seed=4) for _ in range(2))
    np.testing.assert_array_equal(a.gap, b.gap)
    np.testing.assert_array_equal(a.stability, b.stability)


@pytest.mark.parametrize("ks", [[], [0, 1], [5, 50]])
def test_impossible_numbers_of_clusters(ks):
    with pytest.raises(ValueError, match="Numbers of clusters lie between 1 and 29"):
        choose_k(blobs(n_each=10, k=3)[0], ks)


def test_elbow_needs_three_points():
    assert elbow([2, 3, 4, 5], [100, 30, 25, 22]) == 3
    assert elbow([2, 3, 4], [5, 5, 5]) == 2
    with pytest.raises(ValueError, match="at least 3"):
        elbow([2, 3], [4, 1])


def test_gap_rule_is_tibshiranis():
    # 0.5 ≥ 0.9 - 0.1 fails; 0.9 ≥ 0.95 - 0.1 holds
    assert gap_choice([1, 2, 3], [0.5, 0.9, 0.95], [0.1, 0.1, 0.1]) == 2
    assert gap_choice([1, 2, 3], [0.1, 0.2, 0.9], [0, 0, 0]) == 3
    result = gap_statistic(blobs(k=3)[0], range(1, 6), n_references=6)
    assert result.best == 3 and np.all(result.error > 0)
    with pytest.raises(ValueError, match="at least 1 reference"):
        gap_statistic(blobs()[0], n_references=0)


def test_silhouette_equals_scikit_learns_and_samples_large_sets():
    features, labels = blobs(n_each=100, spread=2)
    exact = silhouette_score(features, labels)
    assert silhouette(features, labels) == pytest.approx(exact, abs=1e-6)
    assert silhouette(features, labels, max_images=150) == pytest.approx(exact, abs=0.05)
    noise = np.where(np.arange(400) % 10 == 0, -1, labels)
    kept = noise >= 0
    assert silhouette(features, noise) == pytest.approx(
        silhouette_score(features[kept], labels[kept]), abs=1e-6
    )
    assert np.isnan(silhouette(features, np.zeros(400, int)))
    assert np.isnan(silhouette(features[:3], [0, 1, 2]))
    with pytest.raises(ValueError, match="3 clusters"):
        silhouette(features, [0, 1, 1])


def test_stability_knows_real_groups_from_none():
    features, _ = blobs(k=3)
    assert stability(features, 3) == pytest.approx(1)
    cloud = np.random.default_rng(0).normal(size=(180, 5))
    assert stability(cloud, 5) < 0.6


def test_stability_leaves_out_whole_patients():
    seen = []

    class Spy(KMeans):
        def fit_predict(self, X, y=None, sample_weight=None):
            seen.append(X[:, 0].copy())
            return super().fit_predict(X)

    patients = np.repeat(np.arange(10), 4)
    features = np.column_stack([patients, np.random.default_rng(0).normal(size=40)])
    stability(features, clusterer=Spy(2, n_init=1), groups=patients, n_resamples=5)
    for drawn in seen:
        _, counts = np.unique(drawn, return_counts=True)
        assert len(counts) == 8 and np.all(counts == 4)


def test_stability_takes_any_clusterer_and_says_what_it_cannot_do():
    features, _ = blobs(k=3)
    assert stability(features, clusterer=HDBSCAN(copy=True), n_resamples=3) > 0.9
    for problem in ({"n_resamples": 1}, {"fraction": 0}, {"groups": np.zeros(180)},
                    {"groups": [1, 2]}):  # fmt: skip
        with pytest.raises(ValueError, match=r"\w+ \w+"):
            stability(features, 3, **problem)


def test_rotation_keeps_all_distances():
    rng = np.random.default_rng(0)
    for shape in ((30, 200), (200, 30)):
        rows = rng.normal(size=shape) + 4
        turned = rotated(rows)
        assert turned.shape == (shape[0], min(shape))
        distances = [np.linalg.norm(x[:10, None] - x[None, :10], axis=2) for x in (rows, turned)]
        np.testing.assert_allclose(*distances, atol=1e-6)


# ---------------------------------------------------------------------- out of core


@parametrize_with_checks([OutOfCoreKMeans(n_clusters=3, batch_size=64)])
def test_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)


def test_agrees_with_kmeans_in_memory():
    features, labels = blobs(n_each=400, spread=1.2)
    shuffled = np.random.default_rng(0).permutation(len(features))
    for rows, truth in ((features, labels), (features[shuffled], labels[shuffled])):
        streamed = OutOfCoreKMeans(4, batch_size=100).fit(rows)
        whole = KMeans(4, n_init=5, random_state=0).fit(rows)
        small = MiniBatchKMeans(4, n_init=5, random_state=0, batch_size=100).fit(rows)
        assert adjusted_rand_score(streamed.labels_, whole.labels_) > 0.98
        assert streamed.inertia_ == pytest.approx(whole.inertia_, rel=0.01)
        assert streamed.inertia_ <= small.inertia_ * 1.01
        assert adjusted_rand_score(streamed.labels_, truth) > 0.95
        np.testing.assert_array_equal(streamed.predict(rows), streamed.labels_)


def striped(n: int, kind: int, rng) -> np.ndarray:
    """Images (n, 24, 24) with a bright band at a height that depends on the kind."""
    images = rng.integers(0, 60, (n, 24, 24), dtype=np.uint8)
    images[:, 4 + 6 * kind : 8 + 6 * kind] += 150
    return images


@pytest.fixture
def sorted_images() -> tuple[np.ndarray, np.ndarray]:
    """Images in the order of their kind, as a folder gives them."""
    rng = np.random.default_rng(0)
    return np.concatenate([striped(150, kind, rng) for kind in range(3)]), np.repeat(range(3), 150)


def test_streams_images_through_a_representation(sorted_images):
    images, kinds = sorted_images
    held = []

    class Watched(Pixels):
        def transform(self, images):
            held.append(len(images))
            return super().transform(images)

    lazy = ImageSet(LazyImages(lambda i: images[i], len(images)))
    model = OutOfCoreKMeans(
        3, representation=Watched(size=12), batch_size=64, init_size=100, n_epochs=2
    ).fit(lazy)
    assert adjusted_rand_score(model.labels_, kinds) == 1
    assert max(held) <= 100
    whole = KMeans(3, n_init=3, random_state=0).fit(Pixels(size=12).transform(images))
    assert adjusted_rand_score(model.labels_, whole.labels_) == 1
    for same in (images, list(images), ImageSet(images)):
        np.testing.assert_array_equal(model.predict(same), model.labels_)
    assert model.transform(lazy).shape == (450, 3)


def test_a_representation_is_fitted_once_unless_it_was(sorted_images):
    from sklearn.pipeline import make_pipeline

    images, kinds = sorted_images
    road = make_pipeline(Pixels(size=12), VariancePCA(0.9))
    model = OutOfCoreKMeans(3, representation=road, batch_size=64, init_size=120).fit(images)
    assert not hasattr(road[-1], "components_")  # the given one stays as it was
    assert model.representation_[-1].n_samples_ == 120
    assert adjusted_rand_score(model.labels_, kinds) == 1
    road.fit(images)
    model = OutOfCoreKMeans(3, representation=road, batch_size=64).fit(images)
    assert model.representation_ is road


def test_memory_stays_flat_whatever_the_number_of_images():
    import tracemalloc

    picture = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    peaks = []
    for n in (400, 2000):
        lazy = ImageSet(LazyImages(lambda i: np.roll(picture, i, axis=0), n))
        model = OutOfCoreKMeans(
            3, representation=Pixels(size=32), batch_size=100, init_size=200, n_epochs=1, n_init=1
        )
        tracemalloc.start()
        model.fit(lazy)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]  # all features would be 6.5 MB more


def test_too_few_images_and_bad_parameters_are_sentences(sorted_images):
    images, _ = sorted_images
    with pytest.raises(ValueError, match="too few for n_clusters=4"):
        OutOfCoreKMeans(4, representation=Pixels(8)).fit(images[:3])
    with pytest.raises(ValueError, match="`batch_size` is a whole number"):
        OutOfCoreKMeans(4, batch_size=0).fit(np.zeros((9, 2)))


# ---------------------------------------------------------------------- side by side


def test_the_usual_methods_find_obvious_groups():
    features, labels = blobs(n_each=30, k=4)
    found = run_clusterers(features, clusterers(4))
    assert len(found) == 5
    for result in found.values():
        assert adjusted_rand_score(labels, result.clusters) > 0.95
        assert sum(result.sizes) + result.n_noise == 120
        assert result.seconds > 0 and result.megabytes >= 0


def test_methods_run_on_a_handful_of_images():
    features, _ = blobs(n_each=2, k=4)
    assert len(run_clusterers(features, clusterers(3))) == 5


def test_what_was_left_out_of_a_scan_chooses_nothing():
    rows = np.random.default_rng(0).normal(size=(20, 2))
    scan = choose_k(rows, [2, 3], n_references=0, n_resamples=0)
    assert list(scan.choices) == ["silhouette"]
    assert "silhouette" in repr(scan) and "silhouette" in scan._repr_html_()
    assert "elbow chooses none" in figures.k_choice(scan).alt
    with pytest.raises(ValueError, match="left out"):
        scan.best_by("gap")


def test_batches_smaller_than_the_number_of_clusters_still_fit():
    rows = np.random.default_rng(0).normal(size=(11, 2))
    assert len(np.unique(OutOfCoreKMeans(4, batch_size=2).fit_predict(rows))) == 4
