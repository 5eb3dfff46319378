"""Checks of the exercise eight-pictures."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_input_unchanged,
    fail,
    mistake,
    reference,
    symptom,
)

ALL = "Four turns of the picture, and four turns of its mirror image."


def turned(picture):
    """A quarter to the left."""
    return np.array(list(zip(*picture, strict=True)))[::-1]


def turns(picture):
    """All four, as tuples."""
    made = []
    for _ in range(4):
        made.append(tuple(np.asarray(picture).ravel().tolist()))
        picture = turned(picture)
    return set(made)


def given(found):
    """The pictures that came back, as tuples."""
    return [tuple(np.asarray(one).ravel().tolist()) for one in found]


@symptom("eight_pictures")
def only_turns(found, picture):
    """Only the four turns are there: turn the mirror image, too."""
    return len(found) == 4 and set(given(found)) == turns(picture)


@symptom("eight_pictures")
def turns_twice(found, picture):
    """Turns come twice, or the mirror image is missing: mirror once, then turn the mirror image."""
    return len(found) == 8 and set(given(found)) <= turns(picture)


@symptom("eight_pictures")
def repeats(found, picture):
    """Mirroring up-down is mirroring left-right and half a turn, so some combinations give the
    same picture: one mirror and four turns are enough.
    """
    made = set(given(found))
    return len(found) >= 8 > len(made) and made <= turns(picture) | turns(picture.T)


@reference("mirror_then_turn")
def expected(picture):
    """Mirrored, then turned."""
    return turned(picture[:, ::-1])


@mistake("mirror_then_turn")
def other_order(picture):
    """This is what the other order gives, turned first and then mirrored (or a turn to the
    right, or a mirror up-down): first `[:, ::-1]`, then `np.rot90`.
    """
    return turned(picture)[:, ::-1]


@mistake("mirror_then_turn")
def only_turned(picture):
    """The picture was turned, not mirrored: mirror it first."""
    return turned(picture)


@mistake("mirror_then_turn")
def turned_right(picture):
    """The picture was turned to the right, not mirrored: mirror it, then turn to the left."""
    return turned(turned(turned(picture)))


@mistake("mirror_then_turn")
def only_mirrored(picture):
    """The picture was mirrored and not turned: turn the mirror image."""
    return picture[:, ::-1]


@pytest.fixture
def picture(rng):
    """A square picture with no symmetry."""
    return rng.permutation(16).reshape(4, 4)


def pictures_of(student, picture):
    """Eight arrays of the right shape, as tuples."""
    found = student.eight_pictures(picture)
    if not isinstance(found, list | tuple | np.ndarray) or len(found) != 8:
        fail(student, "does not give eight pictures", "a list of eight arrays", ALL)
    return [tuple(assert_array(student, one, shape=(4, 4)).ravel().tolist()) for one in found]


def test_number(student, picture):
    """There are eight pictures of the same size; the original stays as it was."""
    pictures_of(student, picture)
    assert_input_unchanged(student)


def test_all_different(student, picture):
    """For a picture without symmetry, no two are alike."""
    different = len(set(pictures_of(student, picture)))
    if different < 8:
        fail(student, f"gives only {different} different pictures", "eight different ones", ALL)


@pytest.mark.points(2)
def test_each_is_a_turn_or_a_mirror(student, picture):
    """Pixels keep their neighbours: each picture is a turned or mirrored one."""
    strangers = set(pictures_of(student, picture)) - turns(picture) - turns(picture.T)
    if strangers:
        fail(student, f"has {len(strangers)} that are no turn or mirror", "only such", ALL)


def test_order_of_steps(student, picture):
    """Mirrored first, then turned by a quarter to the left."""
    because = "First `[:, ::-1]`, then `np.rot90`."
    assert_close(student, student.mirror_then_turn(picture), expected(picture), because=because)
