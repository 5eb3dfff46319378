"""Whether a classifier that says "80 % sure" is right in 80 % of such cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from octlessons.evaluation import uncertainty
from octlessons.evaluation.classification import checked_probabilities, classes
from octlessons.evaluation.uncertainty import Interval, recentred, same_lengths
from octlessons.wording import Table, count, decimal


@dataclass(frozen=True, repr=False)
class Calibration(Table):
    """Confidence against accuracy, bin by bin.

    Attributes
    ----------
    edges : ndarray, shape (bins + 1,)
        Ends of the bins of confidence: the probability of the class that was called.
    counts : ndarray of int, shape (bins,)
        Images in each bin.
    confidence, accuracy : ndarray, shape (bins,)
        Mean confidence, and share of right answers, of each bin; NaN where there is no image.
    ece : Interval
        Expected calibration error: the mean gap between confidence and accuracy of the bins,
        weighted by images. It is above 0 even for a perfect classifier when images are few.
    brier : Interval
        Mean squared distance between the probabilities of all classes and the truth (1 for the
        true class, 0 for the others); 0 is best, 2 worst.
    overconfidence : Interval
        Mean confidence minus accuracy; above 0 the classifier is surer than it should be.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    ece: Interval
    brier: Interval
    overconfidence: Interval

    @property
    def n(self) -> int:
        """Number of images."""
        return int(self.counts.sum())

    _header = ("confidence", "images", "mean confidence", "right")

    def _caption(self) -> str:
        return count(self.n, "image")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (f"{low:.2f} to {high:.2f}", f"{n:,}", decimal(sure), decimal(right))
            for low, high, n, sure, right in zip(
                self.edges,
                self.edges[1:],
                self.counts,
                self.confidence,
                self.accuracy,
                strict=False,
            )
            if n
        ]

    def _note(self) -> str:
        return f"Calibration error {self.ece}, Brier score {self.brier}."


def calibration(
    labels,
    probabilities,
    bins: int = 10,
    *,
    groups=None,
    n_bootstrap: int = 500,
    random_state: int = 0,
) -> Calibration:
    """Compare how sure a classifier is with how often it is right.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        True classes, counted from 0.
    probabilities : array_like of float, shape (n, k)
        Probability of every class, as `predict_proba` gives it.
    bins : int
        Number of bins of equal width between 0 and 1.
    groups : array_like, shape (n,), optional
        Patient of each image.
    n_bootstrap, random_state
        As for `judge_classifier`.

    Raises
    ------
    ValueError
        If lengths differ, rows are no probabilities, or there is no bin.

    Examples
    --------
    >>> result = calibration([0, 0, 0, 1], [[0.75, 0.25]] * 4)
    >>> float(result.ece), float(result.brier)
    (0.0, 0.375)
    """
    labels = classes(labels, "labels")
    probabilities = checked_probabilities(probabilities)
    k = probabilities.shape[1]
    same_lengths(len(labels), **{"rows of probabilities": probabilities, "groups": groups})
    if labels.max() >= k:
        raise ValueError(f"Labels go up to {labels.max()}, but probabilities are of {k} classes.")
    if bins < 1:
        raise ValueError(f"Calibration needs at least 1 bin, not {bins}.")
    sure = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == labels).astype(float)
    squares = ((probabilities - np.eye(k)[labels]) ** 2).sum(axis=1)
    # A bin holds its upper end, so that confidence 1 lies in the last.
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    filled = np.where(counts, counts, np.nan)
    confidence = np.bincount(place, sure, minlength=bins) / filled
    accuracy = np.bincount(place, right, minlength=bins) / filled
    spans = _intervals(place, bins, sure - right, squares, groups, n_bootstrap, random_state)
    return Calibration(np.linspace(0, 1, bins + 1), counts, confidence, accuracy, *spans)


def _intervals(place, bins, gap, squares, groups, n_bootstrap: int, random_state):
    """Calibration error, Brier score and overconfidence, with the bootstrap by patient."""
    # For each patient: the gaps of each bin, images, and squared distances.
    gaps = np.eye(bins)[place] * gap[:, None]
    each = uncertainty.patient_sums(np.column_stack([gaps, np.ones(len(gap)), squares]), groups)

    def scores(sums):
        of = sums[:, bins]
        error = np.abs(sums[:, :bins]).sum(axis=1) / of
        return np.stack([error, sums[:, bins + 1] / of, sums[:, :bins].sum(axis=1) / of])

    estimate = scores(each.sum(axis=0)[None])[:, 0]
    rng = np.random.default_rng(random_state)
    values = scores(uncertainty.resampled_sums(each, n_bootstrap, rng))
    bounds = ((0, 1), (0, 2), (-1, 1))
    return [recentred(estimate[i], values[i], *bounds[i]) for i in range(3)]
