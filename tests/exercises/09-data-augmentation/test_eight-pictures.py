"""Checks of the exercise eight-pictures."""

import numpy as np
import pytest

from octlessons.testing import assert_array, assert_close, assert_input_unchanged, fail


@pytest.fixture
def picture(rng):
    """A square picture with no symmetry."""
    return rng.permutation(16).reshape(4, 4)


def pictures_of(student, picture):
    """Eight arrays of the right shape, as tuples."""
    found = student.eight_pictures(picture)
    if not isinstance(found, list | tuple | np.ndarray) or len(found) != 8:
        fail(student, "does not give eight pictures", "a list of eight arrays")
    return [tuple(assert_array(student, one, shape=(4, 4)).ravel().tolist()) for one in found]


def test_number(student, picture):
    """There are eight pictures of the same size; the original stays as it was."""
    pictures_of(student, picture)
    assert_input_unchanged(student)


def test_all_different(student, picture):
    """For a picture without symmetry, no two are alike."""
    different = len(set(pictures_of(student, picture)))
    if different < 8:
        fail(
            student,
            f"gives only {different} different pictures",
            "eight different ones",
            "Mirroring up-down and left-right are the same but for a half turn: some combinations "
            "give the same picture.",
        )


@pytest.mark.points(2)
def test_each_is_a_turn_or_a_mirror(student, picture):
    """Pixels keep their neighbours: each picture is a turned or mirrored one."""
    made = set()
    for image in (picture, picture.T):
        for _ in range(4):
            image = np.array(list(zip(*image[::-1], strict=True)))
            made.add(tuple(image.ravel().tolist()))
    strangers = set(pictures_of(student, picture)) - made
    if strangers:
        fail(student, f"has {len(strangers)} that are no turn or mirror", "only turns and mirrors")


def test_order_of_steps(student, picture):
    """Mirrored first, then turned by a quarter to the left."""
    found = student.mirror_then_turn(picture)
    because = "First `[:, ::-1]`, then `np.rot90`: the other order gives another picture."
    assert_close(student, found, picture.T, because=because)
