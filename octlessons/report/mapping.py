"""All scans on a plane, for looking; and how far the plane can be trusted.

t-SNE places up to `LANDMARKS` scans; every other scan lies between those that are nearest to it in
the representation. Clusters are never found on the map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

#: Scans that t-SNE places, neighbours that place another, and neighbours that trust is asked of.
LANDMARKS, PLACED_BY, TRUSTED = 3_000, 5, 15


@dataclass(frozen=True)
class Map:
    """Places of all scans.

    Attributes
    ----------
    places : ndarray of float32, shape (n, 2)
        In 0…1.
    kept : float
        Share of the nearest neighbours in the representation that are among the nearest on the
        map, on a sample; by chance it is `chance`.
    chance : float
    how : str
        In words.
    """

    places: np.ndarray
    kept: float
    chance: float
    how: str


def make_map(rows: np.ndarray, seed: int = 0) -> Map:
    """Place scans by their rows.

    Parameters
    ----------
    rows : ndarray of float, shape (n, d)
    seed : int

    Returns
    -------
    Map
        By principal components where there are fewer than 10 scans.
    """
    rows = np.asarray(rows, np.float64)
    n, rng = len(rows), np.random.default_rng(seed)
    if n < 10:
        places = PCA(min(2, n, rows.shape[1])).fit_transform(rows)
        places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
        return Map(
            _scaled(places), float("nan"), float("nan"), "the first two principal components"
        )
    marks = np.arange(n)
    if n > LANDMARKS:
        marks = np.sort(rng.choice(n, LANDMARKS, replace=False))
    start = PCA(2, random_state=seed).fit_transform(rows[marks])
    start = 1e-4 * start / max(start[:, 0].std(), 1e-12)
    tsne = TSNE(perplexity=min(30, (len(marks) - 1) / 3), init=start, random_state=seed)
    of_marks = tsne.fit_transform(rows[marks])
    places = _between(rows, rows[marks], of_marks) if n > LANDMARKS else of_marks
    if n > LANDMARKS:
        places[marks] = of_marks
    kept, chance = _trust(rows, places, rng)
    how = "t-SNE" if n <= LANDMARKS else f"t-SNE of {LANDMARKS:,} scans, the others between them"
    return Map(_scaled(places), kept, chance, how)


def _between(rows: np.ndarray, marks: np.ndarray, places: np.ndarray) -> np.ndarray:
    finder = NearestNeighbors(n_neighbors=PLACED_BY, algorithm="brute").fit(marks)
    distances, nearest = finder.kneighbors(rows)
    weight = 1 / np.maximum(distances, 1e-9) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    return np.einsum("nk,nkd->nd", weight, places[nearest])


def _trust(rows: np.ndarray, places: np.ndarray, rng) -> tuple[float, float]:
    """Share of neighbours kept, of some scans among some scans."""
    n = len(rows)
    some = np.arange(n) if n <= 5_000 else np.sort(rng.choice(n, 5_000, replace=False))
    k = min(TRUSTED, len(some) - 1)
    near = []
    for space in (rows[some], places[some]):
        finder = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(space)
        near.append(finder.kneighbors(return_distance=False))
    kept = np.mean([len(np.intersect1d(a, b)) for a, b in zip(*near, strict=True)]) / k
    return float(kept), k / (len(some) - 1)


def _scaled(places: np.ndarray) -> np.ndarray:
    low, high = places.min(axis=0), places.max(axis=0)
    return ((places - low) / max((high - low).max(), 1e-12)).astype(np.float32)
