"""Checks of the exercise what-a-turn-costs."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_number

TOLERANCE = 0.02  # pixels at the edge count in part, or not


def cut_off(height, width, angle):
    """The share, by asking for points of the frame whether they were inside before the turn."""
    y, x = np.meshgrid(*(np.linspace(-s / 2, s / 2, 301) for s in (height, width)), indexing="ij")
    a = np.deg2rad(angle)
    before = np.abs(x * np.cos(a) - y * np.sin(a)), np.abs(x * np.sin(a) + y * np.cos(a))
    return float(np.mean((before[0] > width / 2) | (before[1] > height / 2)))


def test_kind(student):
    """The result is a share, from 0 to 1."""
    assert_number(student, student.lost(80, 80, 30), low=0, high=1)


def test_no_turn(student):
    """Without a turn nothing is lost."""
    because = "This is the share that is lost, not the share that is kept."
    assert_close(student, student.lost(60, 90, 0), 0.0, atol=TOLERANCE, because=because)


def test_square(student):
    """A square loses most at 45 degrees and nothing at 90."""
    for angle in (15, 45, 90):
        assert_close(
            student,
            student.lost(120, 120, angle),
            cut_off(120, 120, angle),
            rtol=0,
            atol=TOLERANCE,
            because="The angle is in degrees, and the frame stays as large as it was.",
        )


@pytest.mark.points(2)
def test_wide(student, rng):
    """A wide picture goes on losing up to 90 degrees."""
    for angle in (float(rng.integers(20, 40)), 60, 90):
        assert_close(
            student,
            student.lost(80, 160, angle),
            cut_off(80, 160, angle),
            rtol=0,
            atol=TOLERANCE,
            because="Height and width both count; divide by the pixels of the whole frame.",
        )
