"""Choosing the number of clusters.

Thin over scikit-learn. Nothing here looks at labels: how clusters agree with a diagnosis is asked
in `octlessons.evaluation`, afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.utils.validation import check_array

from octlessons.wording import decimal, html_table, text_table

#: Ways to choose a number of clusters, as `KChoice.best_by` knows them.
CRITERIA = ("elbow", "silhouette", "gap", "stability")


@dataclass(frozen=True)
class KChoice:
    """What each number of clusters scores. No labels are involved.

    Attributes
    ----------
    ks : ndarray of int
        Numbers of clusters tried.
    inertia : ndarray
        Sum of squared distances to the cluster centres; always falls with k.
    silhouette : ndarray
        Mean silhouette (Rousseeuw 1987), −1…1; NaN for k = 1.
    gap, gap_error : ndarray
        Gap statistic and its standard error (Tibshirani et al. 2001).
    stability : ndarray
        Mean adjusted Rand index between clusterings of subsamples; NaN for k = 1.
    gap_one : (float, float)
        Gap and its error at k = 1, which the gap rule starts from.
    by_patient : bool
        Whether subsamples left out whole patients.
    """

    ks: np.ndarray
    inertia: np.ndarray
    silhouette: np.ndarray
    gap: np.ndarray
    gap_error: np.ndarray
    stability: np.ndarray
    gap_one: tuple[float, float]
    by_patient: bool = False

    def best_by(self, criterion: str) -> int:
        """Return the k that a criterion chooses.

        Parameters
        ----------
        criterion : {"elbow", "silhouette", "gap", "stability"}
            Bend of the inertia (`elbow`); highest silhouette; the 1-standard-error rule of the
            gap, which may answer 1 (`gap_choice`); highest stability. Of equal ones the largest k.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If the criterion is unknown or was left out, or there are too few numbers for an elbow.
        """
        if criterion == "elbow":
            return elbow(self.ks, self.inertia)
        if criterion == "gap":
            if np.isnan(self.gap).all():
                raise ValueError("The gap was left out: scan again with n_references of 1 or more.")
            if self.ks[0] == 1:
                return gap_choice(self.ks, self.gap, self.gap_error)
            one, error = self.gap_one
            return gap_choice([1, *self.ks], [one, *self.gap], [error, *self.gap_error])
        if criterion in ("silhouette", "stability"):
            values = getattr(self, criterion)
            if not np.isfinite(values).any():
                return 1
            return int(self.ks[np.flatnonzero(values >= np.nanmax(values) - 1e-9)[-1]])
        raise ValueError(f"`criterion` is one of {', '.join(CRITERIA)}, not {criterion!r}.")

    @property
    def choices(self) -> dict[str, int]:
        """The k of every criterion that was computed; an elbow needs three numbers."""
        there = {"elbow": len(self.ks) >= 3, "silhouette": True}
        there |= {name: not np.isnan(getattr(self, name)).all() for name in ("gap", "stability")}
        return {criterion: self.best_by(criterion) for criterion in CRITERIA if there[criterion]}

    def _cells(self) -> list[tuple[str, ...]]:
        columns = zip(self.ks, self.inertia, self.silhouette, self.gap, self.stability, strict=True)
        return [
            (f"{k}", f"{i:,.4g}", decimal(s, 3), decimal(g, 3), decimal(a, 3))
            for k, i, s, g, a in columns
        ]

    _header = ("k", "inertia", "silhouette", "gap", "stability")

    def __str__(self) -> str:
        chosen = ", ".join(f"{name} {k}" for name, k in self.choices.items())
        return f"{text_table([self._header, *self._cells()])}\nchosen k: {chosen}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        chosen = ", ".join(f"{name} {k}" for name, k in self.choices.items())
        return html_table(f"Numbers of clusters; chosen: {chosen}", self._header, self._cells())


def choose_k(
    features,
    ks: Iterable[int] = range(2, 9),
    *,
    groups=None,
    n_references: int = 10,
    n_resamples: int = 10,
    n_init: int = 3,
    seed: int = 0,
) -> KChoice:
    """Try several numbers of clusters with K-means, by all four criteria.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    ks : iterable of int
        Numbers of clusters, between 1 and n - 1.
    groups : array_like, shape (n,), optional
        Patient of each image; stability then leaves out whole patients.
    n_references : int
        Reference sets of the gap statistic; 0 leaves the gap out (NaN).
    n_resamples : int
        Subsamples for the stability; below 2 leaves it out (NaN).
    n_init : int
        Starts of each K-means.
    seed : int

    Returns
    -------
    KChoice

    Raises
    ------
    ValueError
        If `ks` is empty or has a number that the images do not allow.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> blobs = np.concatenate([rng.normal(c, 0.3, size=(40, 2)) for c in ([0, 0], [4, 0], [2, 3])])
    >>> choose_k(blobs, range(2, 6)).choices
    {'elbow': 3, 'silhouette': 3, 'gap': 3, 'stability': 3}
    """
    features = rotated(features)
    ks = _checked_ks(ks, len(features))
    fits = [KMeans(int(k), n_init=n_init, random_state=seed).fit(features) for k in ks]
    inertia = np.array([fit.inertia_ for fit in fits])
    sampled = _Silhouette(features, seed=seed)
    widths = np.array([sampled(fit.labels_) for fit in fits])
    gap = np.full(len(ks), np.nan)
    gap_error, one = gap.copy(), (np.nan, np.nan)
    if n_references > 0:
        tried = ks if ks[0] == 1 else np.concatenate([[1], ks])
        result = gap_statistic(features, tried, n_references=n_references, n_init=n_init, seed=seed)
        one = (float(result.gap[0]), float(result.error[0]))
        gap, gap_error = result.gap[-len(ks) :], result.error[-len(ks) :]
    steady = np.array(
        [
            stability(
                features, int(k), groups=groups, n_resamples=n_resamples, n_init=n_init, seed=seed
            )
            if k > 1 and n_resamples > 1
            else np.nan
            for k in ks
        ]
    )
    return KChoice(ks, inertia, widths, gap, gap_error, steady, one, groups is not None)


def elbow(ks: Sequence[int], inertia: Sequence[float]) -> int:
    """Return the k where the inertia bends most.

    The bend is the point furthest below the straight line from the first to the last point, both
    axes scaled to 0…1 (the "kneedle" of Satopää et al. 2011). There is always one, whether or not
    there are clusters.

    Parameters
    ----------
    ks : sequence of int, at least 3
        Increasing.
    inertia : sequence of float
        K-means inertia for each k.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If there are fewer than three points.

    Examples
    --------
    >>> elbow([1, 2, 3, 4, 5], [100, 40, 10, 8, 6])
    3
    """
    ks, inertia = np.asarray(ks), np.asarray(inertia, float)
    if len(ks) != len(inertia) or len(ks) < 3:
        raise ValueError(
            f"An elbow needs at least 3 numbers of clusters with their inertia; there are "
            f"{len(ks)} and {len(inertia)}."
        )
    drop = inertia[0] - inertia[-1]
    if drop <= 0:
        return int(ks[0])
    along = (ks - ks[0]) / (ks[-1] - ks[0])
    below = (1 - along) - (inertia - inertia[-1]) / drop
    return int(ks[np.argmax(below)])


def silhouette(features, clusters, *, max_images: int = 2000, seed: int = 0) -> float:
    """Mean silhouette of a clustering, on a sample where there are many images.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    clusters : array_like of int, shape (n,)
        Noise (−1) is left out.
    max_images : int
        With more, a random sample of this many is judged; distances grow with its square.
    seed : int

    Returns
    -------
    float
        In −1…1; NaN if fewer than two clusters (or only single images) are left to judge.
    """
    clusters = np.asarray(clusters)
    kept = np.flatnonzero(clusters != -1)
    features = np.asarray(features)
    if len(features) != len(clusters):
        raise ValueError(
            f"There are {len(features)} rows of features but {len(clusters)} clusters: give one "
            "for each image, in the same order."
        )
    return _Silhouette(features[kept], max_images, seed)(clusters[kept])


@dataclass(frozen=True)
class Gap:
    """Gap statistic for several numbers of clusters.

    Attributes
    ----------
    ks : ndarray of int
    gap : ndarray
        Mean log inertia of the references minus that of the data.
    error : ndarray
        Its standard error, with the simulation error: sd · √(1 + 1 / references).
    best : int
        The choice of the 1-standard-error rule.
    """

    ks: np.ndarray
    gap: np.ndarray
    error: np.ndarray
    best: int


def gap_statistic(
    features,
    ks: Iterable[int] = range(1, 9),
    *,
    n_references: int = 10,
    n_init: int = 3,
    seed: int = 0,
) -> Gap:
    """Compare the inertia with that of data without clusters (Tibshirani et al. 2001).

    The references are uniform in the box around the data, aligned with their principal axes
    (variant b of the paper).

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    ks : iterable of int
        Should start at 1: only then can the answer be "no clusters".
    n_references : int
        Number of reference sets.
    n_init : int
        Starts of each K-means.
    seed : int

    Returns
    -------
    Gap

    Raises
    ------
    ValueError
        If `ks` is empty or has a number that the images do not allow, or no reference is asked.
    """
    if n_references < 1:
        raise ValueError(f"The gap needs at least 1 reference set, not {n_references}.")
    axes = rotated(features)  # K-means does not see rotations, so the box is axis-aligned
    ks = _checked_ks(ks, len(axes))
    rng = np.random.default_rng(seed)

    def log_inertia(rows: np.ndarray) -> np.ndarray:
        fits = (KMeans(int(k), n_init=n_init, random_state=seed).fit(rows) for k in ks)
        return np.log([max(fit.inertia_, np.finfo(float).tiny) for fit in fits])

    low, high = axes.min(axis=0), axes.max(axis=0)
    references = np.stack(
        [
            log_inertia(rng.uniform(low, high, size=axes.shape).astype(axes.dtype))
            for _ in range(n_references)
        ]
    )
    gap = references.mean(axis=0) - log_inertia(axes)
    error = references.std(axis=0) * np.sqrt(1 + 1 / n_references)
    return Gap(ks, gap, error, gap_choice(ks, gap, error))


def gap_choice(ks: Sequence[int], gap: Sequence[float], error: Sequence[float]) -> int:
    """Return the smallest k whose gap reaches the next one less its standard error.

    Parameters
    ----------
    ks, gap, error : sequences of the same length
        As in `Gap`.

    Returns
    -------
    int
        The last k where none does: then more should be tried.

    Examples
    --------
    >>> gap_choice([1, 2, 3], [0.1, 0.9, 0.95], [0.05, 0.05, 0.1])
    2
    """
    for i in range(len(ks) - 1):
        if gap[i] >= gap[i + 1] - error[i + 1]:
            return int(ks[i])
    return int(ks[-1])


def stability(
    features,
    n_clusters: int = 4,
    *,
    clusterer: Any | None = None,
    groups=None,
    n_resamples: int = 10,
    fraction: float = 0.8,
    n_init: int = 3,
    seed: int = 0,
) -> float:
    """Mean agreement between clusterings of random subsamples (Ben-Hur et al. 2002).

    Each subsample leaves out some of the patients (of the images, where patients are not known)
    and is clustered from another start. Every two clusterings are compared on the images that
    both have.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    n_clusters : int
        For K-means; ignored when `clusterer` is given.
    clusterer : estimator, optional
        Any scikit-learn clusterer with `fit_predict`; a copy is made, and its `random_state`, if
        it has one, is set.
    groups : array_like, shape (n,), optional
        Patient of each image.
    n_resamples : int
        Number of subsamples, at least 2.
    fraction : float
        Share of the patients (images) in each.
    n_init : int
        Starts of each K-means.
    seed : int

    Returns
    -------
    float
        Mean pairwise adjusted Rand index: 1 for the same clusters every time, about 0 for
        unrelated ones. High stability does not make clusters meaningful: two clusters by
        brightness are very stable.

    Raises
    ------
    ValueError
        If there are fewer than 2 subsamples, or too few patients to draw them.
    """
    from sklearn.metrics import adjusted_rand_score

    if n_resamples < 2:
        raise ValueError(f"Stability compares at least 2 subsamples, not {n_resamples}.")
    features = np.asarray(features)
    n = len(features)
    if groups is not None and len(groups) != n:
        raise ValueError(
            f"There are {n} rows of features but {len(groups)} groups: give one for each image, "
            "in the same order."
        )
    _, group = np.unique(np.arange(n) if groups is None else groups, return_inverse=True)
    n_groups = group.max() + 1
    n_drawn = int(np.ceil(fraction * n_groups))
    if not 0 < fraction <= 1 or n_drawn < 2:
        raise ValueError(
            f"{fraction:.0%} of {n_groups} patients or images is too few to compare subsamples."
        )
    rng = np.random.default_rng(seed)
    found = np.full((n_resamples, n), -2)
    for i in range(n_resamples):
        drawn = np.isin(group, rng.choice(n_groups, n_drawn, replace=False))
        start = int(rng.integers(2**31))
        model = KMeans(n_clusters, n_init=n_init) if clusterer is None else clone(clusterer)
        if "random_state" in model.get_params():
            model.set_params(random_state=start)
        if clusterer is None and drawn.sum() < n_clusters:
            raise ValueError(
                f"A subsample has {drawn.sum()} images, too few for {n_clusters} clusters: try "
                "fewer clusters or a larger fraction."
            )
        found[i, drawn] = model.fit_predict(features[drawn])
    scores = []
    for i in range(n_resamples):
        for j in range(i):
            both = (found[i] != -2) & (found[j] != -2)
            if both.any():
                scores.append(adjusted_rand_score(found[i, both], found[j, both]))
    return float(np.mean(scores)) if scores else float("nan")


def rotated(features) -> np.ndarray:
    """Turn features onto their principal axes; all distances stay the same.

    K-means and silhouettes only see distances, so rows of 4,096 pixels of 400 images can be
    clustered as 400 numbers each.

    Parameters
    ----------
    features : array_like of float, shape (n, d)

    Returns
    -------
    ndarray, shape (n, min(n, d))
        Centred. In the dtype of the features, float32 or float64.
    """
    features = check_array(features, dtype=[np.float64, np.float32], ensure_min_samples=2)
    centre = features.mean(axis=0, dtype=np.float64).astype(features.dtype)
    n, d = features.shape
    from scipy.linalg import eigh

    if d > n:  # the same numbers from the small product
        rows = features - centre
        values, vectors = eigh((rows @ rows.T).astype(np.float64))
        turned = vectors * np.sqrt(np.maximum(values, 0))
        return np.ascontiguousarray(turned[:, ::-1], features.dtype)
    rows = features - centre
    _, vectors = eigh((rows.T @ rows).astype(np.float64))
    return rows @ np.ascontiguousarray(vectors[:, ::-1], features.dtype)


class _Silhouette:
    """Silhouettes of several clusterings of the same features, distances computed once."""

    def __init__(self, features: np.ndarray, max_images: int = 2000, seed: int = 0):
        from sklearn.metrics import pairwise_distances

        n = len(features)
        self.chosen = np.arange(n)
        if n > max_images:
            drawn = np.random.default_rng(seed).choice(n, max_images, replace=False)
            self.chosen = np.sort(drawn)
        sample = features[self.chosen]
        self.distances = pairwise_distances(sample) if len(sample) else None

    def __call__(self, clusters: np.ndarray) -> float:
        from sklearn.metrics import silhouette_score

        chosen = np.asarray(clusters)[self.chosen]
        if not 2 <= len(np.unique(chosen)) < len(chosen):
            return float("nan")
        return float(silhouette_score(self.distances, chosen, metric="precomputed"))


def _checked_ks(ks: Iterable[int], n: int) -> np.ndarray:
    ks = np.unique(np.asarray(list(ks), int))
    if len(ks) == 0 or ks[0] < 1 or ks[-1] >= n:
        raise ValueError(
            f"Numbers of clusters lie between 1 and {n - 1}, one less than the number of images; "
            f"these are {ks.tolist()}."
        )
    return ks
