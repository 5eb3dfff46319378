"""Agreement of clusters with labels, and what chance gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from octlessons.evaluation import contingency_table as tables
from octlessons.evaluation.contingency_table import NOISE, Pair
from octlessons.evaluation.uncertainty import Chance, Interval, chance_of, recentred, span
from octlessons.wording import Table, count, decimal, p_value


@dataclass(frozen=True, repr=False)
class Agreement(Table):
    """How well clusters agree with labels, and how well they would by chance.

    Attributes
    ----------
    n : int
        Number of images judged.
    n_noise : int
        How many of them have cluster −1 (`NOISE`).
    n_clusters, n_classes : int
        Numbers of clusters (noise not counted) and of classes that occur.
    n_groups : int or None
        Number of patients, where they were given.
    ari : float
        Adjusted Rand index (Hubert & Arabie 1985): 1 for the same partition, 0 on average for
        independent images put at random, negative below that. Several slices of one patient are
        not independent, so read it beside `ari_chance`.
    ami : float
        Adjusted mutual information (Vinh et al. 2010, arithmetic mean): the same scale.
    accuracy : float
        Matched accuracy: share of images in "their" cluster under the best one-to-one matching
        of clusters to classes (Kuhn 1955). Not 1/k by chance: see `chance`.
    chance : Chance
        Matched accuracy with shuffled labels; of whole patients where patients were given.
    ari_chance, ami_chance : Chance
        The same for the two indices.
    p_value : float
        Share of shuffles that score at least `accuracy`, (1 + hits) / (1 + shuffles).
    ari_interval, ami_interval, accuracy_interval : Interval or None
        Bootstrap intervals; by patient where patients were given. None without bootstrap.
    table : ndarray of int, shape (rows, classes)
        Contingency: images of each cluster (row) and class (column).
    cluster_names, class_names : tuple of str
        Of its rows and columns.
    matching : dict
        Cluster number → class name, for the matched clusters.
    """

    n: int
    n_noise: int
    n_clusters: int
    n_classes: int
    n_groups: int | None
    ari: float
    ami: float
    accuracy: float
    chance: Chance
    ari_chance: Chance
    ami_chance: Chance
    p_value: float
    ari_interval: Interval | None
    ami_interval: Interval | None
    accuracy_interval: Interval | None
    table: np.ndarray
    cluster_names: tuple[str, ...]
    class_names: tuple[str, ...]
    matching: dict[int, str]

    _header = ("measure", "value", "95 % interval", "by chance (95 %)")

    @property
    def better_than_chance(self) -> bool:
        """Whether the matched accuracy lies above the range that chance gives."""
        return bool(self.accuracy > self.chance.high)

    def _caption(self) -> str:
        of = f" of {count(self.n_groups, 'patient')}" if self.n_groups is not None else ""
        noise = f", {self.n_noise:,} left out as noise" if self.n_noise else ""
        return (
            f"{count(self.n_clusters, 'cluster')} and {count(self.n_classes, 'class')}: "
            f"{count(self.n, 'image')}{of}{noise}"
        )

    def _cells(self) -> list[tuple[str, ...]]:
        p = p_value(self.p_value)
        return [
            ("ARI", decimal(self.ari), span(self.ari_interval), str(self.ari_chance)),
            ("AMI", decimal(self.ami), span(self.ami_interval), str(self.ami_chance)),
            (
                "matched accuracy",
                decimal(self.accuracy),
                span(self.accuracy_interval),
                f"{self.chance}; p {'' if p.startswith('<') else '= '}{p}",
            ),
        ]


def agreement(
    labels,
    clusters,
    *,
    groups=None,
    noise: str = "keep",
    class_names: Sequence[str] = (),
    n_permutations: int = 1000,
    n_bootstrap: int = 500,
    random_state: int = 0,
) -> Agreement:
    """Measure how well clusters agree with labels, with intervals and the level of chance.

    Parameters
    ----------
    labels : array_like of int or str, shape (n,)
        Class of each image.
    clusters : array_like of int, shape (n,)
        Cluster of each image; −1 means noise.
    groups : array_like, shape (n,), optional
        Patient of each image. Then the bootstrap draws patients, and shuffling moves the labels
        of whole patients (classes keep their sizes).
    noise : {"keep", "drop"}
        What becomes of images with cluster −1. ``"keep"``: noise counts as one more cluster for
        ARI and AMI, and as wrong for the matched accuracy, so leaving images out never pays.
        ``"drop"``: these images are not judged; read `Agreement.n_noise` with the result.
    class_names : sequence of str, optional
        Names of classes 0, 1, …; used in the table.
    n_permutations : int
        Shuffles of the labels.
    n_bootstrap : int
        Bootstrap samples; 0 for no intervals.
    random_state : int
        Of shuffles and bootstrap.

    Raises
    ------
    ValueError
        If labels are missing or stand second, lengths differ, or there is nothing to judge.

    Examples
    --------
    >>> result = agreement([0, 0, 1, 1, 2, 2], [1, 1, 0, 0, 2, 2], n_bootstrap=0)
    >>> result.ari, result.accuracy
    (1.0, 1.0)
    """
    pair = Pair.of(labels, clusters, groups, noise, class_names)
    return _judged(pair, n_permutations, n_bootstrap, np.random.default_rng(random_state))


def contingency(labels, clusters) -> np.ndarray:
    """Count the images of each cluster and class.

    Parameters
    ----------
    labels : array_like of int or str, shape (n,)
        Integers count classes from 0; a class that has no image keeps its column.
    clusters : array_like of int, shape (n,)
        −1 (noise) gives a first row of its own.

    Returns
    -------
    ndarray of int, shape (n clusters, n classes)
        Rows in the order of the cluster numbers that occur.

    Raises
    ------
    ValueError
        As `agreement`.
    """
    return Pair.of(labels, clusters).table()


def matched_accuracy(labels, clusters) -> float:
    """Share of images in "their" cluster, clusters matched one-to-one with classes.

    The matching is the best there is (Hungarian method, Kuhn 1955), so it flatters: compare with
    `Agreement.chance`. Clusters beyond the number of classes, and noise (−1), count as wrong.

    Parameters
    ----------
    labels : array_like of int or str, shape (n,)
    clusters : array_like of int, shape (n,)

    Returns
    -------
    float
        In 0…1.

    Raises
    ------
    ValueError
        As `agreement`.

    Examples
    --------
    >>> matched_accuracy([0, 0, 1, 0], [5, 5, 3, 3])
    0.75
    """
    pair = Pair.of(labels, clusters)
    return float(tables.accuracy_of(pair.table()[None], pair.noise_row)[0])


def _judged(pair: Pair, n_permutations: int, n_bootstrap: int, rng) -> Agreement:
    table = pair.table()
    scores = tables.scores_of(table[None], pair.noise_row)[:, 0]
    shuffled = tables.shuffled_scores(pair, n_permutations, rng)
    resampled = np.empty((3, 0))
    if n_bootstrap > 0:
        resampled = tables.scores_of(
            tables.bootstrap_tables(pair, n_bootstrap, rng), pair.noise_row
        )
    judged: dict[str, Any] = {}
    for i, (name, lowest) in enumerate({"ari": -1, "ami": -1, "accuracy": 0}.items()):
        value, chance = float(scores[i]), "chance" if name == "accuracy" else f"{name}_chance"
        judged[name] = value
        judged[chance], judged["p_value"] = chance_of(value, shuffled[i])  # last: of the accuracy
        interval = recentred(value, resampled[i], lowest, 1)
        judged[f"{name}_interval"] = interval if n_bootstrap > 0 else None
    pairs = zip(*tables.matching(table, pair.noise_row), strict=True)
    return Agreement(
        n=pair.n,
        n_noise=pair.n_noise,
        n_clusters=sum(value != NOISE for value in pair.cluster_values),
        n_classes=int((table.sum(axis=0) > 0).sum()),
        n_groups=None if pair.groups is None else len(np.unique(pair.groups)),
        **judged,
        table=table,
        cluster_names=tuple("noise" if v == NOISE else str(v) for v in pair.cluster_values),
        class_names=pair.class_names,
        matching={int(pair.cluster_values[r]): pair.class_names[c] for r, c in pairs},
    )
