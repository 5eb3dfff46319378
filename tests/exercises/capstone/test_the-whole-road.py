"""Checks of the capstone."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_in_band,
    assert_input_unchanged,
    assert_number,
    assert_repeatable,
    assert_same_partition,
    band,
    fail,
)

# More features than pixels, for scans far larger than these.
MOST = 1_000_000


def study():
    """Thirty patients with one to five scans, and clusters that are right for most of them."""
    rng = np.random.default_rng(11)
    number = np.repeat(np.arange(30), rng.integers(1, 6, size=30))
    labels = number % 3
    clusters = np.where(rng.random(30)[number] < 0.75, (labels + 1) % 3, labels)
    return clusters, labels, np.char.add("p", number.astype(str))


def low_end(student, seed):
    """Lower end of the interval."""
    return student.judge(*study(), seed)["low"]


def high_end(student, seed):
    """Upper end of the interval."""
    return student.judge(*study(), seed)["high"]


def chance_level(student, seed):
    """What random clusters reach in 5 % of cases."""
    return student.judge(*study(), seed)["chance"]


CALIBRATED = [low_end, high_end, chance_level]


def rows_of(student, images):
    """The features, one row for each image."""
    found = assert_array(student, student.represent(images), shape=(len(images), None))
    if not 0 < found.shape[1] <= MOST:
        fail(student, f"gives {found.shape[1]} columns", f"1 to {MOST:,} features for each image")
    return found.astype(float)


def test_rows(student, scans):
    """A row of finite features for each scan; the scans stay as they were."""
    rows_of(student, scans.images[:8])
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_nuisances(student, scans):
    """A scan that was moved or brightened stays nearer to itself than to other scans."""
    images = scans.images[::3] // 2
    moved = np.concatenate([images[:, -4:], images[:, :-4]], axis=1)
    plain = rows_of(student, images)
    if np.ptp(plain, axis=0).max() == 0:
        fail(student, "gives all scans the same row", "different rows for different eyes")
    for changed, what in ((moved, "moved down by 4 rows"), (images * 2, "twice as bright")):
        other = rows_of(student, changed)
        distances = np.stack([np.linalg.norm(plain - row, axis=1) for row in other], axis=1)
        itself = np.diag(distances).copy()
        np.fill_diagonal(distances, np.inf)
        near = np.mean(itself < distances.min(axis=1))
        if near < 0.8:
            fail(
                student,
                f"leaves {near:.0%} of the scans, {what}, nearer to themselves than to others",
                "at least 80 %",
                "Take out of the features what says nothing about the disease: the height of the "
                "retina in the picture, the brightness of the whole picture.",
            )


@pytest.mark.points(2)
def test_groups(student, rng):
    """Groups are found whatever the units of the columns."""
    group = rng.permutation(np.repeat(np.arange(4), 12))
    corners = np.column_stack([group % 2, group // 2]) + 0.1 * rng.uniform(-1, 1, size=(48, 2))
    for units in ((1, 1), (1000, 1), (1, 1000)):
        assert_same_partition(
            student,
            student.group(corners * units, 4, 0),
            group,
            because="Bring the columns to one scale: the largest numbers decide otherwise.",
        )
    constant = np.column_stack([corners, np.zeros(48)])
    because = "A column that is the same for all has no spread: do not divide by 0."
    assert_same_partition(student, student.group(constant, 4, 0), group, because=because)
    assert_repeatable(student, lambda: student.group(corners, 7, 3))


def parts(student, result):
    """The four numbers."""
    keys = ("ari", "low", "high", "chance")
    if not isinstance(result, dict) or set(result) != set(keys):
        fail(student, "does not give these four", "a dict with 'ari', 'low', 'high', 'chance'")
    return [assert_number(student, result[key], low=-1, high=1) for key in keys]


def test_ari(student):
    """The adjusted Rand index, whatever the numbers of the clusters."""
    clusters, labels, patients = study()
    both = parts(student, student.judge(clusters, labels, patients, 0))
    because = "Clusters have no names: compare partitions, with the adjusted Rand index."
    assert_close(student, both[0], index(labels, clusters), because=because)
    ari = parts(student, student.judge(labels + 3, labels, patients, 0))[0]
    assert_close(student, ari, 1.0, because=because)


def index(a, b):
    """The adjusted Rand index from the counts of the table."""
    table = np.array([[np.sum((a == i) & (b == j)) for j in set(b)] for i in set(a)])
    pairs, rows, columns = (
        (x * (x - 1) / 2).sum() for x in (table, table.sum(axis=1), table.sum(axis=0))
    )
    expected = rows * columns / (len(a) * (len(a) - 1) / 2)
    return float((pairs - expected) / ((rows + columns) / 2 - expected))


@pytest.mark.points(2)
def test_interval(student):
    """The interval is drawn by patient."""
    _, low, high, _ = parts(student, student.judge(*study(), 1))
    because = "Draw patients with replacement and take all of their scans: a draw of scans gives a "
    because += "narrower interval. 95 % leaves 2.5 % on each side."
    assert_in_band(student, low, band(__file__, "low_end"), because=because)
    assert_in_band(student, high, band(__file__, "high_end"), because=because)


def test_chance(student):
    """The chance level: what shuffled clusters exceed in 5 % of cases."""
    chance = parts(student, student.judge(*study(), 2))[3]
    because = "Shuffle the clusters, not the patients; the 95th percentile of 300 shuffles."
    assert_in_band(student, chance, band(__file__, "chance_level"), because=because)
