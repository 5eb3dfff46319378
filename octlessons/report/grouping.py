"""Rows to groups: how many, how sure, who is doubtful; at any number of scans.

What would grow with the square of the number of scans is done on a sample: the choice of the
number, the tree of agglomerative clustering, who stays with whom. Silhouettes of all scans are
estimated from distances to at most `PER_CLUSTER` scans of each cluster.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestCentroid, NearestNeighbors

from octlessons._files import write_atomically
from octlessons.clustering import KChoice, choose_k, consensus
from octlessons.clustering.choosing import rotated
from octlessons.errors import OctlessonsError, first_line
from octlessons.wording import decimal

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
    model : _Grouper
        Fitted; `predict` puts other rows into the clusters.
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
    n_different = len(np.unique(rows[:, : min(8, rows.shape[1])].round(6), axis=0))
    wanted = k or 2
    if n_different < wanted:
        raise OctlessonsError(
            f"There are {n_different} different scans, too few for {wanted} clusters: give more "
            "scans, or a smaller --k."
            if n_different > 1
            else "All scans look the same to this representation, so there is nothing to group."
        )
    shortened = Shortened(seed=seed).fit(rows)
    short = shortened.transform(rows)
    k, stands_out, why, choice = _number(short, clusterer, k, patients, seed)
    model = _Grouper(clusterer, k, seed).fit(short)
    clusters = model.labels_
    k = int(clusters.max(initial=-1)) + 1
    sample, together, held = _together(short, clusters, clusterer, k, patients, seed)
    return Grouping(
        clusters=clusters,
        k=k,
        stands_out=stands_out,
        why=why,
        choice=choice,
        silhouettes=silhouettes(short, clusters, seed=seed),
        oddness=_oddness(short, patients, seed),
        together=together,
        sample=sample,
        held=held,
        model=Fitted(shortened, model, short, seed),
    )
