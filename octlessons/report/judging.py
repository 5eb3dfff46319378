"""What clusters follow, whether labels agree, and what is in a cluster, in measured words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from octlessons.evaluation import Agreement, Interval, agreement, nuisance, share
from octlessons.evaluation.nuisances import Nuisance
from octlessons.images import ImageSet
from octlessons.images.measurements import Measurements
from octlessons.wording import decimal, percent

#: Scans that are compared with what is known, and shuffles for a level of chance.
COMPARED, SHUFFLES = 20_000, 200
#: A measurement is named in a description if the cluster's median differs from that of all others
#: by this many of their standard deviations (from the interquartile range), and if the interval of
#: the difference, by patient, leaves half of it. A share is named if it differs by this much.
EFFECT, SHARE = 0.8, 0.3
#: Fewest patients (or scans, where patients are not known) of a cluster that is described.
FEWEST = 5
_RESAMPLES, _LEVEL = 400, 0.99
#: How a cluster with more and with less of a measurement is called.
WORDS = {
    "mean_thickness": ("the retina is {} thicker", "the retina is {} thinner"),
    "central_thickness": ("the centre is {} thicker", "the centre is {} thinner"),
    "pit_depth": ("the pit is {} deeper", "the pit is {} shallower"),
    "rpe_lift": ("the RPE is lifted {} more", "the RPE is lifted {} less"),
    "brightness": ("the retina is {} brighter", "the retina is {} darker"),
    "contrast": ("the contrast is {} higher", "the contrast is {} lower"),
    "outside": ("{} more of the picture is not scan", "{} less of the picture is not scan"),
    "tilt": ("the right side lies deeper by {}", "the left side lies deeper by {}"),
    "curvature": ("the retina is more curved by {}", "the retina is flatter by {}"),
    "position": ("the retina lies {} lower", "the retina lies {} higher"),
}
#: What a scan shows or does not: from this share of the retina on, in %, or this area in mm².
SHOWN = {
    "intraretinal_fluid": ("dark areas inside the retina", 0.4, 0.008),
    "subretinal_fluid": ("dark areas beneath the retina", 0.4, 0.008),
    "sub_rpe_material": ("material beneath the RPE", 0.8, 0.016),
    "subretinal_material": ("bright material above the RPE", 0.8, 0.016),
}


@dataclass(frozen=True)
class Stratum:
    """What is left of the agreement with the labels among scans that are alike in something.

    Attributes
    ----------
    what : str
        In what they are alike, such as "image size".
    overall, inside : float
        ARI of clusters and labels over all scans, and the mean over the strata, by their sizes.
    n : int
        Strata with two labels or more.
    """

    what: str
    overall: float
    inside: float
    n: int


@dataclass(frozen=True)
class Description:
    """A cluster in measured words.

    Attributes
    ----------
    words : tuple of str
        What holds by patient against all other scans, largest effect first; may be empty.
    too_few : bool
        Whether there are too few patients to say anything.
    """

    words: tuple[str, ...]
    too_few: bool


def followed(
    scans: ImageSet, clusters: np.ndarray, things: Mapping[str, np.ndarray], seed: int = 0
) -> Nuisance | None:
    """Compare clusters with all that is known of the scans; None where nothing is.

    Parameters
    ----------
    scans : ImageSet
        With labels, patients, sites and sizes, where known.
    clusters : ndarray of int, shape (n,)
    things : mapping of str to ndarray of str, shape (n,)
        What else is known, such as `octlessons.evaluation.things_known`.
    seed : int
    """
    which = _compared(len(scans), seed)
    scans, clusters = scans.subset(which), clusters[which]
    chosen = {name: np.asarray(values)[which] for name, values in things.items()}
    if scans.patients is not None and not scans.patients_repeat:
        scans = scans.replace(patients=None)  # one scan each: nothing to follow, nothing to shuffle
    facts = (scans.labels, scans.patients, scans.sites, scans.sizes)
    if not chosen and all(fact is None for fact in facts):
        return None
    return nuisance(scans, clusters, n_permutations=SHUFFLES, random_state=seed, **chosen)


def agreed(scans: ImageSet, clusters: np.ndarray, seed: int = 0) -> Agreement | None:
    """Agreement with the labels, with chance and intervals by patient; None without labels."""
    if scans.labels is None or len(np.unique(scans.labels)) < 2:
        return None
    which = _compared(len(scans), seed)
    groups = None if scans.patients is None else scans.patients[which]
    return agreement(
        scans.labels[which],
        clusters[which],
        groups=groups,
        class_names=scans.class_names,
        n_permutations=5 * SHUFFLES,
        n_bootstrap=5 * SHUFFLES,
        random_state=seed,
    )


def inside_strata(
    scans: ImageSet, clusters: np.ndarray, found: Nuisance, things: Mapping[str, np.ndarray]
) -> list[Stratum]:
    """What remains of the agreement with the labels where scans are alike in what clusters follow.

    Asked of everything but diagnosis and patient that clusters follow more than by chance.
    """
    from sklearn.metrics import adjusted_rand_score

    if scans.labels is None or len(np.unique(scans.labels)) < 2:
        return []
    known = {"site": scans.sites, **things}
    if scans.sizes is not None:
        known["image size"] = np.array([f"{h} × {w}" for h, w in scans.sizes])
    overall, strata = float(adjusted_rand_score(scans.labels, clusters)), []
    for row in found.rows:
        values = known.get(row.what)
        if values is None or not row.ami > row.chance.high:
            continue
        scores, sizes = [], []
        for value in np.unique(values):
            own = np.asarray(values) == value
            if len(np.unique(scans.labels[own])) > 1 and own.sum() > 2:
                scores.append(adjusted_rand_score(scans.labels[own], clusters[own]))
                sizes.append(own.sum())
        if scores:
            mean = float(np.average(scores, weights=sizes))
            strata.append(Stratum(row.what, overall, mean, len(scores)))
    return strata


def described(
    clusters: np.ndarray, measurements: Measurements, patients=None, seed: int = 0
) -> dict[int, Description]:
    """Say for each cluster what is measured in it and not in the others.

    Parameters
    ----------
    clusters : ndarray of int, shape (n,)
    measurements : Measurements
    patients : array_like, shape (n,), optional
    seed : int

    Returns
    -------
    dict of int to Description
        Effects are those of medians over patients. Nothing is said that does not hold by patient.
    """
    people = np.arange(len(clusters)) if patients is None else np.asarray(patients)
    _, people = np.unique(people, return_inverse=True)
    rng = np.random.default_rng(seed)
    found = {}
    for c in np.unique(clusters[clusters >= 0]).tolist():
        inside = clusters == c
        if len(np.unique(people[inside])) < FEWEST or len(np.unique(people[~inside])) < FEWEST:
            found[c] = Description((), True)
            continue
        said = [*_levels(inside, measurements, people, rng), *_shares(inside, measurements, people)]
        said.sort(key=lambda pair: -pair[0])
        found[c] = Description(tuple(words for _, words in said), False)
    return found


def _compared(n: int, seed: int) -> np.ndarray:
    if n <= COMPARED:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, COMPARED, replace=False))


def _levels(inside, measurements: Measurements, people, rng):
    """Effects and words of the measurements whose level differs."""
    for name, (more, less) in WORDS.items():
        values = np.asarray(measurements[name], float)
        known = np.isfinite(values)
        own = _by_person(values, people, known & inside)
        rest = _by_person(values, people, known & ~inside)
        if min(len(own), len(rest)) < FEWEST:
            continue
        low, high = np.quantile(rest, [0.25, 0.75])
        spread = max((high - low) / 1.349, 1e-9)
        difference = _difference(own, rest, rng)
        nearest = min(abs(difference.low), abs(difference.high))
        same_side = difference.low * difference.high > 0
        effect = abs(difference.estimate) / spread
        if same_side and effect >= EFFECT and nearest >= EFFECT / 2 * spread:
            words = more if difference.estimate > 0 else less
            yield effect, words.format(_amount(abs(difference.estimate), measurements.units[name]))


def _shares(inside, measurements: Measurements, people):
    """The same for what a scan shows or does not."""
    for name, (thing, of_retina, mm2) in SHOWN.items():
        values = np.asarray(measurements[name], float)
        known = np.isfinite(values)
        shows = values >= (mm2 if measurements.units[name] == "mm²" else of_retina)
        own = share(shows[known & inside], people[known & inside], level=_LEVEL)
        rest = share(shows[known & ~inside], people[known & ~inside], level=_LEVEL)
        difference = own.estimate - rest.estimate
        if abs(difference) >= SHARE and (own.low > rest.high or own.high < rest.low):
            words = (
                f"{thing} in {percent(own.estimate)} of the scans ({percent(rest.estimate)} of "
                "the others)"
            )
            yield abs(difference) * 3, words


def _by_person(values, people, which) -> np.ndarray:
    """Median of each person's scans."""
    values, people = values[which], people[which]
    order = np.lexsort((values, people))
    _, starts, sizes = np.unique(people[order], return_index=True, return_counts=True)
    values = values[order]
    return (values[starts + (sizes - 1) // 2] + values[starts + sizes // 2]) / 2


def _difference(own: np.ndarray, rest: np.ndarray, rng) -> Interval:
    """Difference of two medians, with the percentile interval of a bootstrap of persons."""
    drawn = []
    for values in (own, rest):
        some = values if len(values) <= 500 else rng.choice(values, 500, replace=False)
        picked = rng.integers(len(some), size=(_RESAMPLES, len(some)))
        spread = np.median(some[picked], axis=1) - np.median(some)
        drawn.append(spread * np.sqrt(len(some) / len(values)))
    estimate = float(np.median(own) - np.median(rest))
    tail = 50 * (1 - _LEVEL)
    low, high = np.percentile(estimate + drawn[0] - drawn[1], [tail, 100 - tail])
    return Interval(estimate, float(low), float(high), _LEVEL)


def _amount(value: float, unit: str) -> str:
    """A number with its unit, as a sentence says it."""
    number = decimal(value, 0 if value >= 10 else 1)
    return f"{number} {unit.replace('grey level', 'grey levels')}"
