"""What clusters follow besides the diagnosis: patient, site, size, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from octlessons.evaluation import contingency_table as tables
from octlessons.evaluation.contingency_table import Pair
from octlessons.evaluation.uncertainty import Chance, chance_of, same_lengths
from octlessons.images import ImageSet
from octlessons.wording import Rows, decimal, p_value, percent


@dataclass(frozen=True)
class NuisanceRow:
    """Agreement of clusters with one thing known about the images.

    Attributes
    ----------
    what : str
        "diagnosis", "patient", "site", "image size", or the name given.
    n, n_values : int
        Images judged, and different values among them.
    ari, ami : float
        As in `Agreement`; NaN where there is only one value, or every image has its own.
    chance : Chance
        AMI with the values shuffled.
    p_value : float
        Share of shuffles with at least this AMI.
    together : float
        Share of the pairs of images with the same value that are in the same cluster.
    apart : float
        Share of the pairs with different values that are in the same cluster.
    """

    what: str
    n: int
    n_values: int
    ari: float
    ami: float
    chance: Chance
    p_value: float
    together: float
    apart: float


@dataclass(frozen=True, repr=False)
class Nuisance(Rows):
    """What clusters follow.

    Attributes
    ----------
    rows : tuple of NuisanceRow
        One for each thing known about the images.
    """

    rows: tuple[NuisanceRow, ...]

    _header = (
        "clusters and", "values", "AMI", "AMI by chance (95 %)", "p", "ARI",
        "same value: same cluster", "different value: same cluster",
    )  # fmt: skip

    def _caption(self) -> str:
        return "What the clusters follow"

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                *(row.what, f"{row.n_values:,}", decimal(row.ami)),
                str(row.chance) if np.isfinite(row.ami) else "–",
                *(p_value(row.p_value), decimal(row.ari)),
                *(percent(row.together), percent(row.apart)),
            )
            for row in self.rows
        ]


def nuisance(
    images,
    clusters,
    *,
    noise: str = "keep",
    n_permutations: int = 500,
    random_state: int = 0,
    **more,
) -> Nuisance:
    """Compare clusters with everything known about the images, wanted or not.

    If clusters agree better with the site, the patient or the image size than with the
    diagnosis, it is the scanner that was clustered.

    Parameters
    ----------
    images : ImageSet
        Its labels, patients, sites and sizes (as acquired) are used, where known.
    clusters : array_like of int, shape (n,)
    noise, n_permutations, random_state
        As for `agreement`. Labels, sites and sizes are shuffled between patients where known.
    **more : array_like, shape (n,)
        Further things to compare with, by name, such as ``wedge=has_wedge``.

    Returns
    -------
    Nuisance
        Diagnosis, patient, site, image size, then `more`.

    Raises
    ------
    ValueError
        If lengths differ, or nothing is known about the images.
    TypeError
        If what comes first is not an `ImageSet`.
    """
    if not isinstance(images, ImageSet):
        raise TypeError(f"nuisance() takes an ImageSet, then clusters; not {type(images)} first.")
    sizes = images.sizes
    known: dict[str, Any] = {
        "diagnosis": images.labels,
        "patient": images.patients,
        "site": images.sites,
        "image size": None if sizes is None else [f"{h} × {w}" for h, w in np.asarray(sizes)],
        **{name.replace("_", " "): values for name, values in more.items()},
    }
    known = {name: values for name, values in known.items() if values is not None}
    if not known:
        raise ValueError(
            "Nothing is known about these images besides their pixels: pass something by name, "
            "such as wedge=array."
        )
    rows = []
    for name, values in known.items():
        groups = None if name == "patient" else images.patients
        pair = Pair.of(values, clusters, groups, noise, what=name)
        rows.append(_nuisance_row(name, pair, n_permutations, np.random.default_rng(random_state)))
    return Nuisance(tuple(rows))


def share_explained(values, groups) -> float:
    """Share of the variance of some values that lies between groups, not within them.

    Known as the correlation ratio η² (Pearson 1905); for one value it is R² of a regression on the
    groups. Groups that were made from the values explain some of them even if there is nothing to
    explain, and so do many groups of few: compare with shuffled ones.

    Parameters
    ----------
    values : array_like of float, shape (n,) or (n, d)
        With several columns, such as pixels, their variances are added up. Rows with NaN are left
        out.
    groups : array_like, shape (n,)

    Returns
    -------
    float
        0 where all groups have the same mean, 1 where each holds one value only; 0 where there is
        no variance.

    Raises
    ------
    ValueError
        If lengths differ, or no row is known.

    Examples
    --------
    >>> share_explained([5, 5, 9, 9], ["a", "a", "b", "b"])
    1.0
    """
    values, groups = np.asarray(values, float), np.asarray(groups)
    same_lengths(len(values), groups=groups)
    rows = values.reshape(len(values), -1)
    known = np.isfinite(rows).all(axis=1)
    if not known.any():
        raise ValueError("Not one value is known, so there is no variance to explain.")
    _, group = np.unique(groups[known], return_inverse=True)
    away = rows[known] - rows[known].mean(axis=0)
    total = (away**2).sum()
    means = [away[group == g].mean(axis=0) for g in range(group.max() + 1)]
    between = (np.bincount(group)[:, None] * np.square(means)).sum()
    return float(between / total) if total > 0 else 0.0


def _nuisance_row(name: str, pair: Pair, n_permutations: int, rng) -> NuisanceRow:
    from sklearn.metrics.cluster import pair_confusion_matrix

    table = pair.table()
    n_values = int((table.sum(axis=0) > 0).sum())
    (none, mixed), (split, both) = pair_confusion_matrix(pair.label, pair.cluster)
    together = both / (split + both) if split + both else np.nan
    apart = mixed / (none + mixed) if none + mixed else np.nan
    if 1 < n_values < pair.n:
        ari, ami = float(tables.adjusted_rand(table[None])[0]), tables.adjusted_information(table)
        expected = tables.expected_information(table)  # shuffling keeps the margins
        shuffled = tables.shuffled_tables(pair, n_permutations, rng)
        by_chance = np.array([tables.adjusted_information(t, expected) for t in shuffled])
        chance, p_value = chance_of(ami, by_chance)
    else:
        ari = ami = p_value = np.nan
        chance = Chance(np.nan, np.nan, np.nan)
    pairs = float(together), float(apart)
    return NuisanceRow(name, pair.n, n_values, ari, ami, chance, p_value, *pairs)
