"""Checks of the exercise two-views."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_input_unchanged,
    assert_repeatable,
    assert_seed_is_used,
    fail,
    symptom,
)

SEEDS = 60


def factors(view, start, low=-0.5, high=0.5):
    """The range of factors that explain a view, pixel by pixel; None if there is none.

    A value v of a pixel s came from a factor between (v + low) / s and (v + high) / s; where it was
    cut at 255, the factor may also be larger.
    """
    view, start = np.asarray(view, float), np.asarray(start, float)
    least = ((view + low) / start).max()
    most = np.min(((view + high) / start)[view < 255], initial=np.inf)
    return (least, most) if least <= most * (1 + 1e-6) else None


def explained(view, image, low=-0.5, high=0.5):
    """Whether a view is mirrored, and its factors; None if it is no such copy."""
    for mirrored in (False, True):
        found = factors(view, image[:, ::-1] if mirrored else image, low, high)
        if found is not None:
            return mirrored, found
    return None


def odd_one(found, image):
    """The first view that is no such copy."""
    return next(np.asarray(view) for view in found if explained(view, image) is None)


@symptom("two_views")
def cut_off(found, image, seed):
    """The values are not rounded, what stands after the point is cut off: `np.round` before
    `astype(np.uint8)`.
    """
    return explained(odd_one(found, image), image, 0, 1) is not None


@symptom("two_views")
def wraps(found, image, seed):
    """Values above 255 begin again at 0, 256 becomes 0 there: cut at 255 before
    `astype(np.uint8)`.
    """
    view = odd_one(found, image)
    for start in (image.astype(float), image[:, ::-1].astype(float)):
        factor = np.median((view / start)[start < 190])
        if np.abs(np.round(start * factor) % 256 - view).max() <= 2:
            return True
    return False


@symptom("two_views")
def upside_down(found, image, seed):
    """The scan was turned upside down: mirror it left to right, `image[:, ::-1]`."""
    view = odd_one(found, image)
    return factors(view, image[::-1]) is not None or factors(view, image[::-1, ::-1]) is not None


@symptom("two_views")
def transposed(found, image, seed):
    """Rows and columns changed places: mirror left to right, `image[:, ::-1]`."""
    return np.asarray(found[0]).shape == image.shape[::-1]


@symptom("two_views")
def of_each_pixel(found, image, seed):
    """The factor differs from pixel to pixel: draw one for the whole view."""
    view = odd_one(found, image).astype(float)
    ratios = [view / s for s in (image, image[:, ::-1])]
    return any(r[r > 0].min() > 0.65 and r.max() < 1.35 and np.ptp(r) > 0.1 for r in ratios)


@pytest.fixture
def image(rng):
    """A small scan, bright at the left, with values up to 255."""
    values = rng.integers(40, 120, size=(6, 8))
    values[:, 0], values[:, -1] = 255, 60
    return values.astype(np.uint8)


def pair(student, result, image):
    """Two pictures of uint8 values."""
    if not isinstance(result, list | tuple | np.ndarray) or len(result) != 2:
        fail(student, "does not give two views", "two arrays, in a tuple")
    return [
        assert_array(student, view, shape=image.shape, kind="integer", low=0, high=255)
        for view in result
    ]


def undone(student, view, image):
    """Whether a view is mirrored, and the range of its factor."""
    found = explained(view, image)
    if found is None:
        fail(
            student,
            "has a view that is no mirrored or brightened copy",
            "grey values times one factor, rounded, cut at 255, mirrored or not",
            "No single factor gives this view: multiply as floats, round, cut at 255, in this "
            "order.",
        )
    return found


def test_kind(student, image):
    """Two views of the same size; the scan stays as it was."""
    pair(student, student.two_views(image, 0), image)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_copies(student, image):
    """Each view is the scan, mirrored or not, times a factor between 0.7 and 1.3."""
    for seed in range(20):
        for view in pair(student, student.two_views(image, seed), image):
            _, (low, high) = undone(student, view, image)
            if high < 0.7 or low > 1.3:
                fail(student, f"uses the factor {max(low, min(high, 2)):.2f}", "0.7 to 1.3")


@pytest.mark.points(2)
def test_drawn(student, image):
    """Mirrored in half of the cases, factors all over their range, each view on its own."""
    found = [
        [undone(student, v, image) for v in pair(student, student.two_views(image, seed), image)]
        for seed in range(SEEDS)
    ]
    mirrored = np.array([[m for m, _ in views] for views in found])
    factor = np.array([[(f[0] + min(f[1], 1.3)) / 2 for _, f in views] for views in found])
    for k in range(2):
        if not 0.2 < mirrored[:, k].mean() < 0.8:
            share = f"mirrors view {k + 1} in {mirrored[:, k].mean():.0%} of the cases"
            fail(student, share, "about half of them")
        if factor[:, k].min() > 0.85 or factor[:, k].max() < 1.15:
            fail(
                student,
                f"draws factors from {factor[:, k].min():.2f} to {factor[:, k].max():.2f}",
                "any from 0.7 to 1.3",
            )
    same_side = np.mean(mirrored[:, 0] == mirrored[:, 1])
    if same_side > 0.85 or np.abs(np.diff(factor, axis=1)).mean() < 0.05:
        fail(
            student,
            "treats both views alike",
            "that each view draws on its own",
            "Draw the coin and the factor anew for the second view.",
        )


def test_seed(student, image):
    """The same seed gives the same views, another seed others."""
    assert_repeatable(student, lambda: student.two_views(image, 4))
    assert_seed_is_used(student, lambda seed: student.two_views(image, seed))
