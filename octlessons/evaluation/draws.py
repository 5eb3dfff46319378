"""One experiment on several draws of patients: how far a result moves with who was scanned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from octlessons.evaluation.uncertainty import Interval, student_margin
from octlessons.images import ImageSet
from octlessons.images.splits import held_out
from octlessons.wording import count

#: Seeds of new draws begin here, so that no page uses them for anything else.
FIRST_SEED = 5_000


@dataclass(frozen=True)
class Draws:
    """Results of one experiment on several draws of patients.

    Attributes
    ----------
    values : ndarray of float, shape (draws,) or (draws, k)
        One result, or k of them, for each draw.
    interval : Interval or tuple of k Interval
        For what the experiment gives in general.
    how : str
        Where the draws come from: "8 new draws" or "20 halves of the patients".
    """

    values: np.ndarray
    interval: Interval | tuple[Interval, ...]
    how: str


def several_draws(
    images: ImageSet,
    statistic: Callable[[ImageSet], float | tuple[float, ...]],
    n: int | None = None,
    *,
    level: float = 0.95,
    random_state: int = 0,
) -> Draws:
    """Repeat an experiment on other patients.

    Phantoms are drawn anew, as many of each class as before: the interval is that of Student's t
    for the mean over the draws. Of any other images there are no others, so the experiment is
    repeated on halves of the patients: the standard deviation over halves is the jackknife's
    estimate of the standard error on all of them (Shao & Wu 1989, doi:10.1214/aos/1176347263), and
    the interval stands around the result on all. Unlike a bootstrap, a half holds no image twice,
    so that images can be clustered again.

    Parameters
    ----------
    images : ImageSet
        As it was loaded: new phantoms are drawn at its size, and nothing is done to them but
        what `statistic` does.
    statistic : callable
        ``statistic(images)`` → float or k floats. Everything that is fitted or chosen is fitted
        and chosen inside. For a comparison let it return the difference.
    n : int, optional
        Draws: by default 8 new ones, or 20 halves.
    level, random_state
        Of the intervals, and of the draws.

    Returns
    -------
    Draws

    Raises
    ------
    ValueError
        If `n` is below 3, or there are fewer than 4 patients to take halves of.

    Examples
    --------
    >>> scans = ImageSet(np.zeros((8, 9, 9), np.uint8), np.arange(8) % 2)
    >>> several_draws(scans, lambda images: len(images), n=5).values
    array([4., 4., 4., 4., 4.])
    """
    new = images.provenance.name == "phantoms" and images.labels is not None
    n = (8 if new else 20) if n is None else n
    if n < 3:
        raise ValueError(f"Fewer than 3 draws give no interval: `n` is {n}.")
    draws = _new_draws(images, n, random_state) if new else _halves(images, n, random_state)
    values = np.array([statistic(drawn) for drawn in draws], float)
    centre = values.mean(axis=0) if new else np.asarray(statistic(images), float)
    margin = student_margin(values, level, weight=1 / n if new else 1)
    found = [
        Interval(float(c), float(c - m), float(c + m), level)
        for c, m in zip(np.atleast_1d(centre), np.atleast_1d(margin), strict=True)
    ]
    how = count(n, "new draw") if new else f"{n} halves of the {_who(images)}"
    return Draws(values, found[0] if values.ndim == 1 else tuple(found), how)


def _who(images: ImageSet) -> str:
    return "scans" if images.patients is None else "patients"


def _new_draws(images: ImageSet, n: int, random_state: int):
    from octlessons.images.phantoms import draw_phantoms

    counts = images.counts()
    classes = [name for name, size in counts.items() if size]
    scanner = "cropped" if "scanner cropped" in str(images.provenance.notes) else "spectralis"
    for i in range(n):
        seed = FIRST_SEED + 100 * random_state + i
        drawn = draw_phantoms(
            n_per_class=max(counts.values()),
            size=images.shape[1],
            classes=classes,
            scanner=scanner,
            seed=seed,
        )
        of_class = {c: np.flatnonzero(drawn.labels == drawn.class_names.index(c)) for c in classes}
        kept = [of_class[c][: counts[c]] for c in classes]
        yield drawn.subset(np.sort(np.concatenate(kept)))


def _halves(images: ImageSet, n: int, random_state: int):
    groups = np.arange(len(images)) if images.patients is None else images.patients
    if len(np.unique(groups)) < 4:
        raise ValueError("Halves need at least 4 patients (or scans, where patients are unknown).")
    for i in range(n):
        rng = np.random.default_rng([random_state, i])
        yield images.subset(held_out(groups, images.labels, 0.5, rng))
