"""Shares and means of shares with intervals that small counts allow."""

from __future__ import annotations

import numpy as np

from octlessons.evaluation.uncertainty import Interval, patient_sums, same_lengths


def share(hits, groups=None, *, level: float = 0.95) -> Interval:
    """Share of images with something, and its interval.

    Wilson's interval (1927, doi:10.1080/01621459.1927.10502953), which has a width also for 3 of 3.
    Scans of one patient are no independent witnesses: the number of images is then replaced by
    the effective number (Korn & Graubard 1998, Survey Methodology 24:193), at most that of the
    images and, where all agree, that of the patients.

    Parameters
    ----------
    hits : array_like of bool, shape (n,)
    groups : array_like, shape (n,), optional
        Patient of each image.
    level : float
        Of the interval.

    Returns
    -------
    Interval
        NaN throughout for no images.

    Raises
    ------
    ValueError
        If lengths differ, or the level is none.

    Examples
    --------
    >>> print(share([True, True, True]))
    1.00 (0.44 to 1.00)
    """
    hits = np.asarray(hits, float)
    same_lengths(len(hits), groups=groups)
    if not 0 < level < 1:
        raise ValueError(f"`level` lies between 0 and 1, such as 0.95; it is {level}.")
    if len(hits) == 0:
        return Interval(np.nan, np.nan, np.nan, level)
    p = float(hits.mean())
    return wilson(p, _effective(hits, groups), level)


def wilson(p: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's interval of a share `p` of `n`, which need not be whole."""
    from scipy.stats import norm

    z = norm.ppf((1 + level) / 2)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low = 0.0 if p == 0 else max(0.0, middle - half)
    high = 1.0 if p == 1 else min(1.0, middle + half)
    return Interval(p, float(low), float(high), level)


def _effective(hits: np.ndarray, groups) -> float:
    """How many independent images these are worth."""
    if groups is None:
        return float(len(hits))
    n_patients = len(np.unique(groups))
    p = hits.mean()
    if p in (0.0, 1.0) or n_patients < 2:
        return float(n_patients)
    residuals = patient_sums(hits - p, groups)  # of a ratio, by linearisation
    variance = n_patients / (n_patients - 1) * np.sum(residuals**2) / len(hits) ** 2
    return float(np.clip(p * (1 - p) / max(variance, 1e-12), 1.0, len(hits)))


def mean_of_shares(shares, weights=None, *, level: float = 0.95) -> Interval:
    """Mean of independent shares, such as the recalls of the classes, and its interval.

    The intervals of the shares are put together as Zou & Donner (2008, doi:10.1002/sim.3095) do
    it ("MOVER"), so that the mean of 3 of 3 and 4 of 4 has a width, too.

    Parameters
    ----------
    shares : sequence of Interval
        As `share` gives them; those that are NaN are left out.
    weights : array_like of float, shape (number of shares,), optional
        How much each counts; all the same without.
    level : float
        That of the shares.

    Examples
    --------
    >>> print(mean_of_shares([share([1, 1, 1]), share([1, 0, 1, 0])]))
    0.75 (0.42 to 0.92)
    """
    weights = np.ones(len(shares)) if weights is None else np.asarray(weights, float)
    same_lengths(len(weights), shares=shares)
    pairs = zip(weights, shares, strict=True)
    known = [(w, s) for w, s in pairs if w > 0 and np.isfinite(s.estimate)]
    if not known:
        return Interval(np.nan, np.nan, np.nan, level)
    w, ends = np.array([w for w, _ in known]), [(s.estimate, s.low, s.high) for _, s in known]
    w, (each, lows, highs) = w / w.sum(), np.array(ends).T
    middle = float(w @ each)
    low = max(0.0, middle - np.linalg.norm(w * (each - lows)))
    high = min(1.0, middle + np.linalg.norm(w * (highs - each)))
    return Interval(middle, float(low), float(high), level)
