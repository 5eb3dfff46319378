"""Which images are trained on and which are validated on: whole patients, counted as rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GroupShuffleSplit

from octlessons.wording import count

#: Draws of `held_out`, of which the best is taken.
DRAWS = 20


@dataclass
class Part:
    """Images to train or to validate on: rows `index` of `pixels`, and what is known of them."""

    pixels: np.ndarray  # uint8, (n, size, size) or (n, size, size, 3)
    index: np.ndarray
    y: np.ndarray | None = None  # number of each image's class
    groups: np.ndarray | None = None  # number of each image's patient

    def __len__(self) -> int:
        return len(self.index)

    @property
    def labels(self) -> np.ndarray:
        """Class numbers of these images alone."""
        assert self.y is not None
        return self.y[self.index]


def held_out(n: int, fraction: float, *, groups=None, y=None, random_state: int = 0) -> np.ndarray:
    """Say which images to validate on: whole patients, and every class stays in training.

    Of 20 draws of patients, the one whose share of the images, of each class where `y` is given,
    is nearest to what was asked for.

    Parameters
    ----------
    n : int
        Number of images.
    fraction : float
        Share to hold out; 0 for none.
    groups : array_like of int, shape (n,), optional
        Patient of each image; without, every image counts as its own.
    y : array_like of int, shape (n,), optional
        Class of each image, from 0.
    random_state : int

    Returns
    -------
    ndarray of int
        Sorted.

    Raises
    ------
    ValueError
        If there are too few patients or images.
    """
    if fraction == 0:
        return np.arange(0)
    units = np.arange(n) if groups is None else np.asarray(groups)
    n_units = len(np.unique(units))
    classes = np.zeros(n, int) if y is None else np.asarray(y)
    counts, best, least = np.bincount(classes), None, math.inf
    if n_units > 1:
        aside = min(max(round(fraction * n_units), 1), n_units - 1)
        draws = GroupShuffleSplit(DRAWS, test_size=aside, random_state=random_state)
        for _, held in draws.split(units, groups=units):
            inside = np.bincount(classes[held], minlength=len(counts))
            off = np.abs(inside - fraction * counts).sum()
            if off < least and (inside < counts).all():
                best, least = held, off
    if best is None:
        of = "image" if groups is None else "patient"
        every = "" if y is None else " and keep every class in training"
        raise ValueError(
            f"There are too few {of}s, {n_units}, to put {100 * fraction:.0f} % aside{every}, so "
            "none is left to validate on: give more, or X_val=…, or validation_fraction=0."
        )
    return np.sort(best)


def groups_of(X, groups) -> np.ndarray | None:
    """Patient of each image, else the image it is a copy of; None where neither is known."""
    for known in (groups, getattr(X, "patients", None), getattr(X, "originals", None)):
        if known is not None:
            check_length(X, known, "groups")
            return np.asarray(known)
    return None


def check_length(X, values, what: str) -> None:
    """Raise ValueError unless there is one value for each image."""
    if len(values) != len(X):
        raise ValueError(
            f"There are {count(len(X), 'image')} but {len(values)} {what}: give one for each "
            "image, in the same order."
        )


def apart(training: np.ndarray | None, valid: np.ndarray | None) -> None:
    both = set() if training is None or valid is None else set(training) & set(valid)
    if both:
        raise ValueError(
            f"{count(len(both), 'patient')} of the validation images are among the training "
            "images too, so the validation score would say how well they were learnt by heart: "
            "split by patient."
        )
