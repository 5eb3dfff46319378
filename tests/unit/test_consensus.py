"""Who stays with whom when patients are left out."""

import numpy as np
import pytest

from octlessons import figures
from octlessons.clustering import by_size, choose_k, consensus


def heaps(n_each: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return (
        np.concatenate([rng.normal(x, 0.3, (n_each, 2)) for x in (0, 9, 20)]),
        np.repeat([0, 1, 2], n_each),
    )


def test_clear_groups_stay_together_and_apart():
    rows, truth = heaps()
    result = consensus(rows, 3, n_resamples=20)
    assert np.array_equal(result.together, truth[:, None] == truth)
    assert result.undecided() == 0 and np.all(result.held(truth) == 1)


def test_a_cloud_cut_at_random_does_not_hold():
    cloud = np.random.default_rng(0).normal(size=(80, 2))
    result = consensus(cloud, 4, n_resamples=30, n_init=1)
    assert result.undecided() > 0.3
    assert np.allclose(result.together, result.together.T)
    assert np.all(np.diag(result.together) == 1)
    assert result.together.min() >= 0 and result.together.max() <= 1


def test_whole_patients_are_left_out():
    rows, _ = heaps()
    patients = np.arange(36) // 6
    drawn = []

    class Spy:
        def fit_predict(self, rows):
            drawn.append(len(rows))
            return np.zeros(len(rows), int)

        def get_params(self, deep=True):
            return {}

    result = consensus(rows, clusterer=Spy(), groups=patients, n_resamples=4, fraction=0.5)
    assert set(drawn) == {18}
    pairs = result.together[patients[:, None] != patients]
    assert np.all((pairs == 1) | np.isnan(pairs))


def test_two_that_were_never_drawn_together_are_not_known():
    rows = np.arange(12.0)[:, None]
    result = consensus(rows, 2, n_resamples=2, fraction=0.4)
    assert np.isnan(result.together).any()
    figures.consensus_map(result, np.arange(12) // 6)


def test_images_of_a_cluster_stand_side_by_side():
    rows, truth = heaps()
    result = consensus(rows, 3, n_resamples=10)
    clusters = np.where(truth == 2, 1, 0)  # two heaps in one cluster
    order = result.order(clusters)
    assert sorted(order) == list(range(36))
    assert np.count_nonzero(np.diff(truth[order])) == 2
    fig = figures.consensus_map(result, clusters)
    assert "cluster 0 (24 images) 48 %; cluster 1 (12 images) 100 %" in fig.alt
    with pytest.raises(ValueError, match="3 clusters for 36 images"):
        figures.consensus_map(result, [0, 1, 2])


def test_clusters_of_a_scan_are_numbered_by_size_and_kept():
    rows, truth = heaps()
    rows, truth = rows[5:], truth[5:]  # 7, 12, 12
    scan = choose_k(rows, [2, 3, 4], n_references=0, n_resamples=0)
    assert set(scan.clusters) == {2, 3, 4}
    assert np.all(scan.clusters[3][truth == 0] == 2)
    assert np.all(np.diff(np.bincount(scan.clusters[4])) <= 0)
    assert by_size([-1, 5, 5, 2]).tolist() == [-1, 0, 0, 1]


def test_the_scans_of_the_lowest_silhouette_are_shown():
    rows, truth = heaps()
    rows[3] = rows[13]  # a scan of the first heap that lies in the second
    pictures = np.zeros((36, 8, 8), np.uint8)
    fig = figures.silhouette_plot(rows, truth, images=pictures, n_worst=2)
    assert len([ax for ax in fig.axes if ax.images]) == 2
    assert "the 2 scans of the lowest: −0.96 in cluster 0" in fig.alt
