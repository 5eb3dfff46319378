"""Rows to groups: how many, how sure, who is doubtful; at any number of scans.

What would grow with the square of the number of scans is done on a sample: the choice of the
number, the tree of agglomerative clustering, who stays with whom. Silhouettes of all scans are
estimated from distances to at most `PER_CLUSTER` scans of each cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import euclidean_distances
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestCentroid, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from octlessons.clustering import KChoice, choose_k
from octlessons.clustering.consensus import consensus
from octlessons.errors import OctlessonsError
from octlessons.wording import count, decimal, listing

CLUSTERERS = ("kmeans", "mixture", "agglomerative", "hdbscan")
#: Numbers of clusters that are tried.
TRIED = range(2, 11)
#: Scans on which a number is chosen, and on which who stays with whom is counted.
CHOSEN_ON, TOGETHER_ON = 2_000, 300
#: Scans of each cluster to which distances are taken for silhouettes.
PER_CLUSTER = 300
#: Scans of which a tree is grown; all others join the nearest mean of a cluster.
GROWN_ON = 5_000
#: Longer rows are shortened to this many principal components.
LONGEST_ROW = 128
#: A number stands out from this silhouette on (Kaufman & Rousseeuw 1990 call less "no substantial
#: structure") and if this much of the clusters stays when patients are left out.
STRUCTURE, STEADY = 0.25, 0.8
#: A scan is doubtful if its silhouette is below this.
DOUBTFUL = 0.0
#: Scans whose nearest neighbours are looked for, to say what is odd.
REFERENCE, NEAREST = 5_000, 5


@dataclass(frozen=True, repr=False)
class Grouping:
    """Groups of scans, and how sure they are.

    Attributes
    ----------
    clusters : ndarray of int, shape (n,)
        From 0, the largest first; −1 in no cluster.
    k : int
        Number of clusters.
    stands_out : bool or None
        Whether a number of clusters stands out; None where it was given or cannot be asked.
    why : str
        How the number came about, in words.
    choice : KChoice or None
        What every number scores, where one was chosen.
    silhouettes : ndarray of float, shape (n,)
        NaN for noise, and where there is one cluster.
    oddness : ndarray of float, shape (n,)
        Mean distance to the nearest scans of other patients, as a multiple of the usual.
    together : ndarray of float, shape (m, m)
        How often two scans of `sample` were in one cluster when patients were left out.
    sample : ndarray of int, shape (m,)
        Scans of `together`, in the order in which the matrix is drawn.
    held : ndarray of float, shape (k,)
        Mean of `together` within each cluster.
    model : Pipeline
        Fitted; `predict` puts other rows into the clusters. Its last step is a `Grouper`.
    """

    clusters: np.ndarray
    k: int
    stands_out: bool | None
    why: str
    choice: KChoice | None
    silhouettes: np.ndarray
    oddness: np.ndarray
    together: np.ndarray
    sample: np.ndarray
    held: np.ndarray
    model: Any

    @property
    def doubtful(self) -> np.ndarray:
        """Whether each scan lies nearer to another cluster than to its own, bool (n,)."""
        return self.silhouettes < DOUBTFUL


def group(
    rows: np.ndarray,
    *,
    clusterer: str = "kmeans",
    k: int | None = None,
    patients=None,
    seed: int = 0,
) -> Grouping:
    """Group scans by their rows.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
    clusterer : {"kmeans", "mixture", "agglomerative", "hdbscan"}
    k : int, optional
        Number of clusters; chosen where it is not given. HDBSCAN finds its own.
    patients : array_like, shape (n,), optional
    seed : int

    Returns
    -------
    Grouping

    Raises
    ------
    OctlessonsError
        If there are fewer different scans than clusters, or all are the same.
    """
    different = len(np.unique(rows, axis=0)) if len(rows) <= CHOSEN_ON else len(rows)
    if different < max(k or 0, 2):
        raise OctlessonsError(
            f"{count(different, 'different scan')} cannot be {count(k or 2, 'cluster')}: give more "
            "scans, or a smaller number of clusters."
        )
    shorten = _shortening(rows, seed)
    short = shorten.transform(rows)
    model, stands_out, why, choice = _model(short, clusterer, k, patients, seed)
    grouper = Grouper(model, grown_on=GROWN_ON, random_state=seed).fit(short, groups=patients)
    clusters = grouper.labels_
    sample, together, held = _together(short, clusters, model, patients, seed)
    return Grouping(
        clusters=clusters,
        k=int(clusters.max(initial=-1)) + 1,
        stands_out=stands_out,
        why=why,
        choice=choice,
        silhouettes=silhouettes(short, clusters, seed),
        oddness=grouper.oddness(short, patients),
        together=together,
        sample=sample,
        held=held,
        model=make_pipeline(shorten, grouper),
    )


def _shortening(rows: np.ndarray, seed: int):
    """Long rows become principal components, fitted on some of them; short ones stay."""
    if rows.shape[1] <= LONGEST_ROW:
        return FunctionTransformer().fit(rows[:2])
    some = rows[_some(len(rows), CHOSEN_ON, seed)]
    return PCA(min(LONGEST_ROW, len(some)), svd_solver="full").fit(some)


def _some(n: int, most: int, seed: int) -> np.ndarray:
    """At most so many of n, in order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _model(short, clusterer: str, k: int | None, patients, seed: int):
    """An estimator that is not fitted, whether its number stands out, why, and all scores."""
    if clusterer not in CLUSTERERS:
        raise OctlessonsError(
            f"There is no clusterer {clusterer!r}: choose {listing(CLUSTERERS, 'or')}."
        )
    if clusterer == "hdbscan":
        smallest = max(5, len(short) // 100)
        why = f"HDBSCAN finds its own number; a cluster has {smallest} scans or more"
        return HDBSCAN(min_cluster_size=smallest, copy=True), None, why, None
    stands_out, why, choice = None, "the number was given", None
    if k is None:
        k, stands_out, why, choice = choose_number(short, patients, seed)
    model = {
        "kmeans": KMeans(k, n_init=10, random_state=seed),
        "mixture": GaussianMixture(
            k, covariance_type="diag", n_init=5, reg_covar=1e-5, random_state=seed
        ),
        "agglomerative": AgglomerativeClustering(k, linkage="ward"),
    }[clusterer]
    return model, stands_out, why, choice


def choose_number(short, patients, seed: int) -> tuple[int, bool, str, KChoice]:
    """Choose a number of clusters, and say whether it deserves the name.

    A number stands out if the gap statistic prefers it or another to one cluster, the silhouette
    shows structure, and the clusters stay when patients are left out. The number is that of the
    highest silhouette. Where none stands out it is the steadiest from 3 on: something to look
    through the scans with.

    Returns
    -------
    k : int
    stands_out : bool
    why : str
    choice : KChoice
    """
    some = _some(len(short), CHOSEN_ON, seed)
    groups = None if patients is None else np.asarray(patients)[some]
    who = "scans" if patients is None else "patients"
    n_units = len(some) if groups is None else len(np.unique(groups))
    tried = [k for k in TRIED if k < min(len(some), n_units) // 2] or [2]
    choice = choose_k(short[some], tried, groups=groups, n_init=10, random_state=seed)
    best = choice.best_by("silhouette")
    at = list(choice.ks).index(best) if best in choice.ks else 0
    grown = choice.best_by("gap") > 1
    score, steady = float(choice.silhouette[at]), float(choice.stability[at])
    if grown and score >= STRUCTURE and steady >= STEADY:
        return (
            best,
            True,
            (
                f"{best} has the highest mean silhouette ({decimal(score)}); with a fifth of the "
                f"{who} left out, the clusters agree by ARI {decimal(steady)}, and the gap "
                "statistic does not prefer one cluster"
            ),
            choice,
        )
    reasons = [
        *(["the gap statistic prefers one cluster"] if not grown else []),
        *([f"the best mean silhouette is {decimal(score)}"] if not score >= STRUCTURE else []),
        *([f"with {who} left out the clusters agree by ARI {decimal(steady)} only"]
          if not steady >= STEADY else []),
    ]  # fmt: skip
    later = [i for i, k in enumerate(choice.ks) if k >= 3 and np.isfinite(choice.stability[i])]
    k = int(choice.ks[max(later, key=lambda i: choice.stability[i])]) if later else best
    return max(k, 2), False, listing(reasons), choice


class Grouper(ClusterMixin, BaseEstimator):
    """A clusterer whose clusters are numbered by size and that takes in other rows later.

    Parameters
    ----------
    model : estimator
        K-means and Gaussian mixtures are fitted on all rows. What cannot predict is fitted on
        `grown_on` rows at most, and all rows join the cluster with the nearest mean.
    grown_on : int
    random_state : int

    Attributes
    ----------
    labels_ : ndarray of int, shape (n,)
        The largest cluster is 0; −1 for noise.
    model_ : estimator
        With `predict`.
    numbers_ : ndarray of int
        New number of each number of `model_`.
    reference_, people_ : ndarray of float, shape (m, d); ndarray of str, shape (m,), or None
        Rows that `oddness` compares with, and their patients.
    usual_ : float
        Median distance from a scan to its nearest others.
    """

    def __init__(self, model, grown_on=GROWN_ON, random_state=0):
        self.model = model
        self.grown_on = grown_on
        self.random_state = random_state

    def fit(self, X, y=None, *, groups=None):
        """Fit to rows, (n, d), of the patients `groups`, (n,)."""
        X = np.asarray(X)
        model = clone(self.model)
        if hasattr(model, "predict"):
            found = np.asarray(model.fit_predict(X))
        else:
            some = _some(len(X), self.grown_on, self.random_state)
            grown = np.asarray(model.fit_predict(X[some]))
            if not (grown >= 0).any():  # HDBSCAN, on one cloud
                grown = np.zeros(len(some), int)
            model = NearestCentroid().fit(X[some[grown >= 0]], grown[grown >= 0])
            found = model.predict(X)
            found[some] = grown
        sizes = np.bincount(found[found >= 0])
        self.numbers_ = np.empty(len(sizes), int)
        self.numbers_[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
        self.model_ = model
        self.labels_ = np.where(found >= 0, self.numbers_[found], -1)
        some = _some(len(X), REFERENCE, self.random_state)
        people = None if groups is None else np.asarray(groups).astype(str)
        self.reference_, self.people_ = X[some], None if people is None else people[some]
        tried = _some(len(X), CHOSEN_ON, 0)
        self.usual_ = 1.0
        usual = np.median(self.oddness(X[tried], None if people is None else people[tried]))
        self.usual_ = float(usual) or 1.0
        return self

    def predict(self, X):
        """Put rows into the clusters, int (n,)."""
        return self.numbers_[np.asarray(self.model_.predict(np.asarray(X)))]

    def oddness(self, X, groups=None) -> np.ndarray:
        """Mean distance to the nearest rows of other patients, as a multiple of the usual; (n,).

        Rows of the fit are compared with. One at distance 0 is the scan itself, or a copy, and does
        not count. Without `groups`, (n,), patients are not told apart.
        """
        own = 0 if groups is None or self.people_ is None else _most_scans(self.people_)
        near = min(NEAREST + 20 + own, len(self.reference_))
        finder = NearestNeighbors(n_neighbors=near, algorithm="brute").fit(self.reference_)
        distances, which = finder.kneighbors(np.asarray(X))
        distances = np.where(distances > 1e-5, distances, np.nan)
        if own:
            same = self.people_[which] == np.asarray(groups).astype(str)[:, None]
            distances[same] = np.nan
        order = np.sort(distances, axis=1)[:, :NEAREST]  # NaN last
        known = np.isfinite(order).any(axis=1)
        mean = np.zeros(len(order))
        mean[known] = np.nanmean(order[known], axis=1)
        return mean / self.usual_


def _most_scans(people: np.ndarray) -> int:
    """Scans of the patient who has most, 200 at most."""
    return min(200, int(np.unique(people, return_counts=True)[1].max()))


def silhouettes(short: np.ndarray, clusters: np.ndarray, seed: int = 0) -> np.ndarray:
    """Silhouette of each scan, estimated from some scans of each cluster.

    Exact where no cluster has more than `PER_CLUSTER` scans.

    Returns
    -------
    ndarray of float, shape (n,)
        NaN for noise and where there are fewer than two clusters; 0 for a cluster of one scan.
    """
    present = np.unique(clusters[clusters >= 0])
    if len(present) < 2:
        return np.full(len(short), np.nan)
    rng, X = np.random.default_rng(seed), np.asarray(short, np.float64)
    drawn = {}
    for c in present:
        own = np.flatnonzero(clusters == c)
        drawn[c] = np.sort(rng.choice(own, min(len(own), PER_CLUSTER), replace=False))
    mean = np.empty((len(X), len(present)))
    for start in range(0, len(X), 2_000):
        block = np.arange(start, min(start + 2_000, len(X)))
        for j, c in enumerate(present):
            distances = euclidean_distances(X[block], X[drawn[c]])
            itself = block[:, None] == drawn[c]
            n = np.maximum(len(drawn[c]) - itself.sum(axis=1), 1)
            mean[block, j] = np.where(itself, 0, distances).sum(axis=1) / n
    own = np.searchsorted(present, clusters)
    own[clusters < 0] = 0
    a = mean[np.arange(len(X)), own]
    mean[np.arange(len(X)), own] = np.inf
    b = mean.min(axis=1)
    single = np.bincount(own, minlength=len(present))[own] == 1
    found = np.where(single, 0.0, (b - a) / np.maximum(np.maximum(a, b), 1e-12))
    return np.where(clusters >= 0, found, np.nan)


def _together(short, clusters, model, patients, seed: int):
    """Who stays with whom, on some scans, in the order of the clusters."""
    kept = np.flatnonzero(clusters >= 0)
    sample = kept[_some(len(kept), TOGETHER_ON, seed)]
    groups = None if patients is None else np.asarray(patients)[sample]
    units = len(sample) if groups is None else len(np.unique(groups))
    k = int(clusters.max(initial=-1)) + 1
    if units < 4 or k < 2 or len(sample) < 2 * k + 2:
        return sample, np.full((len(sample),) * 2, np.nan), np.full(max(k, 0), np.nan)
    found = consensus(
        short[sample], clusterer=model, groups=groups, n_resamples=25, random_state=seed
    )
    own = clusters[sample]
    each = found.held(own)
    held = np.array(
        [np.nanmean(each[own == c]) if (own == c).sum() > 1 else np.nan for c in range(k)]
    )
    order = found.order(own)
    return sample[order], found.together[np.ix_(order, order)], held
