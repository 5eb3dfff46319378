"""What a leak adds to a score, measured on many splits, with true and with shuffled labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from octlessons.evaluation.uncertainty import Interval, same_lengths, span, student_margin
from octlessons.wording import Rows, decimal


@dataclass(frozen=True)
class Leak:
    """One way of leaking, against the honest way.

    Attributes
    ----------
    name, measure : str
        What was done, and the score: ``"balanced accuracy"``, ``"accuracy"`` or ``"ARI"``.
    honest, leaked : float
        Mean scores over the splits.
    gap : Interval
        Leaked minus honest, with an interval for other splits of other patients.
    shuffled_honest, shuffled_leaked : float
        Mean scores where patients have swapped their labels at random: what is left of the
        difference was made of nothing.
    gaps : ndarray, shape (n_splits,)
        Leaked minus honest, split by split.
    """

    name: str
    measure: str
    honest: float
    leaked: float
    gap: Interval
    shuffled_honest: float
    shuffled_leaked: float
    gaps: np.ndarray

    @property
    def from_nothing(self) -> float:
        """Leaked minus honest with shuffled labels."""
        return self.shuffled_leaked - self.shuffled_honest

    def __str__(self) -> str:
        low, high = decimal(self.gap.low), decimal(self.gap.high)
        return (
            f"{self.name}: honest {decimal(self.honest)}, leaked {decimal(self.leaked)} "
            f"({self.measure}), difference {decimal(self.gap.estimate)} ({low} to {high}); "
            f"labels shuffled, honest {decimal(self.shuffled_honest)} and leaked "
            f"{decimal(self.shuffled_leaked)}"
        )


@dataclass(frozen=True, repr=False)
class Leaks(Rows):
    """Several leaks, one in each row.

    Attributes
    ----------
    rows : tuple of Leak
    """

    rows: tuple[Leak, ...]

    _header = (
        "mistake", "score", "honest", "leaked", "difference", "95 % interval",
        "honest, shuffled", "leaked, shuffled",
    )  # fmt: skip

    def _caption(self) -> str:
        return "What each mistake adds"

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                *(row.name, row.measure, decimal(row.honest), decimal(row.leaked)),
                *(decimal(row.gap.estimate), span(row.gap)),
                *(decimal(row.shuffled_honest), decimal(row.shuffled_leaked)),
            )
            for row in self.rows
        ]


def study_leak(
    name: str,
    leak: Callable[[np.ndarray, int], tuple[float, float]],
    labels,
    patients=None,
    *,
    measure: str = "balanced accuracy",
    test_share: float = 0.25,
    n_splits: int = 20,
) -> Leak:
    """Score an honest and a leaking way on many splits, with true and with shuffled labels.

    The splits reuse the same images, so the standard error has a second term (Nadeau & Bengio,
    Machine Learning 52:239, 2003): variance of the gaps × (1 / n_splits + test / training).

    Parameters
    ----------
    name, measure : str
        What leaks, and what the score is called.
    leak : callable
        ``leak(labels, seed)`` → (honest score, leaked score) on the split of that seed.
    labels : array_like of int, shape (n,)
    patients : array_like, shape (n,), optional
        Labels are shuffled between them; without, between images.
    test_share : float
        Share of the images that is tested, above 0 and below 1.
    n_splits : int
        Splits, at least 2: seeds 0 … n_splits - 1.

    Raises
    ------
    ValueError
        If lengths differ, or the share or the number of splits is out of range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = study_leak("best of 9", lambda y, seed: (0.5, rng.random(9).max()), [0, 1] * 9)
    >>> bool(found.gap.low > 0)
    True
    """
    labels = np.asarray(labels)
    if not 0 < test_share < 1 or n_splits < 2:
        said = "`test_share` lies between 0 and 1 and `n_splits` is at least 2; they are "
        raise ValueError(f"{said}{test_share} and {n_splits}.")
    same_lengths(len(labels), patients=patients)
    true = np.array([leak(labels, seed) for seed in range(n_splits)], float)
    false = [leak(swapped(labels, patients, seed), seed) for seed in range(n_splits)]
    gaps = true[:, 1] - true[:, 0]
    honest, leaked = true.mean(axis=0).tolist()
    kept, made = np.mean(false, axis=0).tolist()
    gap = _corrected(gaps, test_share / (1 - test_share), 1 - honest)
    return Leak(name, measure, honest, leaked, gap, kept, made, gaps)


def _corrected(gaps: np.ndarray, ratio: float, most: float) -> Interval:
    """Mean and 95 % t-interval of gaps of overlapping splits; no score exceeds 1."""
    mean = float(gaps.mean())
    reach = float(student_margin(gaps, weight=1 / len(gaps) + ratio))
    return Interval(mean, mean - reach, min(mean + reach, max(mean, float(most))))


def swapped(labels, patients=None, seed: int = 0) -> np.ndarray:
    """Labels after patients have swapped them at random.

    Parameters
    ----------
    labels : array_like, shape (n,)
    patients : array_like, shape (n,), optional
        Every image is its own without.
    seed : int

    Returns
    -------
    ndarray, shape (n,)
        A patient's images all get the first label of another patient.

    Raises
    ------
    ValueError
        If lengths differ.

    Examples
    --------
    >>> swapped([0, 0, 1], ["a", "a", "b"], seed=1).tolist() in ([0, 0, 1], [1, 1, 0])
    True
    """
    labels = np.asarray(labels)
    same_lengths(len(labels), patients=patients)
    whose = np.arange(len(labels)) if patients is None else patients
    _, first, number = np.unique(whose, return_index=True, return_inverse=True)
    return np.random.default_rng(seed).permutation(labels[first])[number]


def split_rows(labels, patients=None, seed: int = 0, parts: int = 4) -> tuple:
    """Numbers of the training rows and of the test rows, one of `parts` equal parts.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Every class is spread over both sides as evenly as can be.
    patients : array_like, shape (n,), optional
        All images of a patient are on one side; every image is its own without.
    seed : int
    parts : int
        At least 2; fewer where the smallest class has fewer images.

    Returns
    -------
    train, test : ndarray of int

    Raises
    ------
    ValueError
        If there are fewer than two parts, or a class has a single image.

    Examples
    --------
    >>> train, test = split_rows([0, 0, 0, 0, 1, 1, 1, 1], seed=0)
    >>> len(train), len(test)
    (6, 2)
    """
    from sklearn.model_selection import StratifiedGroupKFold

    labels = np.asarray(labels)
    same_lengths(len(labels), patients=patients)
    smallest = np.unique(labels, return_counts=True)[1].min()
    if parts < 2 or smallest < 2:
        raise ValueError(
            f"A split needs two parts and two images of each class; there are {parts} parts, and "
            f"the smallest class has {smallest}."
        )
    folds = StratifiedGroupKFold(min(parts, int(smallest)), shuffle=True, random_state=seed)
    whose = np.arange(len(labels)) if patients is None else _in_order(patients)
    return next(folds.split(labels, labels, whose))


def _in_order(patients) -> np.ndarray:
    """Numbers of the patients in the order in which they come, so that names do not matter."""
    _, first, number = np.unique(patients, return_index=True, return_inverse=True)
    return first.argsort().argsort()[number]


def mean_recall(truth, answers) -> float:
    """Balanced accuracy over the classes that occur in the truth.

    Parameters
    ----------
    truth, answers : array_like of int, shape (n,)

    Returns
    -------
    float
        0 … 1.

    Examples
    --------
    >>> mean_recall([0, 0, 0, 1], [0, 0, 1, 1]).__round__(3)
    0.833
    """
    from sklearn.metrics import recall_score

    return float(recall_score(truth, answers, labels=np.unique(truth), average="macro"))
