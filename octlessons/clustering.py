"""Choosing the number of clusters, clustering what does not fit in memory, methods side by side.

Thin over scikit-learn. Nothing here looks at labels: how clusters agree with a diagnosis is asked
in `octlessons.evaluation`, afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin, clone
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted

from octlessons.tables import html_table, text_table
from octlessons.wording import decimal

#: Ways to choose a number of clusters, as `KScan.best_by` knows them.
CRITERIA = ("elbow", "silhouette", "gap", "stability")


@dataclass(frozen=True)
class KScan:
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


def scan_k(
    features,
    ks: Iterable[int] = range(2, 9),
    *,
    groups=None,
    n_references: int = 10,
    n_resamples: int = 10,
    n_init: int = 3,
    seed: int = 0,
) -> KScan:
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
    KScan

    Raises
    ------
    ValueError
        If `ks` is empty or has a number that the images do not allow.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> blobs = np.concatenate([rng.normal(c, 0.3, size=(40, 2)) for c in ([0, 0], [4, 0], [2, 3])])
    >>> scan_k(blobs, range(2, 6)).choices
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
    return KScan(ks, inertia, widths, gap, gap_error, steady, one, groups is not None)


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


# ---------------------------------------------------------------------- out of core


class OutOfCoreKMeans(TransformerMixin, ClusterMixin, BaseEstimator):
    """Mini-batch K-means over images that are read and represented one batch at a time.

    Never more than `init_size` rows of features, or one batch of images, are in memory,
    however many images there are.

    Parameters
    ----------
    n_clusters : int, default 4
        Number of clusters.
    representation : transformer, optional
        Turns a batch of images into rows of features. A fitted one is used as it is; another is
        fitted on the images drawn for the start. None means that `fit` is given rows of features
        (an array or a memory map).
    batch_size : int, default 1024
        Images per batch; in `fit` at least as many as clusters.
    n_epochs : int, default 3
        Times that all images are seen, in another random order each time.
    n_init : int, default 5
        Starts of the K-means on the first sample.
    init_size : int, optional
        Number of images, drawn at random, on which the start is found; 3 × `batch_size` when
        None.
    random_state : int, RandomState or None, default 0

    Attributes
    ----------
    cluster_centers_ : ndarray, shape (n_clusters, d)
    labels_ : ndarray of int32, shape (n,)
        Cluster of each image of the fit.
    inertia_ : float
        Sum of squared distances to the centres, over all images.
    representation_ : transformer or None
        The fitted representation.
    n_features_in_ : int
        Number of features, after the representation.

    Notes
    -----
    The start is an ordinary K-means on the sample; `sklearn.cluster.MiniBatchKMeans` then moves
    the centres, batch by batch. Reading everything ``n_epochs + 1`` times is the price of flat
    memory.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = np.concatenate([rng.normal(c, 0.3, size=(500, 2)) for c in (0, 4, 8)])
    >>> model = OutOfCoreKMeans(3, batch_size=128).fit(rows)
    >>> sorted(np.bincount(model.labels_).tolist())
    [500, 500, 500]
    """

    def __init__(
        self,
        n_clusters=4,
        *,
        representation=None,
        batch_size=1024,
        n_epochs=3,
        n_init=5,
        init_size=None,
        random_state=0,
    ):
        self.n_clusters = n_clusters
        self.representation = representation
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.n_init = n_init
        self.init_size = init_size
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        if self.representation is not None:
            tags.input_tags.two_d_array = False
            tags.input_tags.three_d_array = True
        return tags

    def fit(self, images, y=None):
        """Find the centres.

        Parameters
        ----------
        images : ImageSet, array or list of images; or array of features, shape (n, d)
            Images if there is a representation, features if not. Only ``len(images)`` and
            ``images[array of indices]`` are used (a list may hold images of any size).
        y : None
            Ignored.

        Returns
        -------
        OutOfCoreKMeans
            Itself.

        Raises
        ------
        ValueError
            If parameters are out of range or there are fewer images than clusters.
        """
        for name in ("n_clusters", "batch_size", "n_epochs", "n_init"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"`{name}` is a whole number of at least 1, not {value!r}.")
        images = self._source(images)
        n = len(images)
        if n < self.n_clusters:
            raise ValueError(
                f"There are n_samples={n} images, too few for n_clusters={self.n_clusters}."
            )
        random = check_random_state(self.random_state)
        wanted = 3 * self.batch_size if self.init_size is None else self.init_size
        size = min(n, max(wanted, self.n_clusters))
        first = _take(images, np.sort(random.permutation(n)[:size]))
        self.representation_ = self._fitted_representation(first)
        rows = self._rows(first)
        self.n_features_in_ = rows.shape[1]
        start = KMeans(self.n_clusters, n_init=self.n_init, random_state=random).fit(rows)
        del first, rows
        model = MiniBatchKMeans(
            self.n_clusters, init=start.cluster_centers_, n_init=1, random_state=random
        )
        for _ in range(self.n_epochs):
            order = random.permutation(n)
            for batch in self._batches(n, smallest=self.n_clusters):
                # In the order of the files: disks like it, and the result does not mind.
                model.partial_fit(self._rows(_take(images, np.sort(order[batch]))))
        self.cluster_centers_ = model.cluster_centers_
        self.labels_ = np.empty(n, np.int32)
        self.inertia_ = 0.0
        for batch in self._batches(n):
            near, distance = self._nearest(self._rows(_take(images, np.arange(n)[batch])))
            self.labels_[batch] = near
            self.inertia_ += float(np.sum(distance.astype(np.float64) ** 2))
        return self

    def predict(self, images):
        """Return the nearest centre of each image, batch by batch.

        Parameters
        ----------
        images : as for `fit`

        Returns
        -------
        ndarray of int32, shape (n,)
        """
        images = self._source(images, reset=False)
        parts = [
            self._nearest(self._rows(_take(images, np.arange(len(images))[batch])))[0]
            for batch in self._batches(len(images))
        ]
        return np.concatenate(parts).astype(np.int32)

    def transform(self, images):
        """Return the distance of each image to each centre, batch by batch.

        Parameters
        ----------
        images : as for `fit`

        Returns
        -------
        ndarray of float, shape (n, n_clusters)
        """
        from sklearn.metrics import euclidean_distances

        images = self._source(images, reset=False)
        return np.concatenate(
            [
                euclidean_distances(
                    self._rows(_take(images, np.arange(len(images))[batch])), self.cluster_centers_
                )
                for batch in self._batches(len(images))
            ]
        )

    def get_feature_names_out(self, input_features=None):
        """Name the distances: ``outofcorekmeans0`` and so on."""
        check_is_fitted(self)
        return np.asarray([f"outofcorekmeans{i}" for i in range(self.n_clusters)], dtype=object)

    # ------------------------------------------------------------------ inside

    def _source(self, images, reset: bool = True):
        if not reset:
            check_is_fitted(self)
        if self.representation is not None:
            from octlessons.representations.pixels import as_images

            # The set itself, for representations that use what else it knows.
            as_images(images)
            return images
        from sklearn.utils.validation import validate_data

        return validate_data(
            self, images, dtype=[np.float64, np.float32], accept_large_sparse=False, reset=reset
        )

    def _fitted_representation(self, sample):
        if self.representation is None:
            return None
        from sklearn.exceptions import NotFittedError

        try:
            check_is_fitted(self.representation)
        except NotFittedError:
            return clone(self.representation).fit(sample)
        return self.representation

    def _rows(self, images) -> np.ndarray:
        if self.representation is None:
            return images
        return check_array(self.representation_.transform(images), dtype=[np.float64, np.float32])

    def _batches(self, n: int, smallest: int = 1) -> list[slice]:
        starts = list(range(0, n, max(self.batch_size, smallest)))
        if len(starts) > 1 and n - starts[-1] < smallest:
            starts.pop()  # the last few join the batch before
        return [slice(a, b) for a, b in zip(starts, [*starts[1:], n], strict=True)]

    def _nearest(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.metrics import pairwise_distances_argmin_min

        return pairwise_distances_argmin_min(rows, self.cluster_centers_)


# ---------------------------------------------------------------------- methods side by side


@dataclass(frozen=True)
class Clustering:
    """What one method found.

    Attributes
    ----------
    clusters : ndarray of int, shape (n,)
        −1 for noise.
    seconds : float
        Time of `fit_predict`.
    megabytes : float
        Peak memory that it took for arrays, besides the features (tracemalloc).
    """

    clusters: np.ndarray = field(repr=False)
    seconds: float
    megabytes: float

    @property
    def sizes(self) -> list[int]:
        """Sizes of the clusters, largest first, without noise."""
        return sorted(np.bincount(self.clusters[self.clusters >= 0]).tolist(), reverse=True)

    @property
    def n_clusters(self) -> int:
        """Number of clusters, without noise."""
        return len(np.unique(self.clusters[self.clusters >= 0]))

    @property
    def n_noise(self) -> int:
        """Number of images in no cluster."""
        return int(np.sum(self.clusters < 0))


def clusterers(n_clusters: int = 4, *, seed: int = 0) -> dict[str, Any]:
    """The methods that chapter 5 compares, ready to fit.

    Parameters
    ----------
    n_clusters : int
        For the methods that want to be told; HDBSCAN does not.
    seed : int

    Returns
    -------
    dict of str → estimator
        K-means, Gaussian mixture, spectral, agglomerative and HDBSCAN.
    """
    from sklearn.cluster import HDBSCAN, AgglomerativeClustering, SpectralClustering
    from sklearn.mixture import GaussianMixture

    return {
        "K-means": KMeans(n_clusters, n_init=10, random_state=seed),
        "Gaussian mixture": GaussianMixture(
            n_clusters, covariance_type="diag", n_init=5, reg_covar=1e-5, random_state=seed
        ),
        "Spectral": SpectralClustering(
            n_clusters, affinity="nearest_neighbors", n_neighbors=15, random_state=seed
        ),
        "Agglomerative": AgglomerativeClustering(n_clusters, linkage="ward"),
        "HDBSCAN": HDBSCAN(min_cluster_size=10, copy=True),
    }


def run_clusterers(features, methods: Mapping[str, Any]) -> dict[str, Clustering]:
    """Run methods on the same features, one after the other, with time and memory.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    methods : mapping of str → estimator
        Anything with `fit_predict`; copies are fitted.

    Returns
    -------
    dict of str → Clustering
        In the order of `methods`.
    """
    import tracemalloc
    import warnings

    features = np.asarray(features)
    found = {}
    for name, method in methods.items():
        params = method.get_params()
        model = clone(method)
        for key in ("n_neighbors", "min_cluster_size"):  # small sets must not fail
            if params.get(key) and params[key] >= len(features):
                model.set_params(**{key: max(2, len(features) // 2)})
        tracing = tracemalloc.is_tracing()
        if not tracing:
            tracemalloc.start()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        began = time.perf_counter()
        with warnings.catch_warnings():
            # A neighbour graph in several pieces is a finding, not a fault.
            warnings.filterwarnings("ignore", message="Graph is not fully connected")
            clusters = np.asarray(model.fit_predict(features))
        seconds = time.perf_counter() - began
        peak = (tracemalloc.get_traced_memory()[1] - before) / 1e6
        if not tracing:
            tracemalloc.stop()
        found[name] = Clustering(clusters, seconds, max(peak, 0.0))
    return found


# ---------------------------------------------------------------------- inside


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


def _take(images, index: np.ndarray):
    """Some of the images, whatever holds them."""
    if isinstance(images, list | tuple):
        return [images[i] for i in index]
    return images[index]
