"""Scans that are there twice, or nearly: of one patient, and across patients."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

#: Near-copies differ in so many of the 64 bits of their outline, and their small pictures by so
#: many grey levels on average.
BITS, GREY = 6, 6.0
#: Outlines are compared in bands: two that differ in `BITS` bits agree in one band of this many.
BANDS = BITS + 1


@dataclass(frozen=True)
class Copies:
    """Pairs of scans that look the same.

    Attributes
    ----------
    pairs : ndarray of int, shape (m, 2)
        In order; of scans that are there more than twice, each with the first.
    exact : ndarray of bool, shape (m,)
        Whether all pixels are the same.
    same_patient : ndarray of bool, shape (m,), or None
        None where patients are not known.
    """

    pairs: np.ndarray
    exact: np.ndarray
    same_patient: np.ndarray | None

    def __len__(self) -> int:
        return len(self.pairs)


def copies(pixels, outlines, pictures, patients=None) -> Copies:
    """Find scans that are there twice.

    Parameters
    ----------
    pixels : ndarray of uint64, shape (n,)
        Hash of all pixels.
    outlines : ndarray of uint64, shape (n,)
        64 bits each, of which near-copies share nearly all.
    pictures : ndarray of uint8, shape (n, h, w)
    patients : array_like, shape (n,), optional

    Returns
    -------
    Copies
        Near-copies are candidates by their outline whose pictures agree as well.
    """
    first: dict[int, int] = {}
    exact = [(first[p], i) for i, p in enumerate(pixels.tolist()) if first.setdefault(p, i) != i]
    single = np.array(sorted(first.values()), int)
    near = sorted(_near(outlines[single], pictures[single]))
    pairs = [*exact, *((int(single[a]), int(single[b])) for a, b in near)]
    found = np.array(pairs, int).reshape(-1, 2)
    people = None if patients is None else np.asarray(patients)
    return Copies(
        found,
        np.arange(len(found)) < len(exact),
        None if people is None else people[found[:, 0]] == people[found[:, 1]],
    )


def _near(outlines: np.ndarray, pictures: np.ndarray) -> set[tuple[int, int]]:
    """Pairs whose outlines differ in `BITS` bits at most, and whose pictures agree."""
    bits = np.unpackbits(outlines.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    found: set[tuple[int, int]] = set()
    edges = np.linspace(0, 64, BANDS + 1).astype(int)
    for start, stop in itertools.pairwise(edges):
        weights = 1 << np.arange(stop - start)
        band = bits[:, start:stop] @ weights
        order = np.argsort(band, kind="stable")
        for own in np.split(order, np.flatnonzero(np.diff(band[order])) + 1):
            found.update(_alike(own, bits, pictures))
    return found


def _alike(own: np.ndarray, bits: np.ndarray, pictures: np.ndarray):
    """Pairs among some scans, block by block: a band may hold many."""
    if len(own) < 2:
        return
    own = np.sort(own)
    some = bits[own].astype(np.float32)
    sums = some.sum(axis=1)
    for start in range(0, len(own), 1_000):
        block = slice(start, start + 1_000)
        apart = sums[block, None] + sums - 2 * some[block] @ some.T
        a, b = np.nonzero(apart <= BITS + 0.5)
        for i, j in zip((a + start).tolist(), b.tolist(), strict=True):
            if i < j:
                p, q = pictures[own[i]].astype(np.int16), pictures[own[j]].astype(np.int16)
                if np.abs(p - q).mean() <= GREY:
                    yield int(own[i]), int(own[j])
