"""What copies buy when images are few: learning curves of one small classifier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from octlessons.augmentation.augmenters import augment, augmenter
from octlessons.evaluation.shares import mean_of_shares, share
from octlessons.evaluation.uncertainty import Interval, patient_sums
from octlessons.images.imageset import ImageSet, resize_image
from octlessons.wording import Table, count, decimal


def gradient_histograms(images, cell: int = 16):
    """Histograms of oriented gradients of each image: where edges run, and which way.

    Parameters
    ----------
    images : ImageSet, or sequence of uint8 arrays of shape (h, w) or (h, w, 3)
    cell : int
        Side of the squares in which eight directions are counted, in pixels of the picture, which
        is resized to 96 × 96 first.

    Returns
    -------
    ndarray of float32, shape (n, d)
        Dalal and Triggs, CVPR 2005, doi:10.1109/CVPR.2005.177, as in scikit-image.
    """
    from skimage.feature import hog

    rows = [
        hog(
            resize_image(np.asarray(image), (96, 96)),
            orientations=8,
            pixels_per_cell=(cell, cell),
            cells_per_block=(2, 2),
            channel_axis=-1 if np.ndim(image) == 3 else None,
        )
        for image in images
    ]
    return np.asarray(rows, np.float32)


def small_classifier():
    """The fixed classifier of the augmentation chapter: gradient histograms and a linear model.

    Small on purpose: it trains in a second, has nothing to tune and nothing random, so that what
    changes its score is the training images.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Unfitted; `fit` takes an `ImageSet` (or images) and labels.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    return make_pipeline(
        FunctionTransformer(gradient_histograms),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=500),
    )


@dataclass(frozen=True)
class CurvePoint:
    """The scores at one number of training images.

    Attributes
    ----------
    size : int
        Training images per class, copies not counted.
    scores : ndarray, shape (n_seeds,)
        Balanced accuracy (mean of the classes' recalls) on the test set, one per seed.
    right : ndarray of bool, shape (n_seeds, n_test)
        Which test images were classified rightly.
    low, high : float
        Interval that counts both what was drawn for training and which patients were tested.
    n_patients : float or None
        Patients among the training images, mean over the seeds.
    """

    size: int
    scores: np.ndarray = field(repr=False)
    right: np.ndarray = field(repr=False)
    low: float
    high: float
    n_patients: float | None = None

    @property
    def mean(self) -> float:
        """Mean of the scores over the seeds."""
        return float(self.scores.mean())


@dataclass(frozen=True, repr=False)
class AugmentationCurve(Table):
    """Scores at growing numbers of training images; iteration gives the points.

    Attributes
    ----------
    name : str
        ``"no augmentation"`` or the augmenter's name.
    copies : int
        Altered copies per training image; 0 without augmentation.
    points : tuple of CurvePoint
    labels, patients : ndarray, shape (n_test,)
        Of the test images; `patients` may be None.
    """

    name: str
    copies: int
    points: tuple[CurvePoint, ...]
    labels: np.ndarray
    patients: np.ndarray | None = None

    def __iter__(self) -> Iterator[CurvePoint]:
        return iter(self.points)

    def gain_over(self, other: AugmentationCurve, n_bootstrap: int = 1000) -> dict[int, Interval]:
        """By how much this curve lies above another of the same draws and test images.

        Parameters
        ----------
        other : AugmentationCurve
            With the same seeds, sizes and test set.
        n_bootstrap : int
            Resamples of draws and of test patients, the same for both curves.

        Returns
        -------
        dict of int to Interval
            Difference in balanced accuracy for each size. Both curves share draws and patients, so
            this interval is narrower than theirs; one that excludes 0 is a difference.

        Raises
        ------
        ValueError
            If the curves do not belong together.
        """
        pairs = list(zip(self, other, strict=False))
        shapes = [[(point.size, point.right.shape) for point in curve] for curve in (self, other)]
        if shapes[0] != shapes[1] or not np.array_equal(self.labels, other.labels):
            raise ValueError(
                "These curves have different sizes, seeds or test images, so they cannot be "
                "compared pair by pair: make both with the same arguments but `steps`."
            )
        how = (self.labels, self.patients, n_bootstrap)
        gains = {}
        for mine, theirs in pairs:
            scores, low, high = _scored(mine.right.astype(float) - theirs.right, *how)
            gains[mine.size] = Interval(float(scores.mean()), low, high)
        return gains

    @property
    def sizes(self) -> np.ndarray:
        """Training images per class, shape (n_points,)."""
        return np.array([point.size for point in self.points])

    @property
    def means(self) -> np.ndarray:
        """Mean scores, shape (n_points,)."""
        return np.array([point.mean for point in self.points])

    @property
    def intervals(self) -> np.ndarray:
        """Lower and upper ends, shape (n_points, 2)."""
        return np.array([(point.low, point.high) for point in self.points])

    _header = ("images per class", "patients", "balanced accuracy", "interval")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                *(f"{point.size:,}", decimal(point.n_patients, 0), decimal(point.mean)),
                f"{decimal(point.low)} to {decimal(point.high)}",
            )
            for point in self.points
        ]

    def _caption(self) -> str:
        copies = f", {count(self.copies, 'copy')} of each image" if self.copies else ""
        n_seeds = len(self.points[0].scores) if self.points else 0
        return (
            f"{self.name}{copies}: {n_seeds} draws, {len(self.labels):,} test images, "
            "95 % intervals over draws and test patients"
        )


def augmentation_curve(
    train: ImageSet,
    test: ImageSet,
    sizes: Sequence[int] = (5, 10, 20, 50, 100),
    *,
    steps=None,
    copies: int = 4,
    seeds: Sequence[int] | int = 5,
    classifier=None,
    n_bootstrap: int = 1000,
) -> AugmentationCurve:
    """Train one classifier on more and more images, with or without altered copies, and test it.

    Parameters
    ----------
    train, test : ImageSet
        The two sides of a split by patient, with labels. Only the training images are altered.
    sizes : sequence of int
        Training images per class. The images of a smaller size are among those of a larger one.
    steps : Augmenter, or anything `octlessons.augmentation.augmenter` takes, optional
        None for no augmentation.
    copies : int
        Altered copies per training image.
    seeds : int, or sequence of int
        Draws of training images and changes; n means 0 … n - 1. The same seed draws the same images
        with and without augmentation, so that curves can be compared pair by pair.
    classifier : scikit-learn estimator, optional
        Of images; a clone of it is fitted. `small_classifier` by default.
    n_bootstrap : int
        For the intervals: resamples of the draws and, within each, of the test patients. They are
        at least as wide as `mean_of_shares` of the recalls, which have a width where all are right.

    Raises
    ------
    ValueError
        If labels are missing, the two sets share patients, the training set holds copies already,
        or a class has fewer images than the largest size.
    """
    seeds = range(seeds) if isinstance(seeds, int | np.integer) else seeds
    sizes = [int(size) for size in sizes]
    _check_sides(train, test, sizes, seeds)
    model = small_classifier() if classifier is None else classifier
    made = None if steps is None else augmenter(steps)
    shared, head = _features(model, test)
    how = (made, copies, model, head)
    runs = [_run(train, shared, test.labels, sizes, seed, *how) for seed in seeds]
    points = []
    for size, of_size in zip(sizes, zip(*runs, strict=True), strict=True):
        right = np.array([hits for hits, _ in of_size])
        patients = float(np.mean([n for _, n in of_size])) if train.patients is not None else None
        scores, low, high = _scored(right, test.labels, test.patients, n_bootstrap)
        least = _of_shares(right.mean(axis=0), test.labels, test.patients)
        low, high = min(low, least.low), max(high, least.high)
        points.append(CurvePoint(size, scores, right, low, high, patients))
    name, copies = ("no augmentation", 0) if made is None else (made.name, copies)
    return AugmentationCurve(name, copies, tuple(points), np.asarray(test.labels), test.patients)


def _run(train, shared, labels, sizes, seed: int, made, copies: int, model, head) -> list:
    """For every size: which test images were right, and the number of training patients."""
    from sklearn.base import clone

    rng = np.random.default_rng(seed)
    # The place of every training image in a random order of its class.
    place = np.empty(len(train), int)
    for label in np.unique(train.labels):
        members = np.flatnonzero(train.labels == label)
        place[rng.permutation(members)] = np.arange(len(members))
    within = place < max(sizes)
    drawn, place = train[within], place[within]
    if made is not None:
        drawn = augment(drawn, made, copies=copies, seed=seed, truth=False)
        place = np.tile(place, copies + 1)
    inputs = drawn if head is None else clone(head).fit_transform(drawn)
    results = []
    for size in sizes:
        chosen = place < size
        fitted = clone(model if head is None else model[1:])
        fitted.fit(inputs[chosen], drawn.labels[chosen])
        n_patients = 0 if drawn.patients is None else len(np.unique(drawn.patients[chosen]))
        results.append((fitted.predict(shared) == labels, n_patients))
    return results


def _features(model, test: ImageSet):
    """What `predict` takes, and the classifier's first step where it learns nothing: done once."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    if isinstance(model, Pipeline) and isinstance(model[0], FunctionTransformer):
        return model[0].fit_transform(test), model[0]
    return test, None


def _check_sides(train: ImageSet, test: ImageSet, sizes, seeds) -> None:
    if train.labels is None or test.labels is None:
        raise ValueError("A learning curve needs labels in the training and the test part.")
    if not sizes or min(sizes) < 1 or not len(seeds):
        raise ValueError("Give at least one size of at least 1 image per class, and one seed.")
    if train.patients is not None and test.patients is not None:
        both = set(train.patients) & set(test.patients)
        if both:
            raise ValueError(
                f"{len(both)} patients are in the training and in the test part, so the score "
                "would say how well patients are recognised: split by patient."
            )
    if train.originals is not None and len(np.unique(train.originals)) < len(train):
        raise ValueError(
            "The training part holds augmented copies already; give the originals and name the "
            "steps in `steps`, so that sizes count images and not copies."
        )
    counts = np.bincount(train.labels.astype(np.intp))[np.unique(train.labels)]
    if counts.min() < max(sizes):
        raise ValueError(
            f"The smallest class has {counts.min()} training images, fewer than the {max(sizes)} "
            "asked for: leave the larger sizes out, or load more images."
        )


def _of_shares(right: np.ndarray, labels, patients) -> Interval:
    """Balanced accuracy with the interval that the number of test patients allows."""
    who = np.arange(len(labels)) if patients is None else np.asarray(patients)
    return mean_of_shares([share(right[labels == c], who[labels == c]) for c in np.unique(labels)])


def _scored(right: np.ndarray, labels, patients, n_bootstrap: int):
    """Balanced accuracy per seed, and its interval over seeds and test patients.

    `right` has shape (n_seeds, n_test): 1 where right, 0 where wrong; or the difference of two.
    """
    classes, label = np.unique(labels, return_inverse=True)
    own = np.eye(len(classes))[label]
    total = patient_sums(own, patients)
    hits = patient_sums(right.T[:, :, None] * own[:, None], patients)
    n_groups = len(total)

    def balanced(weight, of_seeds):
        n = weight @ total
        mean = np.tensordot(weight, hits[:, of_seeds], 1).mean(0)
        return np.nanmean(np.where(n > 0, mean / np.maximum(n, 1), np.nan))

    once, n = np.ones(n_groups), len(right)
    scores = np.array([balanced(once, [seed]) for seed in range(n)])
    rng = np.random.default_rng(0)
    values = [
        balanced(rng.multinomial(n_groups, once / n_groups), rng.integers(n, size=n))
        for _ in range(n_bootstrap)
    ]
    low, high = np.percentile(values, [2.5, 97.5])
    return scores, float(low), float(high)
