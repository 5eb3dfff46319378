"""How `bench_encoder` judges the rows of a representation.

Rows are taken as they come, with Euclidean distance. Nothing here chooses anything by a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from octlessons.evaluation import agreement, neighbour_accuracy
from octlessons.evaluation.neighbours import neighbour_labels
from octlessons.evaluation.uncertainty import Chance, Interval, bootstrap

from .encoder_sets import Scans

SEEDS, STARTS, DRAWS, FOLDS, K_NEIGHBOURS = range(10), 10, 20, 5, 3


@dataclass(frozen=True)
class Score:
    """What was measured of one representation on one set.

    The interval of `neighbours` and `probe` is a bootstrap by patient, 95 %. That of the others is
    one of K-means' best seed in `judge`, and the range over the draws in `judge_balanced`.
    """

    n: int
    n_patients: int
    neighbours: Interval
    ari: Interval
    ami: Interval
    accuracy: Interval
    chance: Chance | None = None
    probe: Interval | None = None
    n_probed: int = 0


def judge(rows: np.ndarray, scans: Scans, n_bootstrap: int = 1000) -> Score:
    """Neighbours, and K-means with one cluster for each class: means over the seeds.

    The intervals belong to the seed with the lowest inertia.
    """
    from sklearn.cluster import KMeans

    k = len(np.unique(scans.labels))
    fits = [KMeans(k, n_init=STARTS, random_state=seed).fit(rows) for seed in SEEDS]
    best = int(np.argmin([fit.inertia_ for fit in fits]))
    judged = [
        agreement(
            scans.labels,
            fit.labels_,
            groups=scans.groups,
            n_permutations=1000 if n_bootstrap and i == best else 1,
            n_bootstrap=n_bootstrap if i == best else 0,
        )
        for i, fit in enumerate(fits)
    ]
    near = neighbour_accuracy(
        rows, scans.labels, groups=scans.groups, k=K_NEIGHBOURS, n_bootstrap=n_bootstrap
    )
    spans = []
    for name in ("ari", "ami", "accuracy"):
        mean = float(np.mean([getattr(each, name) for each in judged]))
        span = getattr(judged[best], f"{name}_interval")
        ends = (span.low, span.high) if span is not None else (np.nan, np.nan)
        spans.append(Interval(mean, *ends))
    return Score(len(rows), len(np.unique(scans.groups)), near, *spans, chance=judged[best].chance)


def judge_balanced(rows: np.ndarray, scans: Scans, classes: Sequence[str]) -> Score:
    """Some classes, as many scans of each: means over seeded draws. And a probe of all of them.

    K-means has a seed for each draw and the best of 10 starts.
    """
    from sklearn.cluster import KMeans

    keep = np.isin(scans.labels, classes)
    rows, labels, groups = rows[keep], scans.labels[keep], scans.groups[keep]
    right, drawn, scores = np.zeros(len(rows)), np.zeros(len(rows)), []
    for seed in range(DRAWS):
        some = balanced(labels, groups, seed)
        voted = neighbour_labels(rows[some], labels[some], groups=groups[some], k=K_NEIGHBOURS)
        right[some] += voted == labels[some]
        drawn[some] += 1
        fit = KMeans(len(classes), n_init=STARTS, random_state=seed).fit(rows[some])
        found = agreement(labels[some], fit.labels_, n_permutations=1, n_bootstrap=0)
        scores.append((found.ari, found.ami, found.accuracy))
    columns = np.array(scores).T
    spans = [Interval(float(c.mean()), float(c.min()), float(c.max()), 1.0) for c in columns]
    return Score(
        len(some),
        len(np.unique(groups)),
        _by_class(labels, right, drawn, groups),
        *spans,
        probe=_probe(rows, labels, groups),
        n_probed=len(rows),
    )


def balanced(labels: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Indices of as many scans of each class as the smallest has, patient by patient at random."""
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    chosen = []
    for name in classes:
        own = np.flatnonzero(labels == name)
        _, patient = np.unique(groups[own], return_inverse=True)
        place = rng.permutation(patient.max() + 1)[patient]
        chosen.append(own[np.lexsort((rng.random(len(own)), place))][: counts.min()])
    return np.sort(np.concatenate(chosen))


def _probe(rows: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> Interval:
    """Balanced accuracy of logistic regression on patients it was not fitted to."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000)
    )
    found = cross_val_predict(model, rows, labels, groups=groups, cv=GroupKFold(FOLDS))
    return _by_class(labels, found == labels, np.ones(len(rows)), groups)


def _by_class(labels, right, counted, groups) -> Interval:
    """Mean over the classes of the share that is right, with an interval by patient."""
    classes, code = np.unique(labels, return_inverse=True)

    def mean(code, right, counted) -> float:
        n = np.bincount(code, counted, len(classes))
        if not n.all():  # a resample without any scan of a class
            return np.nan
        return float((np.bincount(code, right, len(classes)) / n).mean())

    return bootstrap(mean, code, right, counted, groups=groups, bounds=(0, 1))
