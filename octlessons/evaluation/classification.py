"""Judging a classifier: the confusion matrix, and every score that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from octlessons.evaluation.contingency_table import Pair, bootstrap_tables, whole
from octlessons.evaluation.shares import mean_of_shares, share
from octlessons.evaluation.uncertainty import Interval, recentred, same_lengths, span
from octlessons.wording import Table, count, decimal, listing, percent

#: The scores of a whole report, in the order in which tables show them.
SCORES = ("accuracy", "balanced_accuracy", "macro_precision", "macro_f1")


@dataclass(frozen=True, repr=False)
class ClassificationReport(Table):
    """How well a classifier does on a test set, class by class.

    Attributes
    ----------
    class_names : tuple of str
    matrix : ndarray, shape (k, k)
        Confusion matrix: images of each true class (row) that were called each class (column).
        Whole numbers, unless it was re-weighted.
    n_groups : int or None
        Number of patients, where they were given.
    accuracy : float
        Share of all images that were called rightly.
    balanced_accuracy : float
        Mean of the recalls; also called macro recall.
    macro_precision, macro_f1 : float
        Means over the classes, each class counted once whatever its size.
    precision, recall, f1 : ndarray, shape (k,)
        Of each class. A class without test images has NaN and does not count in the means; a
        class that is never called has precision 0.
    support : ndarray, shape (k,)
        Test images of each class: the sums of the rows.
    intervals : dict of str → Interval
        Of these scores by name, of classes as ``"recall NAME"`` and so on (for another class mix
        of recalls only); empty where ``n_bootstrap`` is 0.
    """

    class_names: tuple[str, ...]
    matrix: np.ndarray
    n_groups: int | None
    accuracy: float
    balanced_accuracy: float
    macro_precision: float
    macro_f1: float
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    intervals: Mapping[str, Interval]

    @property
    def macro_recall(self) -> float:
        """The balanced accuracy under its other name."""
        return self.balanced_accuracy

    @property
    def shares(self) -> np.ndarray:
        """Share of the test set that each class has, shape (k,)."""
        return self.support / self.support.sum()

    _header = ("", "precision", "recall", "F1", "images", "recall, 95 % interval")

    def _caption(self) -> str:
        if not np.allclose(self.matrix, np.round(self.matrix)):
            mix = zip(self.shares, self.class_names, strict=True)
            return f"re-weighted to {listing(f'{percent(share)} {name}' for share, name in mix)}"
        images = count(round(self.support.sum()), "image")
        of = f" of {count(self.n_groups, 'patient')}" if self.n_groups is not None else ""
        return f"{count(len(self.class_names), 'class')}: {images}{of}"

    def _cells(self) -> list[tuple[str, ...]]:
        def row(name, precision, recall, f1, images, interval):
            scores = (decimal(float(value)) for value in (precision, recall, f1))
            return (name, *scores, f"{images:,.0f}", span(self.intervals.get(interval)))

        columns = (self.class_names, self.precision, self.recall, self.f1, self.support)
        rows = [row(*each, f"recall {each[0]}") for each in zip(*columns, strict=True)]
        means = (self.macro_precision, self.balanced_accuracy, self.macro_f1)
        return [*rows, row("mean of classes", *means, self.support.sum(), "balanced_accuracy")]

    def _note(self) -> str:
        def told(score: str) -> str:
            value = self.intervals.get(score)
            return decimal(getattr(self, score)) if value is None else str(value)

        return (
            f"Accuracy {told('accuracy')}, balanced accuracy {told('balanced_accuracy')}, "
            f"macro-F1 {told('macro_f1')}."
        )


def judge_classifier(
    labels,
    probabilities_or_predicted,
    class_names: Sequence[str] = (),
    *,
    groups=None,
    prior=None,
    n_bootstrap: int = 1000,
    random_state: int = 0,
) -> ClassificationReport:
    """Judge predictions against labels, with intervals by patient that small tests allow.

    Shares such as accuracy and recalls have the intervals of `share`, their means those of
    `mean_of_shares`. For macro-precision and macro-F1, whose classes share their errors, patients
    are drawn again, and the interval is at least as wide as that of a mean of shares.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        True class of each image, counted from 0.
    probabilities_or_predicted : array_like
        Predicted class of each image, shape (n,), whole numbers; or the probability of every
        class, shape (n, k), of which the largest is the prediction.
    class_names : sequence of str, optional
        Names of classes 0, 1, …
    groups : array_like, shape (n,), optional
        Patient of each image. Images of one patient are near copies, and counting them one by
        one makes every interval too narrow.
    prior : "balanced" or array_like of float, shape (k,), optional
        Class mix that the scores should be for; see `reweighted`. By default that of the test set.
    n_bootstrap : int
        Resamples; 0 for no intervals.
    random_state : int

    Raises
    ------
    ValueError
        If lengths differ, there is nothing to judge, or labels and predictions are not classes
        counted from 0.

    Examples
    --------
    >>> report = judge_classifier([0, 0, 0, 1], [0, 0, 1, 1], ["NORMAL", "CNV"])
    >>> report.accuracy, round(report.balanced_accuracy, 3)
    (0.75, 0.833)
    """
    labels, predicted, k = _labels_and_predicted(labels, probabilities_or_predicted, class_names)
    same_lengths(len(labels), predictions=predicted, groups=groups)
    names = _names(class_names, k)
    groups = None if groups is None else np.asarray(groups)
    answers = _Answers(labels, predicted, groups, n_bootstrap, random_state)
    return _report(_table(labels, predicted, k), names, answers if n_bootstrap > 0 else None, prior)


def report_from_matrix(
    matrix,
    class_names: Sequence[str] = (),
    *,
    prior=None,
    n_bootstrap: int = 1000,
    random_state: int = 0,
) -> ClassificationReport:
    """Judge a classifier of which only the confusion matrix is known, such as a published one.

    Parameters
    ----------
    matrix : array_like, shape (k, k)
        Images of each true class (row) that were called each class (column).
    class_names : sequence of str, optional
    prior : "balanced" or array_like of float, shape (k,), optional
        As for `judge_classifier`.
    n_bootstrap : int
        Resamples. They draw images, because a matrix does not know patients: where a patient has
        several images, the true uncertainty is larger. A matrix of fractions gets no intervals.
    random_state
        As for `judge_classifier`.

    Raises
    ------
    ValueError
        If the matrix is not square, holds negative numbers, or is empty.

    Examples
    --------
    >>> report_from_matrix([[90, 0], [5, 5]], ["NORMAL", "CNV"], n_bootstrap=0).accuracy
    0.95
    """
    matrix = _checked_matrix(matrix)
    names = _names(class_names, len(matrix))
    answers = None
    if np.all(matrix == np.round(matrix)):
        matrix = matrix.astype(np.int64)
        if n_bootstrap > 0:
            times = matrix.ravel().astype(np.intp)
            true, called = np.indices(matrix.shape).reshape(2, -1).repeat(times, axis=1)
            answers = _Answers(true, called, None, n_bootstrap, random_state)
    return _report(matrix, names, answers, prior)


def reweighted(matrix, prior="balanced") -> np.ndarray:
    """Confusion matrix that the same classifier would have on a test set of another class mix.

    Each row is scaled: what happens to the images of a class stays the same, only how many there
    are changes. That holds where the images of a class are of the same kind in both sets.

    Parameters
    ----------
    matrix : array_like, shape (k, k)
        Rows true, columns predicted.
    prior : "balanced" or array_like of float, shape (k,)
        Share (or number) of each class in the other test set; ``"balanced"``: all the same, for
        the classes that the matrix has.

    Returns
    -------
    ndarray of float, shape (k, k)
        With the same total.

    Raises
    ------
    ValueError
        If the prior does not fit the matrix, or asks for a class that the matrix has no image of.

    Examples
    --------
    >>> reweighted([[90, 0], [5, 5]])
    array([[50.,  0.],
           [25., 25.]])
    """
    matrix = _checked_matrix(matrix)
    share = _checked_prior(matrix, prior)
    return _scaled(matrix[None], share)[0] * matrix.sum()


def _scaled(tables: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Tables (B, k, k) with rows that sum to `share`; NaN where a wanted class has no image."""
    rows = tables.sum(axis=2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = tables / rows * share[:, None]
    return np.where((share == 0)[:, None], 0.0, scaled)


@dataclass(frozen=True)
class _Answers:
    """What was true and what was called, one for each image, to draw intervals from."""

    labels: np.ndarray
    predicted: np.ndarray
    groups: np.ndarray | None
    n_bootstrap: int
    random_state: int

    def share(self, hits: np.ndarray, among: np.ndarray) -> Interval:
        """Share of hits among some of the images."""
        return share(hits[among], None if self.groups is None else self.groups[among])

    def tables(self, k: int) -> np.ndarray:
        """Confusion matrices of resamples of patients, shape (n_bootstrap, k, k)."""
        pair = Pair(
            self.predicted, self.labels, np.arange(k), ("",) * k, self.groups, 0, None
        )  # rows: the true classes
        return bootstrap_tables(pair, self.n_bootstrap, np.random.default_rng(self.random_state))


def _report(matrix, names, answers: _Answers | None, prior) -> ClassificationReport:
    mix = None if prior is None else _checked_prior(matrix, prior)
    table = matrix if mix is None else _scaled(matrix[None], mix)[0] * matrix.sum()
    one = {name: values[0] for name, values in _scores_of(table[None]).items()}
    groups = None if answers is None else answers.groups
    return ClassificationReport(
        class_names=names,
        matrix=table,
        n_groups=None if groups is None else len(np.unique(groups)),
        **{name: float(one[name]) for name in SCORES},
        precision=one["precision"],
        recall=one["recall"],
        f1=one["f1"],
        support=table.sum(axis=1),
        intervals={} if answers is None else _intervals(answers, names, one, matrix.sum(), mix),
    )


def _intervals(answers: _Answers, names, one, total, mix) -> dict[str, Interval]:
    """Of all scores: Wilson's for each class, and what follows for their means."""
    label, called, k = answers.labels, answers.predicted, len(names)
    right = label == called
    recalls = [answers.share(right, label == c) for c in range(k)]
    found = {f"recall {names[c]}": recalls[c] for c in range(k)}
    found["balanced_accuracy"] = mean_of_shares(recalls)
    means = {}
    if mix is None:
        never = Interval(0.0, 0.0, 0.0)  # called so, and so the precision is 0 and no estimate
        precisions = [answers.share(right, called == c) for c in range(k)]
        f1s = [_f1_of(answers.share(right, (label == c) | (called == c))) for c in range(k)]
        found["accuracy"] = answers.share(right, np.ones(len(label), bool))
        found |= {f"precision {names[c]}": precisions[c] for c in range(k)}
        found |= {f"f1 {names[c]}": f1s[c] for c in range(k)}
        there = [c for c in range(k) if (label == c).any()]
        filled = [precisions[c] if (called == c).any() else never for c in there]
        means = {"macro_precision": filled, "macro_f1": [f1s[c] for c in there]}
    else:
        found["accuracy"] = mean_of_shares(recalls, mix)
    tables = answers.tables(k)
    drawn = _scores_of(tables if mix is None else _scaled(tables, mix) * total)
    for name in ("macro_precision", "macro_f1"):  # classes share their errors: the wider counts
        each = recentred(one[name], drawn[name], 0, 1)
        found[name] = _wider(each, mean_of_shares(means[name])) if name in means else each
    return {name: interval for name, interval in found.items() if np.isfinite(interval.estimate)}


def _f1_of(overlap: Interval) -> Interval:
    """F1 from the share J of hits among all images of a class and all called so: 2J / (1 + J)."""
    estimate, low, high = (2 * v / (1 + v) for v in (overlap.estimate, overlap.low, overlap.high))
    return Interval(estimate, low, high, overlap.level)


def _wider(one: Interval, other: Interval) -> Interval:
    low, high = np.nanmin([one.low, other.low]), np.nanmax([one.high, other.high])
    return Interval(one.estimate, float(low), float(high), one.level)


def _table(labels, predicted, k: int) -> np.ndarray:
    cells = (labels * k + predicted).astype(np.intp)
    return np.bincount(cells, minlength=k * k).reshape(k, k)


def _scores_of(tables: np.ndarray) -> dict[str, np.ndarray]:
    """Every score of confusion matrices (B, k, k), by name; a class without images has NaN."""
    tables = np.asarray(tables, float)
    right = np.einsum("bii->bi", tables)
    support, called = tables.sum(axis=2), tables.sum(axis=1)
    here, total = support > 0, support.sum(axis=1)

    def ratio(top, bottom):
        return np.where(here, top / np.where(bottom == 0, 1, bottom), np.nan)

    def mean(values):
        n = np.where((total > 0) & here.any(axis=1), here.sum(axis=1), np.nan)
        return np.where(here, values, 0).sum(axis=1) / n

    recall, precision = ratio(right, support), ratio(right, called)
    f1 = ratio(2 * right, support + called)
    return {
        "accuracy": right.sum(axis=1) / np.where(total > 0, total, np.nan),
        "balanced_accuracy": mean(recall),
        "macro_precision": mean(precision),
        "macro_f1": mean(f1),
        "recall": recall,
        "precision": precision,
        "f1": f1,
    }


def _checked_matrix(matrix) -> np.ndarray:
    matrix = np.asarray(matrix, float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ValueError(
            "A confusion matrix is square, one row and one column for each class; this one has "
            f"shape {matrix.shape}."
        )
    if not np.all(np.isfinite(matrix)) or matrix.min() < 0:
        raise ValueError("A confusion matrix counts images: no entry is negative or NaN.")
    if matrix.sum() == 0:
        raise ValueError("This confusion matrix holds no images, so there is no score.")
    return matrix


def _checked_prior(matrix, prior) -> np.ndarray:
    here = np.asarray(matrix).sum(axis=1) > 0
    if isinstance(prior, str):
        if prior != "balanced":
            raise ValueError(f"`prior` is 'balanced' or the share of each class, not {prior!r}.")
        return here / here.sum()
    share = np.asarray(prior, float).ravel()
    if len(share) != len(here):
        raise ValueError(f"`prior` has {len(share)} shares for {len(here)} classes.")
    if not np.all(np.isfinite(share)) or share.min() < 0 or share.sum() == 0:
        raise ValueError("The shares in `prior` must not be negative, and not all zero.")
    if np.any((share > 0) & ~here):
        raise ValueError(
            f"`prior` asks for class {int(np.argmax((share > 0) & ~here))}, of which the matrix "
            "has no image: what happens to that class is not known."
        )
    return share / share.sum()


def _labels_and_predicted(labels, predicted, class_names) -> tuple[np.ndarray, np.ndarray, int]:
    """True and predicted classes, and the number of classes."""
    predicted = np.asarray(predicted)
    n_columns = 0
    if predicted.ndim == 2:
        n_columns = predicted.shape[1]
        predicted = checked_probabilities(predicted).argmax(axis=1)
    labels, predicted = classes(labels, "labels"), classes(predicted, "predictions")
    k = int(max(labels.max() + 1, predicted.max() + 1, n_columns, len(class_names)))
    if 0 < n_columns < k:
        raise ValueError(
            f"There are {k} classes, but probabilities of {n_columns} only: give a column for each "
            "class, in the order of the labels, with 0 for a class that the classifier never saw."
        )
    return labels, predicted, k


def classes(values, what: str) -> np.ndarray:
    """Whole numbers from 0, one for each image; a sentence where they are not."""
    if values is None:
        raise ValueError(f"There are no {what}, so there is nothing to judge.")
    values = whole(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(
            f"The {what} are one class for each image, at least one; they have shape "
            f"{values.shape}."
        )
    if values.dtype.kind not in "iub" or values.min() < 0:
        start = f" and start at {values.min()}" if values.dtype.kind in "iub" else ""
        raise ValueError(
            f"The {what} must be whole numbers that count classes from 0, as in ImageSet.labels; "
            f"these are {values.dtype}{start}."
        )
    return values.astype(int)


def checked_probabilities(probabilities) -> np.ndarray:
    """Probabilities (n, k), each row with sum 1; a sentence where they are not."""
    probabilities = np.asarray(probabilities, float)
    if probabilities.ndim != 2 or 0 in probabilities.shape:
        raise ValueError(
            "Probabilities have one row for each image and one column for each class; these have "
            f"shape {probabilities.shape}."
        )
    if not np.all(np.isfinite(probabilities)):
        raise ValueError("Some probabilities are NaN or infinite: look at the training run.")
    off = np.abs(probabilities.sum(axis=1) - 1)
    if probabilities.min() < -1e-6 or off.max() > 1e-3:
        raise ValueError(
            "The rows are no probabilities: they must not be negative and must sum to 1. Turn "
            "scores of a network into probabilities with a softmax first (predict_proba does)."
        )
    return probabilities


def _names(class_names: Sequence[str], k: int) -> tuple[str, ...]:
    names = tuple(str(name) for name in class_names) or tuple(str(i) for i in range(k))
    if len(names) != k:
        raise ValueError(f"There are {len(names)} class names for {k} classes.")
    return names
