"""Intervals by bootstrap and levels of chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from octlessons.wording import decimal


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval of its bootstrap.

    Attributes
    ----------
    estimate, low, high : float
        The value on all images, and the ends of the interval.
    level : float
        Confidence level, such as 0.95.
    """

    estimate: float
    low: float
    high: float
    level: float = 0.95

    def __float__(self) -> float:
        return float(self.estimate)

    def __contains__(self, value: float) -> bool:
        return bool(self.low <= value <= self.high)

    def __str__(self) -> str:
        return f"{decimal(self.estimate)} ({decimal(self.low)} to {decimal(self.high)})"


@dataclass(frozen=True)
class Chance:
    """What the same clusters score when the labels are shuffled.

    Attributes
    ----------
    mean : float
        Mean over the shuffles.
    low, high : float
        Range that holds 95 % of them.
    n_permutations : int
        Number of shuffles.
    """

    mean: float
    low: float
    high: float
    n_permutations: int = 0

    def __float__(self) -> float:
        return float(self.mean)

    def __str__(self) -> str:
        return f"{decimal(self.mean)} ({decimal(self.low)} to {decimal(self.high)})"


def bootstrap(
    statistic: Callable[..., float],
    *arrays,
    groups=None,
    n: int = 1000,
    level: float = 0.95,
    random_state: int = 0,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """Bootstrap a statistic, drawing whole patients.

    The interval is the percentile interval, shifted so that the median of the resamples falls on
    the estimate: a resample holds copies of the same images, and statistics that count pairs,
    such as ARI, rise with copies.

    Parameters
    ----------
    statistic : callable
        ``statistic(*arrays)`` → float; NaN is left out.
    *arrays : array_like, first axis n
        Resampled together.
    groups : array_like, shape (n,), optional
        Patient of each image; every image is drawn on its own when this is not given.
    n : int
        Resamples.
    level, random_state
        Of the interval, and of the draws.
    bounds : (float, float)
        Smallest and largest value the statistic can have; the interval is cut there.

    Raises
    ------
    ValueError
        If lengths differ or there is nothing to resample.

    Examples
    --------
    >>> interval = bootstrap(np.mean, np.arange(100.0), n=200)
    >>> interval.low < 49.5 < interval.high
    True
    """
    columns = [np.asarray(array) for array in arrays]
    if not columns or any(array.ndim == 0 for array in columns) or not len(columns[0]):
        raise ValueError("The bootstrap needs at least one array with at least one entry.")
    size = len(columns[0])
    same_lengths(size, **{f"array {i}": a for i, a in enumerate(columns)}, groups=groups)
    estimate = float(statistic(*columns))
    rng = np.random.default_rng(random_state)
    _, code = np.unique(np.arange(size) if groups is None else groups, return_inverse=True)
    order = np.argsort(code, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(code))[:-1])
    values = np.empty(n)
    for i in range(n):
        index = np.concatenate([members[g] for g in rng.integers(len(members), size=len(members))])
        values[i] = statistic(*(array[index] for array in columns))
    return recentred(estimate, values, *bounds, level)


def student_margin(values, level: float = 0.95, weight: float | None = None):
    """Half the width of Student's interval for the mean of values, along the first axis.

    Parameters
    ----------
    values : array_like of float, shape (n, ...)
    level : float
        Confidence level.
    weight : float, optional
        Variance of the mean, in variances of one value: 1 / n for independent values, which is
        the default.

    Returns
    -------
    ndarray of float, shape (...)
    """
    from scipy.stats import t

    values = np.asarray(values, float)
    n = len(values)
    weight = 1 / n if weight is None else weight
    return t.ppf((1 + level) / 2, n - 1) * values.std(axis=0, ddof=1) * np.sqrt(weight)


def mean_interval(values, level: float = 0.95) -> Interval:
    """Mean of independent values, such as one for each draw, with Student's interval.

    Parameters
    ----------
    values : array_like of float, shape (n,)
    level : float
        Confidence level.

    Examples
    --------
    >>> print(mean_interval([0.1, 0.2, 0.3, 0.2]))
    .20 (.07 to .33)
    """
    middle, margin = float(np.mean(values)), float(student_margin(values, level))
    return Interval(middle, middle - margin, middle + margin, level)


def span(interval: Interval | None) -> str:
    """The ends of an interval as tables show them; a dash for none."""
    return "–" if interval is None else f"{decimal(interval.low)} to {decimal(interval.high)}"


def chance_of(value: float, shuffled: np.ndarray) -> tuple[Chance, float]:
    """The level of chance, and the share of shuffles that reach the value."""
    low, high = np.percentile(shuffled, [2.5, 97.5])
    p_value = (1 + np.sum(shuffled >= value - 1e-12)) / (1 + len(shuffled))
    return Chance(float(shuffled.mean()), float(low), float(high), len(shuffled)), float(p_value)


def recentred(
    estimate: float, values: np.ndarray, lowest: float, highest: float, level: float = 0.95
) -> Interval:
    """Percentile interval of resampled values, moved so that its median lies on the estimate."""
    if not 0 < level < 1:
        raise ValueError(f"`level` lies between 0 and 1, such as 0.95; it is {level}.")
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if len(values) == 0 or not np.isfinite(estimate):
        return Interval(float(estimate), np.nan, np.nan, level)
    tail = 50 * (1 - level)
    low, middle, high = np.percentile(values, [tail, 50, 100 - tail])
    shift = estimate - middle
    low, high = np.clip([low + shift, high + shift], lowest, highest)
    return Interval(float(estimate), float(low), float(high), level)


def same_lengths(n: int, **arrays) -> None:
    """A sentence where an array does not have one entry for each image."""
    for name, array in arrays.items():
        if array is not None and len(array) != n:
            raise ValueError(
                f"There are {n} images but {len(array)} {name}: give one for each image, in the "
                "same order."
            )


def patient_sums(values: np.ndarray, groups) -> np.ndarray:
    """Rows of numbers, one for each image, summed over each patient (as they are where unknown)."""
    if groups is None:
        return values
    _, group = np.unique(groups, return_inverse=True)
    sums = np.zeros((group.max() + 1, *values.shape[1:]))
    np.add.at(sums, group, values)
    return sums


def resampled_sums(each: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Sums of the rows `each`, one for each patient, over n resamples of patients, shape (n, d)."""
    size = len(each)
    share = np.full(size, 1 / size)
    block = max(1, 4_000_000 // size)  # weights that are in memory at once
    drawn = [rng.multinomial(size, share, min(block, n - i)) @ each for i in range(0, n, block)]
    return np.concatenate([np.empty((0, each.shape[1])), *drawn])
