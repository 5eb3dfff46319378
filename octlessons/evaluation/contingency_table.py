"""Contingency tables: made, resampled, shuffled and scored.

A table counts the images of each cluster (row) and class (column). Every score of agreement is a
function of it, so resampling and shuffling make tables, not lists of images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from octlessons.evaluation.uncertainty import patient_sums, resampled_sums, same_lengths

#: The cluster number that density clustering (DBSCAN, HDBSCAN) gives to images it left out.
NOISE = -1


@dataclass(frozen=True)
class Pair:
    """Labels and clusters of the same images, coded 0, 1, …"""

    label: np.ndarray
    cluster: np.ndarray
    cluster_values: np.ndarray
    class_names: tuple[str, ...]
    groups: np.ndarray | None
    n_noise: int
    noise_row: int | None

    @classmethod
    def of(cls, labels, clusters, groups=None, noise="keep", class_names=(), what="label") -> Pair:
        """Labels and clusters, checked and coded; `what` a label is called in sentences."""
        labels, clusters = known_labels(labels), _whole_clusters(clusters)
        if clusters.ndim != 1 or labels.ndim != 1:
            raise ValueError(
                f"{what.capitalize()}s and clusters are one for each image; these have shapes "
                f"{labels.shape} and {clusters.shape}."
            )
        if what == "label" and labels.dtype.kind == "i" and NOISE in labels:
            raise ValueError(
                "−1 is the cluster of images in no cluster, and it is among the labels: labels "
                "come first, then clusters, as in scikit-learn."
            )
        values = "labels" if what == "label" else f"values of {what}"
        same_lengths(len(clusters), **{values: labels, "groups": groups})
        if noise not in ("keep", "drop"):
            raise ValueError(f"`noise` is 'keep' or 'drop', not {noise!r}.")
        if len(clusters) == 0:
            raise ValueError("There are no images to judge.")
        kept = clusters != NOISE
        n_noise = int(np.sum(~kept))
        groups = None if groups is None else np.asarray(groups)
        if noise == "drop":
            if not kept.any():
                raise ValueError(
                    "Every image is noise (cluster −1), so nothing is left to judge: use "
                    "noise='keep', or a clusterer that finds clusters."
                )
            clusters, labels = clusters[kept], labels[kept]
            groups = None if groups is None else groups[kept]
        cluster_values, cluster = np.unique(clusters, return_inverse=True)
        label, names = _coded(labels, class_names)
        noise_row = 0 if cluster_values[0] == NOISE else None
        return cls(label, cluster, cluster_values, names, groups, n_noise, noise_row)

    @property
    def n(self) -> int:
        return len(self.cluster)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.cluster_values), len(self.class_names)

    def table(self, label: np.ndarray | None = None) -> np.ndarray:
        rows, columns = self.shape
        cell = self.cluster * columns + (self.label if label is None else label)
        sizes = np.bincount(cell.astype(np.intp), minlength=rows * columns)
        return sizes.reshape(rows, columns)


def known_labels(labels) -> np.ndarray:
    """Labels as an array, whole numbers as such; a sentence where there are none or some miss."""
    if labels is None:
        raise ValueError(
            "These images have no labels, so there is nothing to agree with. Clusters can still "
            "be judged without: see octlessons.clustering.choose_k."
        )
    labels = whole(labels)
    if labels.dtype == object and any(label is None or label != label for label in labels.flat):
        raise ValueError("Some labels are missing (None or NaN): leave these images out first.")
    if labels.dtype.kind == "f" and not np.all(np.isfinite(labels)):
        raise ValueError("Some labels are NaN: leave these images out first.")
    return labels


def whole(values) -> np.ndarray:
    """An array; of int where it holds whole numbers that are stored as floats."""
    values = np.asarray(values)
    stored = values.dtype.kind == "f" and np.all(np.isfinite(values) & (values == np.round(values)))
    return values.astype(int) if stored else values


def _whole_clusters(clusters) -> np.ndarray:
    if clusters is None:
        raise ValueError("There are no clusters to judge: pass the result of fit_predict.")
    clusters = whole(clusters)
    if clusters.dtype.kind not in "iub":
        raise ValueError(
            f"Clusters are whole numbers; these have dtype {clusters.dtype}. Labels come first, "
            "then clusters, as in scikit-learn."
        )
    return clusters.astype(int)


def _coded(labels: np.ndarray, class_names) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels from 0, and the names of the classes; a class without images keeps its place."""
    if labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < 1000:
        values = np.arange(max(labels.max() + 1, len(class_names)))
        label = labels.astype(int)
    else:
        values, label = np.unique(labels, return_inverse=True)
    if len(class_names) and len(class_names) != len(values):
        raise ValueError(f"There are {len(class_names)} class names for {len(values)} classes.")
    return label, tuple(str(v) for v in (class_names if len(class_names) else values))


def pair_counts(counts: np.ndarray) -> np.ndarray:
    counts = np.asarray(counts, float)
    return counts * (counts - 1) / 2


def adjusted_rand(tables: np.ndarray) -> np.ndarray:
    """Adjusted Rand index of contingency tables (B, rows, columns)."""
    both = pair_counts(tables).sum(axis=(1, 2))
    rows = pair_counts(tables.sum(axis=2)).sum(axis=1)
    columns = pair_counts(tables.sum(axis=1)).sum(axis=1)
    everyone = pair_counts(tables.sum(axis=(1, 2)))
    expected = rows * columns / np.maximum(everyone, 1)
    best = (rows + columns) / 2
    same = np.isclose(best, expected)
    return np.where(same, 1.0, (both - expected) / np.where(same, 1.0, best - expected))


def adjusted_information(table: np.ndarray, expected: float | None = None) -> float:
    """Adjusted mutual information of one contingency table (arithmetic mean).

    `expected`, the mutual information by chance, depends on the margins only.
    """
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if table.shape == (1, 1):
        return 1.0
    if 1 in table.shape:
        return 0.0
    total = table.sum()
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    filled = table > 0
    share = table[filled] / total
    information = share @ np.log(share * total**2 / np.outer(rows, columns)[filled])
    expected = expected_information(table) if expected is None else expected
    entropy = sum(-np.sum(m / total * np.log(m / total)) for m in (rows, columns)) / 2
    bottom = entropy - expected
    return float((information - expected) / (bottom if abs(bottom) > 1e-12 else 1e-12))


def expected_information(table: np.ndarray) -> float:
    from sklearn.metrics.cluster import expected_mutual_information

    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(np.int64)
    return float(expected_mutual_information(table, int(table.sum())))


def matching(table: np.ndarray, noise_row: int | None) -> tuple[np.ndarray, np.ndarray]:
    from scipy.optimize import linear_sum_assignment

    rows = np.array([r for r in range(len(table)) if r != noise_row], int)
    if len(rows) == 0:
        return rows, rows
    picked, columns = linear_sum_assignment(table[rows], maximize=True)
    return rows[picked], columns


def accuracy_of(tables: np.ndarray, noise_row: int | None) -> np.ndarray:
    return np.array([t[matching(t, noise_row)].sum() / max(t.sum(), 1) for t in tables])


def scores_of(tables: np.ndarray, noise_row: int | None, same_margins: bool = False) -> np.ndarray:
    """ARI, AMI and matched accuracy of every table, shape (3, B)."""
    expected = expected_information(tables[0]) if same_margins else None
    ami = np.array([adjusted_information(table, expected) for table in tables])
    return np.stack([adjusted_rand(tables), ami, accuracy_of(tables, noise_row)])


def shuffled_labels(pair: Pair, n_permutations: int, rng: np.random.Generator):
    """Labels moved between images, or between patients.

    With patients, the labels of all images, patient after patient in one random order, are laid
    over the images, patient after patient in another. Classes keep their sizes exactly, and
    images of one patient keep a common label but where a longer block of labels meets a shorter
    patient.
    """
    if pair.groups is None:
        for _ in range(n_permutations):
            yield rng.permutation(pair.label)
        return
    _, group = np.unique(pair.groups, return_inverse=True)
    _, unit = np.unique(group * len(pair.class_names) + pair.label, return_inverse=True)
    n_units = unit.max() + 1
    for _ in range(n_permutations):
        source = np.argsort(rng.permutation(n_units)[unit], kind="stable")
        target = np.argsort(rng.permutation(n_units)[unit], kind="stable")
        label = np.empty_like(pair.label)
        label[target] = pair.label[source]
        yield label


def shuffled_tables(pair: Pair, n_permutations: int, rng: np.random.Generator):
    """Contingency tables with `shuffled_labels`."""
    return map(pair.table, shuffled_labels(pair, n_permutations, rng))


def shuffled_scores(pair: Pair, n_permutations: int, rng) -> np.ndarray:
    """ARI, AMI and matched accuracy of shuffled labels, shape (3, n_permutations)."""
    if n_permutations < 1:
        raise ValueError(
            f"`n_permutations` is at least 1, not {n_permutations}: an accuracy without its "
            "level of chance cannot be read."
        )
    tables = np.stack(list(shuffled_tables(pair, n_permutations, rng)))
    return scores_of(tables, pair.noise_row, same_margins=True)


def bootstrap_tables(pair: Pair, n: int, rng: np.random.Generator) -> np.ndarray:
    """Contingency tables of resamples of whole patients (of images where not known)."""
    rows, columns = pair.shape
    cell = pair.cluster * columns + pair.label
    if pair.groups is None:  # drawing images with replacement is drawing cells
        share = np.bincount(cell.astype(np.intp), minlength=rows * columns) / pair.n
        return rng.multinomial(pair.n, share, size=n).reshape(n, rows, columns)
    drawn = resampled_sums(patient_sums(np.eye(rows * columns)[cell], pair.groups), n, rng)
    return np.rint(drawn).astype(np.int64).reshape(n, rows, columns)
