"""Choosing the number of clusters.

Thin over scikit-learn. Nothing here looks at labels: how clusters agree with a diagnosis is asked
in `octlessons.evaluation`, afterwards.
"""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_array

from octlessons.wording import Table, decimal, listing

#: Ways to choose a number of clusters, as `KChoice.best_by` knows them.
CRITERIA = ("elbow", "silhouette", "gap", "stability")


@dataclass(frozen=True, repr=False)
class KChoice(Table):
    """What each number of clusters scores. No labels are involved.

    Attributes
    ----------
    ks : ndarray of int
        Numbers of clusters tried. Where there are fewer different images than clusters, K-means
        cannot find that many: all scores of such a number are NaN, and nothing chooses it.
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
    clusters : dict of int → ndarray of int
        The clusters of each k that was found, numbered by size: 0 is the largest.
    """

    ks: np.ndarray
    inertia: np.ndarray
    silhouette: np.ndarray
    gap: np.ndarray
    gap_error: np.ndarray
    stability: np.ndarray
    gap_one: tuple[float, float]
    clusters: dict[int, np.ndarray] = field(default_factory=dict, compare=False)

    _header = ("k", "inertia", "silhouette", "gap", "stability")

    @property
    def not_found(self) -> list[int]:
        """Numbers of clusters that K-means could not find."""
        return self.ks[np.isnan(self.inertia)].tolist()

    def _curve(self, criterion: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers, scores and errors by which a criterion goes, where they were computed."""
        if criterion not in CRITERIA:
            raise ValueError(f"`criterion` is one of {', '.join(CRITERIA)}, not {criterion!r}.")
        ks, values = self.ks, self.inertia if criterion == "elbow" else getattr(self, criterion)
        errors = self.gap_error if criterion == "gap" else np.zeros(len(ks))
        if criterion == "gap" and ks[0] != 1:
            ks, values = np.append(1, ks), np.append(self.gap_one[0], values)
            errors = np.append(self.gap_one[1], errors)
        known = np.isfinite(values)
        return ks[known], values[known], errors[known]

    def best_by(self, criterion: str) -> int:
        """Return the k that a criterion chooses.

        Parameters
        ----------
        criterion : {"elbow", "silhouette", "gap", "stability"}
            Bend of the inertia (`elbow`); highest silhouette; the 1-standard-error rule of the
            gap, which may answer 1; highest stability. Of equal ones the largest k.

        Returns
        -------
        int
            Never one of `not_found`. The silhouette answers 1 where no k above was found.

        Raises
        ------
        ValueError
            If the criterion is unknown or was left out, or there are too few numbers for an elbow.
        """
        ks, values, errors = self._curve(criterion)
        if criterion == "elbow":
            return elbow(ks, values)
        if len(ks) == 0:
            if criterion == "silhouette":
                return 1
            raise ValueError(
                f"The {criterion} was left out, or no number of clusters was found to try it on: "
                "call choose_k with n_references of 1 or more, n_resamples of 2 or more, and "
                "numbers of clusters from 2."
            )
        if criterion == "gap":  # Tibshirani: the smallest k that the next one does not beat
            beaten = values[:-1] < values[1:] - errors[1:]
            return int(ks[np.argmin(np.append(beaten, False))])
        return int(ks[np.flatnonzero(values >= values.max() - 1e-9)[-1]])

    @property
    def choices(self) -> dict[str, int]:
        """The k of every criterion that was computed; an elbow needs three numbers."""
        chosen = {}
        for criterion in CRITERIA:
            with contextlib.suppress(ValueError):
                chosen[criterion] = self.best_by(criterion)
        return chosen

    def _caption(self) -> str:
        return "Numbers of clusters"

    def _cells(self) -> list[tuple[str, ...]]:
        columns = zip(self.ks, self.inertia, self.silhouette, self.gap, self.stability, strict=True)
        return [
            (f"{k}", f"{i:,.4g}" if i == i else "–", *(decimal(value, 3) for value in others))
            for k, i, *others in columns
        ]

    def _note(self) -> str:
        chosen = ", ".join(f"{name} {k}" for name, k in self.choices.items())
        if self.not_found:
            chosen += f"; not found, as there are fewer different images: {listing(self.not_found)}"
        return f"chosen k: {chosen}"


def choose_k(
    features,
    ks: Iterable[int] = range(2, 9),
    *,
    groups=None,
    n_references: int = 10,
    n_resamples: int = 10,
    n_init: int = 10,
    random_state: int = 0,
) -> KChoice:
    """Try several numbers of clusters with K-means, by all four criteria.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    ks : iterable of int
        Numbers of clusters, between 1 and n - 1.
    groups : array_like, shape (n,), optional
        Patient of each image; stability then leaves out whole patients.
    n_references, n_resamples : int
        Reference sets of the gap statistic and subsamples for the stability. 0 leaves them out.
    n_init, random_state : int
        Of each K-means.

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
    turned = rotated(features)
    ks = _checked_ks(ks, len(turned))
    scores = {name: np.full(len(ks), np.nan) for name in ("inertia", "silhouette", "stability")}
    judged = _Silhouette(turned, random_state=random_state)
    options, clusters = {"n_init": n_init, "random_state": random_state}, {}
    # Counted before the rotation, which can turn copies into neighbours.
    found = ks <= len(np.unique(np.asarray(features), axis=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer clusters: `not_found` tells
        for i in np.flatnonzero(found):
            k, fit = int(ks[i]), KMeans(int(ks[i]), **options).fit(turned)
            found[i] = len(np.unique(fit.labels_)) == k
            if found[i]:
                clusters[k] = by_size(fit.labels_)
                scores["inertia"][i], scores["silhouette"][i] = fit.inertia_, judged(fit.labels_)
            if found[i] and k > 1 and n_resamples > 1:
                scores["stability"][i] = stability(
                    turned, k, groups=groups, n_resamples=n_resamples, **options
                )
        one, gap, error = _gap(turned, ks, found, n_references, options)
    return KChoice(ks=ks, **scores, gap=gap, gap_error=error, gap_one=one, clusters=clusters)


def elbow(ks: Sequence[int] | np.ndarray, inertia: Sequence[float] | np.ndarray) -> int:
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


def silhouette(features, clusters, *, max_images: int = 2000, random_state: int = 0) -> float:
    """Mean silhouette of a clustering, on a sample where there are many images.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    clusters : array_like of int, shape (n,)
        Noise (−1) is left out.
    max_images : int
        With more, a random sample of this many is judged; distances grow with its square.
    random_state : int

    Returns
    -------
    float
        In −1…1; NaN if fewer than two clusters (or only single images) are left to judge.

    Raises
    ------
    ValueError
        If lengths differ.
    """
    features, clusters = np.asarray(features), np.asarray(clusters)
    if len(features) != len(clusters):
        raise ValueError(
            f"There are {len(features)} rows of features but {len(clusters)} clusters: give one "
            "for each image, in the same order."
        )
    kept = np.flatnonzero(clusters != -1)
    return _Silhouette(features[kept], max_images, random_state)(clusters[kept])


def stability(
    features,
    n_clusters: int = 4,
    *,
    clusterer: Any | None = None,
    groups=None,
    n_resamples: int = 10,
    fraction: float = 0.8,
    n_init: int = 10,
    random_state: int = 0,
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
    n_init, random_state : int

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
    model = KMeans(n_clusters, n_init=n_init) if clusterer is None else clusterer
    drawn = subsampled(features, model, groups, n_resamples, fraction, random_state)
    return _mean_agreement(drawn)


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
    from scipy.linalg import eigh

    features = check_array(features, dtype=[np.float64, np.float32], ensure_min_samples=2)
    n, d = features.shape
    rows = features - features.mean(axis=0, dtype=np.float64).astype(features.dtype)
    if d > n:  # the same numbers from the small product
        values, vectors = eigh((rows @ rows.T).astype(np.float64))
        turned = vectors * np.sqrt(np.maximum(values, 0))
        return np.ascontiguousarray(turned[:, ::-1], features.dtype)
    _, vectors = eigh((rows.T @ rows).astype(np.float64))
    return rows @ np.ascontiguousarray(vectors[:, ::-1], features.dtype)


def by_size(clusters) -> np.ndarray:
    """Number clusters by their size, 0 for the largest; of equal ones the earlier number first.

    Parameters
    ----------
    clusters : array_like of int, shape (n,)
        Noise (−1) stays noise.

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> by_size([3, 3, 0, 7, 7, 7, -1])
    array([ 1,  1,  2,  0,  0,  0, -1])
    """
    clusters = np.asarray(clusters)
    present, code, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    order = np.argsort(np.where(present < 0, np.inf, -sizes), kind="stable")
    numbers = np.argsort(order, kind="stable")
    return np.where(clusters < 0, clusters, numbers[code])


class _Silhouette:
    """Silhouettes of several clusterings of the same features, distances computed once."""

    def __init__(self, features: np.ndarray, max_images: int = 2000, random_state: int = 0):
        from sklearn.metrics import pairwise_distances

        n = len(features)
        self.chosen = np.arange(n)
        if n > max_images:
            drawn = np.random.default_rng(random_state).choice(n, max_images, replace=False)
            self.chosen = np.sort(drawn)
        sample = features[self.chosen]
        self.distances = pairwise_distances(sample) if len(sample) else None

    def __call__(self, clusters: np.ndarray) -> float:
        from sklearn.metrics import silhouette_score

        chosen = np.asarray(clusters)[self.chosen]
        if not 2 <= len(np.unique(chosen)) < len(chosen):
            return float("nan")
        return float(silhouette_score(self.distances, chosen, metric="precomputed"))


def _gap(rows: np.ndarray, ks: np.ndarray, found: np.ndarray, n_references: int, options: dict):
    """(Gap, error) at k = 1, the gap of every k, and its error; NaN where not found.

    The references are uniform in the box around the data, aligned with their principal axes
    (variant b of the paper): `rows` are rotated already. The error holds the simulation error,
    sd · √(1 + 1 / references).
    """
    gap, error = np.full(len(ks), np.nan), np.full(len(ks), np.nan)
    if n_references < 1:
        return (np.nan, np.nan), gap, error
    tried = np.unique(np.append(1, ks[found]))
    rng = np.random.default_rng(options["random_state"])
    low, high = rows.min(axis=0), rows.max(axis=0)

    def log_inertia(rows: np.ndarray) -> np.ndarray:
        fits = (KMeans(int(k), **options).fit(rows) for k in tried)
        return np.log([max(fit.inertia_, np.finfo(float).tiny) for fit in fits])

    references = np.stack([
        log_inertia(rng.uniform(low, high, size=rows.shape).astype(rows.dtype))
        for _ in range(n_references)
    ])  # fmt: skip
    gaps = references.mean(axis=0) - log_inertia(rows)
    errors = references.std(axis=0) * np.sqrt(1 + 1 / n_references)
    at = np.searchsorted(tried, ks[found])
    gap[found], error[found] = gaps[at], errors[at]
    return (float(gaps[0]), float(errors[0])), gap, error


def subsampled(features, clusterer, groups, n_resamples, fraction, random_state) -> np.ndarray:
    """Clusters of each subsample, shape (n_resamples, n); −2 for images that were left out."""
    features = np.asarray(features)
    n = len(features)
    if n_resamples < 2:
        raise ValueError(f"Stability compares at least 2 subsamples, not {n_resamples}.")
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
    rng = np.random.default_rng(random_state)
    found = np.full((n_resamples, n), -2)
    needed = clusterer.n_clusters if isinstance(clusterer, KMeans) else 1
    for clusters in found:
        drawn, start = (
            np.isin(group, rng.choice(n_groups, n_drawn, replace=False)),
            rng.integers(2**31),
        )
        if drawn.sum() < needed:
            raise ValueError(
                f"A subsample has {drawn.sum()} images, too few for {needed} clusters: try "
                "fewer clusters or a larger fraction."
            )
        model = clone(clusterer)
        if "random_state" in model.get_params():
            model.set_params(random_state=int(start))
        clusters[drawn] = model.fit_predict(features[drawn])
    return found


def _mean_agreement(found: np.ndarray) -> float:
    """Mean adjusted Rand index of every two clusterings, on the images of both (−2: not drawn)."""
    from sklearn.metrics import adjusted_rand_score

    scores = [
        adjusted_rand_score(a[both], b[both])
        for a, b in itertools.combinations(found, 2)
        if (both := (a != -2) & (b != -2)).any()
    ]
    return float(np.mean(scores)) if scores else float("nan")


def _checked_ks(ks: Iterable[int], n: int) -> np.ndarray:
    ks = np.unique(np.asarray(list(ks), int))
    if len(ks) == 0 or ks[0] < 1 or ks[-1] >= n:
        raise ValueError(
            f"Numbers of clusters lie between 1 and {n - 1}, one less than the number of images; "
            f"these are {ks.tolist()}."
        )
    return ks
