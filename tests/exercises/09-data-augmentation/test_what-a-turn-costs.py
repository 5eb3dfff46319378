"""Checks of the exercise what-a-turn-costs."""

import numpy as np
import pytest

from octlessons.testing import assert_close, assert_number, mistake, reference

TOLERANCE = 0.02  # pixels at the edge count in part, or not
TASK = "Ones, turned in the same frame: the share of the frame that is no longer one."


def near(found, wanted):
    """Whether two shares are the same but for pixels at the edge."""
    return isinstance(found, int | float) and abs(found - wanted) <= TOLERANCE


@reference("lost", same=near)
def expected(height, width, angle):
    """The share, by asking for points of the frame whether they were inside before the turn."""
    y, x = np.meshgrid(*(np.linspace(-s / 2, s / 2, 301) for s in (height, width)), indexing="ij")
    a = np.deg2rad(angle)
    before = np.abs(x * np.cos(a) - y * np.sin(a)), np.abs(x * np.sin(a) + y * np.cos(a))
    return float(np.mean((before[0] > width / 2) | (before[1] > height / 2)))


@mistake("lost")
def kept(height, width, angle):
    """This is the share that is kept: 1 minus it is lost."""
    return 1 - expected(height, width, angle)


@mistake("lost")
def larger_frame(height, width, angle):
    """The frame grew with the turn (`resize=True` or `reshape=True`): keep it as it was."""
    a = np.deg2rad(angle)
    box = height * np.cos(a) + width * np.sin(a), height * np.sin(a) + width * np.cos(a)
    return 1 - height * width / (box[0] * box[1])


@mistake("lost")
def square_of_the_height(height, width, angle):
    """The picture is square here, or its size has no say: height *and* width count."""
    return expected(height, height, angle)


@mistake("lost")
def hardly_turned(height, width, angle):
    """Hardly anything is cut off: `rotate` takes degrees, not radians; and what comes in must be
    black (0), not the edge repeated.
    """
    return 0.0


@mistake("lost")
def degrees_as_radians(height, width, angle):
    """The angle is taken as radians by `np.cos` and `np.sin`: it is in degrees."""
    return expected(height, width, np.rad2deg(angle))


@mistake("lost")
def percent(height, width, angle):
    """This is a percentage: a share lies between 0 and 1."""
    return 100 * expected(height, width, angle)


@mistake("lost")
def pixels(height, width, angle):
    """This is a number of pixels: divide by those of the whole frame."""
    return height * width * expected(height, width, angle)


@mistake("lost")
def rightangled(height, width, angle):
    """This turns by 90 degrees minus the angle: turn by the angle."""
    return expected(height, width, 90 - angle)


def agrees(student, height, width, angle):
    """Compare with the reference."""
    found = student.lost(height, width, angle)
    wanted = expected(height, width, angle)
    assert_close(student, found, wanted, rtol=0, atol=TOLERANCE, because=TASK)


@pytest.mark.points(2)
def test_wide(student, rng):
    """A wide picture goes on losing up to 90 degrees."""
    for angle in (float(rng.integers(20, 40)), 60, 90):
        agrees(student, 80, 160, angle)


def test_kind(student):
    """The result is a share, from 0 to 1."""
    assert_number(student, student.lost(80, 80, 30), low=0, high=1, because=TASK)


def test_no_turn(student):
    """Without a turn nothing is lost."""
    agrees(student, 60, 90, 0)


def test_square(student):
    """A square loses most at 45 degrees and nothing at 90."""
    for angle in (15, 45, 90):
        agrees(student, 120, 120, angle)
