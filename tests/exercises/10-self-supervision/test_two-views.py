"""Checks of the exercise two-views."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_input_unchanged,
    assert_repeatable,
    assert_seed_is_used,
    fail,
)

SEEDS = 60


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
    """Whether a view is mirrored, and its factor."""
    for mirrored in (False, True):
        start = (image[:, ::-1] if mirrored else image).astype(float)
        inner = start < 190
        factor = float(np.median(view[inner] / start[inner]))
        if np.abs(np.minimum(np.round(start * factor), 255) - view).max() <= 1:
            return mirrored, factor
    return fail(
        student,
        "has a view that is no mirrored or brightened copy",
        "grey values times one factor, rounded, cut at 255, mirrored or not",
        "Multiply as floats and cut before `astype(np.uint8)`: 256 becomes 0 there. One factor for "
        "the whole view.",
    )


def test_kind(student, image):
    """Two views of the same size; the scan stays as it was."""
    pair(student, student.two_views(image, 0), image)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_copies(student, image):
    """Each view is the scan, mirrored or not, times a factor between 0.7 and 1.3."""
    for seed in range(20):
        for view in pair(student, student.two_views(image, seed), image):
            _, factor = undone(student, view, image)
            if not 0.68 <= factor <= 1.32:
                fail(student, f"uses the factor {factor:.2f}", "0.7 to 1.3")


@pytest.mark.points(2)
def test_drawn(student, image):
    """Mirrored in half of the cases, factors all over their range, each view on its own."""
    found = [
        [undone(student, v, image) for v in pair(student, student.two_views(image, seed), image)]
        for seed in range(SEEDS)
    ]
    mirrored = np.array([[m for m, _ in views] for views in found])
    factors = np.array([[f for _, f in views] for views in found])
    for k in range(2):
        if not 0.2 < mirrored[:, k].mean() < 0.8:
            share = f"mirrors view {k + 1} in {mirrored[:, k].mean():.0%} of the cases"
            fail(student, share, "about half of them")
        if factors[:, k].min() > 0.85 or factors[:, k].max() < 1.15:
            fail(
                student,
                f"draws factors from {factors[:, k].min():.2f} to {factors[:, k].max():.2f}",
                "any from 0.7 to 1.3",
            )
    same_side = np.mean(mirrored[:, 0] == mirrored[:, 1])
    if same_side > 0.85 or np.abs(np.diff(factors, axis=1)).mean() < 0.05:
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
