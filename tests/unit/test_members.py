"""Members of clusters: the right ones are picked, drawn and named."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from octlessons import figures
from octlessons.clustering import members
from octlessons.images.imageset import ImageSet


def two_heaps() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(0, 1, (20, 3)), rng.normal(5, 1, (20, 3))])
    return rows, np.repeat([0, 1], 20)


def test_central_doubtful_and_odd_are_what_they_are_called():
    rows, clusters = two_heaps()
    doubt = silhouette_samples(rows, clusters)
    for c, of in members(rows, clusters, n=1).items():
        own = np.flatnonzero(clusters == c)
        far = np.linalg.norm(rows[own] - rows[own].mean(axis=0), axis=1)
        medoid = np.argmin(((rows[own][:, None] - rows[own]) ** 2).sum(axis=(1, 2)))
        assert of["central"].tolist() == [own[far.argmin()]] == [own[medoid]]
        assert of["doubtful"].tolist() == [own[doubt[own].argmin()]]
        rest = [i for i in own[np.argsort(-far)] if i != of["doubtful"][0]]
        assert of["odd"].tolist() == [rest[0]]


def test_no_image_comes_twice_and_patients_only_when_there_is_no_other():
    rows, clusters = two_heaps()
    patients = np.arange(40) // 2
    for of in members(rows, clusters, n=3, groups=patients).values():
        every = np.concatenate(list(of.values()))
        assert len(set(every)) == len(set(patients[every])) == 9
    of = members(rows, clusters, n=2, groups=np.zeros(40))[0]
    assert [len(index) for index in of.values()] == [2, 2, 2]


def test_small_clusters_noise_and_a_single_cluster():
    rows = np.arange(10.0)[:, None]
    found = members(rows, [0, 1, 1, 2, 2, 2, 2, 2, -1, -1], n=2)
    assert [sum(map(len, of.values())) for of in found.values()] == [1, 2, 5]
    assert found[0]["central"].tolist() == [0]
    only = members(rows, np.zeros(10, int), n=2)[0]
    assert len(only["doubtful"]) == 0 and only["odd"].tolist() == [0, 9]


def test_what_cannot_be_picked_is_said():
    with pytest.raises(ValueError, match="one row, one cluster"):
        members(np.eye(3), [0, 1])
    with pytest.raises(ValueError, match="0 images in clusters"):
        members(np.eye(3), [-1, -1, -1])


def test_the_figure_shows_and_names_them():
    rows, clusters = two_heaps()
    pictures = np.full((40, 12, 16), 40, np.uint8)
    pictures[20:, :3] = 255  # a white wedge above in the second heap
    scans = ImageSet(pictures, np.arange(40) % 2, class_names=["CNV", "NORMAL"])
    names = [scans.class_names[label] for label in scans.labels]
    fig = figures.cluster_members(scans, rows, clusters, mean=True, below=names)
    assert {c: set(of) for c, of in fig.members.items()} == {
        c: {"central", "doubtful", "odd"} for c in (0, 1)
    }
    shown = [ax for ax in fig.axes if ax.images]
    assert len(shown) == 2 * (1 + 6)
    drawn = {ax.get_xlabel() for ax in shown} - {""}
    assert drawn == {"CNV", "NORMAL"}
    assert "cluster 0 (20 scans)" in fig.alt and "white areas in 6 of the 6 shown" in fig.alt
    assert "white areas in 0 of the 6 shown" in fig.alt
    few = figures.cluster_members(scans, rows, np.where(np.arange(40) < 3, 7, -1), n=2)
    assert few.alt.endswith("Not shown: 37 scans in no cluster.") and "cluster 7" in few.alt
    with pytest.raises(ValueError, match="40 images but 3 clusters"):
        figures.cluster_members(scans, rows, [0, 1, 1])
