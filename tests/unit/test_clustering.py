"""Choosing k, and methods side by side."""

import numpy as np
import pytest
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from octlessons import figures
from octlessons.clustering import (
    KChoice,
    choose_k,
    clusterers,
    elbow,
    rotated,
    run_clusterers,
    silhouette,
    stability,
)


def blobs(n_each: int = 60, k: int = 4, d: int = 5, spread: float = 0.5, seed: int = 0):
    """Well separated groups, and which one each row belongs to."""
    rng = np.random.default_rng(seed)
    centres = rng.permutation(np.vstack([np.eye(d), -np.eye(d)]))[:k] * 5
    labels = np.repeat(np.arange(k), n_each)
    return centres[labels] + rng.normal(size=(k * n_each, d)) * spread, labels


@pytest.mark.slow
@pytest.mark.parametrize("k", [3, 4])
def test_all_criteria_find_obvious_groups(k):
    features, _ = blobs(k=k)
    scan = choose_k(features, range(2, 9), n_references=5, n_resamples=4)
    assert scan.choices == {"elbow": k, "silhouette": k, "gap": k, "stability": k}
    assert np.all(np.diff(scan.inertia) < 0)
    assert scan.stability[k - 2] == 1


def test_without_groups_the_gap_says_one_and_the_silhouette_cannot():
    cloud = np.random.default_rng(1).uniform(size=(200, 3))
    scan = choose_k(cloud, range(2, 6), n_references=6, n_resamples=2)
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
    a, b = (
        choose_k(features, [2, 3, 4], n_references=3, n_resamples=3, random_state=4)
        for _ in range(2)
    )
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


def scanned(gap, gap_error, ks=(1, 2, 3)) -> KChoice:
    """A scan of which only the gap is known."""
    unknown = np.full(len(ks), np.nan)
    return KChoice(
        np.array(ks), unknown, unknown, np.array(gap), np.array(gap_error), unknown, (0.0, 0.0)
    )


def test_gap_rule_is_tibshiranis():
    # 0.5 ≥ 0.9 - 0.1 fails; 0.9 ≥ 0.95 - 0.1 holds
    assert scanned([0.5, 0.9, 0.95], [0.1, 0.1, 0.1]).best_by("gap") == 2
    assert scanned([0.1, 0.2, 0.9], [0, 0, 0]).best_by("gap") == 3
    assert scanned([-0.5, -0.4], [0, 0], ks=(2, 3)).best_by("gap") == 1
    scan = choose_k(blobs(k=3)[0], range(1, 6), n_references=6, n_resamples=0)
    assert scan.best_by("gap") == 3 and np.all(scan.gap_error > 0)


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


@pytest.mark.parametrize("d", [3, 300])
def test_more_clusters_than_different_images_are_not_found_and_never_chosen(d):
    rows = np.repeat(np.random.default_rng(0).normal(size=(4, d)), 9, axis=0)
    scan = choose_k(rows, range(2, 9), n_references=3, n_resamples=3)
    assert scan.not_found == [5, 6, 7, 8]
    for scores in (scan.inertia, scan.silhouette, scan.gap, scan.gap_error, scan.stability):
        assert np.isnan(scores[3:]).all() and np.isfinite(scores[:3]).all()
    assert set(scan.choices) == {"elbow", "silhouette", "gap", "stability"}
    assert max(scan.choices.values()) <= 4
    assert "not found, as there are fewer different images: 5, 6, 7 and 8" in str(scan)
    alt = figures.k_choice(scan).alt
    assert "Not found: 5, 6, 7 and 8." in alt and "nan" not in alt


def test_images_that_are_all_the_same_are_one_cluster():
    scan = choose_k(np.ones((12, 3)), range(2, 6), n_references=3, n_resamples=3)
    assert scan.not_found == [2, 3, 4, 5]
    assert scan.choices == {"silhouette": 1, "gap": 1}
    assert "elbow was not computed" in figures.k_choice(scan).alt
