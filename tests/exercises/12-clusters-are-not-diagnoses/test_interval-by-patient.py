"""Checks of the exercise interval-by-patient."""

from functools import cache

import numpy as np
import pytest

from octlessons.testing import (
    assert_close,
    assert_in_band,
    assert_input_unchanged,
    assert_number,
    assert_repeatable,
    assert_seed_is_used,
    band,
    fail,
    symptom,
)

# Many sizes, so that a share of drawn scans may lie anywhere; the small patients are more often
# right, so that a mean over patients is another number than a share of scans.
SIZES = [9, 4, 11, 3, 7, 5, 10, 4, 8, 3, 12, 5, 6, 4, 9, 3, 10, 5, 7, 4]
PATIENTS = np.repeat([f"p{i}" for i in range(20)], SIZES)
RIGHT = np.repeat([i % 4 != 2 for i in range(20)], SIZES)  # all scans of a patient alike
ALONE = np.array([f"p{i}" for i in range(41)])
TASK = (
    "Patients with replacement, as many as there are; all of their scans; the share of these; the "
    "2.5th and the 97.5th percentile."
)


def numbers(patients):
    """Numbers of each patient's scans."""
    return [np.flatnonzero(patients == one) for one in np.unique(patients)]


def patients_drawn(rng, right, scans):
    """One draw as it should be."""
    drawn = rng.integers(len(scans), size=len(scans))
    return right[np.concatenate([scans[i] for i in drawn])].mean()


def scans_alone(rng, right, scans):
    """Scans with replacement."""
    return rng.choice(right, len(right)).mean()


def once(rng, right, scans):
    """Drawn patients, whose scans count once."""
    drawn = np.unique(rng.integers(len(scans), size=len(scans)))
    return right[np.concatenate([scans[i] for i in drawn])].mean()


def mean_of_patients(rng, right, scans):
    """Every drawn patient alike."""
    return rng.choice([right[one].mean() for one in scans], len(scans)).mean()


def one_of_each(rng, right, scans):
    """One scan of each drawn patient."""
    drawn = rng.integers(len(scans), size=len(scans))
    return np.mean([right[rng.choice(scans[i])] for i in drawn])


@cache
def ways(right, patients):
    """The ends of several ways of drawing, by name and upper percentile; the first is right."""
    rng, right, scans = np.random.default_rng(12345), np.array(right), numbers(np.array(patients))
    return {
        (share.__name__, most): np.percentile(values, [100 - most, most])
        for share in (patients_drawn, scans_alone, once, mean_of_patients, one_of_each)
        for values in [[share(rng, right, scans) for _ in range(2000)]]
        for most in ((97.5, 95, 99.9) if share is patients_drawn else (97.5,))
    }


def closest(found, right, patients):
    """The way of drawing, and the upper percentile, that explain the ends best."""
    ends = ways(tuple(right.tolist()), tuple(patients.tolist()))
    away = {way: np.abs(np.asarray(found, float) - ends[way]).max() for way in ends}
    best = min(away, key=away.get)
    return best if away[best] < 0.025 else ("", 0)


def wider(found, right, patients):
    """How many times as wide as it should be."""
    low, high = ways(tuple(right.tolist()), tuple(patients.tolist()))["patients_drawn", 97.5]
    return (found[1] - found[0]) / max(high - low, 1e-9)


@symptom("interval")
def upper_first(found, right, patients, n_draws, seed):
    """The upper end comes first: give the lower end, then the upper one."""
    return found[0] > found[1]


@symptom("interval")
def percent(found, right, patients, n_draws, seed):
    """These are percentages: shares lie between 0 and 1."""
    return found[1] > 1.5


@symptom("interval")
def scans_drawn(found, right, patients, n_draws, seed):
    """Scans were drawn, which makes the interval too narrow: draw patients, with all of their
    scans.
    """
    return closest(found, right, patients) == ("scans_alone", 97.5)


@symptom("interval")
def counted_once(found, right, patients, n_draws, seed):
    """A patient that is drawn twice counts once (`np.isin` and sets do that): take its scans
    twice.
    """
    return closest(found, right, patients) == ("once", 97.5)


@symptom("interval")
def patients_alike(found, right, patients, n_draws, seed):
    """Every patient counts the same here: put the scans of the drawn patients together, and take
    the share of these.
    """
    return closest(found, right, patients) == ("mean_of_patients", 97.5)


@symptom("interval")
def one_scan_each(found, right, patients, n_draws, seed):
    """One scan of each patient was drawn: take all of its scans."""
    return closest(found, right, patients) == ("one_of_each", 97.5)


@symptom("interval")
def ninety(found, right, patients, n_draws, seed):
    """This is an interval of 90 %: 95 % leaves 2.5 % on each side."""
    return closest(found, right, patients) == ("patients_drawn", 95)


@symptom("interval")
def extremes(found, right, patients, n_draws, seed):
    """These are the smallest and the largest share: take the 2.5th and the 97.5th percentile."""
    return closest(found, right, patients) == ("patients_drawn", 99.9)


@symptom("interval")
def too_narrow(found, right, patients, n_draws, seed):
    """The interval is too narrow: draw patients *with* replacement, as many as there are, and
    leave 2.5 % of the shares on each side.
    """
    return n_draws > 100 and wider(found, right, patients) < 0.8


@symptom("interval")
def too_wide(found, right, patients, n_draws, seed):
    """The interval is too wide: draw as many patients as there are, and leave 2.5 % of the shares
    on each side.
    """
    return n_draws > 100 and wider(found, right, patients) > 1.25


def low_end(student, seed):
    """Lower end for twenty patients whose scans are all right or all wrong."""
    return student.interval(RIGHT, PATIENTS, 4000, seed)[0]


def width_of_patients(student, seed):
    """Width for the same."""
    low, high = student.interval(RIGHT, PATIENTS, 4000, seed)
    return high - low


def width_of_one_each(student, seed):
    """Width for 41 patients with one scan each, 30 of them right."""
    low, high = student.interval(np.arange(41) < 30, ALONE, 4000, seed)
    return high - low


CALIBRATED = [low_end, width_of_patients, width_of_one_each]


def ends(student, result):
    """Two shares, the lower first."""
    if not isinstance(result, list | tuple | np.ndarray) or len(result) != 2:
        fail(student, "does not give two results", "the lower and the upper end, in a tuple")
    low, high = (assert_number(student, e, low=0, high=1, because=TASK) for e in list(result))
    if high < low:
        fail(student, f"gives {low:.2f} before {high:.2f}", "the lower end first")
    return low, high


def as_wide_as(student, width, name):
    """Check the width of an interval."""
    least, most = band(__file__, name)
    if not least <= width <= most:
        wanted = f"from {least:.3f} to {most:.3f}, where right answers lie whatever the seed"
        fail(student, f"gives an interval that is {width:.3f} wide", wanted, TASK)


def test_kind(student):
    """Two shares, the lower first; the data stay as they were."""
    ends(student, student.interval(RIGHT, PATIENTS, 50, 0))
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_patients_are_drawn(student):
    """Where a patient's scans are all alike, the interval is as wide as for patients."""
    for seed in (1, 2, 3):
        low, high = ends(student, student.interval(RIGHT, PATIENTS, 4000, seed))
        assert_in_band(student, low, band(__file__, "low_end"), because=TASK)
        as_wide_as(student, high - low, "width_of_patients")


def test_one_scan_each(student):
    """With one scan each it is the ordinary bootstrap."""
    low, high = ends(student, student.interval(np.arange(41) < 30, ALONE, 4000, 2))
    as_wide_as(student, high - low, "width_of_one_each")


def test_all_right(student):
    """Where all are right, both ends are 1: a bootstrap cannot see what it was never shown."""
    found = ends(student, student.interval(np.full(len(RIGHT), True), PATIENTS, 50, 0))
    assert_close(student, found, (1.0, 1.0), because=TASK)


def test_seed(student):
    """The seed decides."""
    assert_repeatable(student, lambda: student.interval(RIGHT, PATIENTS, 40, 5))
    assert_seed_is_used(student, lambda seed: student.interval(RIGHT, PATIENTS, 40, seed))
