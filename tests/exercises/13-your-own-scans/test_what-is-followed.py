"""Checks of the exercise what-is-followed."""

import numpy as np
import pytest

from octlessons.exercises.plain import described
from octlessons.testing import assert_equal, assert_input_unchanged, fail, mistake, reference

NAMES = ["diagnosis", "patient", "site", "thickness", "tilt", "white side"]
NUISANCES = ["site", "tilt", "white side"]
LISTED = "The rows whose AMI is larger than what chance reaches *in the same row*, strongest first."
DECIDED = "Among the rows beyond chance: is the diagnosis there, and does a nuisance beat it?"


def of_rows(names, ami, chance, nuisances, beyond=lambda a, c: a > c):
    """Both results, row by row."""
    rows = [(-a, n) for n, a, c in zip(names, ami, chance, strict=True) if beyond(a, c)]
    listed = [name for _, name in sorted(rows)]
    bad = [name in nuisances for name in listed]
    if "diagnosis" in listed and not any(bad[: listed.index("diagnosis")]):
        return listed, "diagnosis"
    return listed, "nuisance" if any(bad) else "nothing"


@reference("read_table")
def expected(names, ami, chance, nuisances):
    """The rows and the decision."""
    return of_rows(names, ami, chance, nuisances)


@mistake("read_table")
def without_chance(names, ami, chance, nuisances):
    """Chance was left out: a row counts only if its AMI is larger than its chance."""
    return of_rows(names, ami, chance, nuisances, lambda a, c: a > 0)


@mistake("read_table")
def one_level(names, ami, chance, nuisances):
    """One level of chance was used for all rows: each row has its own."""
    level = np.nanmedian(chance)
    return of_rows(names, ami, chance, nuisances, lambda a, c: a > level)


@mistake("read_table")
def weakest_first(names, ami, chance, nuisances):
    """The weakest comes first: turn the list round."""
    return expected(names, ami, chance, nuisances)[0][::-1], ...


@mistake("read_table")
def as_in_the_table(names, ami, chance, nuisances):
    """The rows are in the order of the table: sort them by their AMI, strongest first."""
    listed = expected(names, ami, chance, nuisances)[0]
    return [name for name in names if name in listed], ...


@mistake("read_table")
def any_nuisance(names, ami, chance, nuisances):
    """A nuisance that is followed less than the diagnosis does not decide."""
    listed, said = expected(names, ami, chance, nuisances)
    return ..., "nuisance" if set(listed) & set(nuisances) else said


@mistake("read_table")
def strongest_row(names, ami, chance, nuisances):
    """The strongest row decided, whatever it is: thickness is no nuisance, and decides nothing."""
    listed, _ = expected(names, ami, chance, nuisances)
    first = listed[0] if listed else "nothing"
    return ..., first if first in ("diagnosis", "nothing") else "nuisance"


@mistake("read_table")
def diagnosis_at_any_price(names, ami, chance, nuisances):
    """The diagnosis is beyond chance, but a nuisance is followed more: say so."""
    listed, said = expected(names, ami, chance, nuisances)
    return ..., "diagnosis" if "diagnosis" in listed else said


@pytest.fixture
def tables(rng):
    """Tables with one answer each, their rows in any order."""
    chance = [0.05, 0.3, 0.1, 0.08, 0.06, 0.12]
    wanted = {
        "a nuisance beats it": [0.2, 0.28, 0.4, 0.3, 0.1, 0.11],
        "thickness beats it, no nuisance does": [0.3, 0.6, 0.2, 0.5, 0.1, np.nan],
        "the diagnosis is not beyond chance": [0.04, 0.5, 0.05, 0.4, 0.2, 0.1],
        "nothing is": [0.04, 0.2, 0.09, 0.07, 0.05, 0.11],
        "thickness alone is": [0.04, 0.2, 0.09, 0.3, 0.05, 0.11],
        "a larger AMI within chance": [0.11, 0.2, 0.02, 0.01, 0.01, 0.115],
    }
    made = {}
    for case, ami in wanted.items():
        order = rng.permutation(6)
        noise = rng.uniform(0, 0.004, 6)
        made[case] = (
            [NAMES[i] for i in order],
            (np.array(ami) + noise)[order],
            (np.array(chance) + 0.004)[order],
            NUISANCES,
        )
    return made


def pair(student, found):
    """A list and a word."""
    if not isinstance(found, list | tuple) or len(found) != 2:
        fail(student, f"gives {described(found)}", "the list of what is followed, and one word")
    return list(found[0]), found[1]


def test_kind(student, tables):
    """The result is a list of names and one of three words; the table stays as it was."""
    for table in tables.values():
        _, said = pair(student, student.read_table(*table))
        if said not in ("diagnosis", "nuisance", "nothing"):
            fail(student, f"says {described(said)}", "'diagnosis', 'nuisance' or 'nothing'")
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_listed(student, tables):
    """Every row beyond its own chance is listed, strongest first, and no other."""
    for table in tables.values():
        listed, _ = pair(student, student.read_table(*table))
        assert_equal(student, listed, expected(*table)[0], because=LISTED)


@pytest.mark.points(2)
def test_decided(student, tables):
    """The decision is honest."""
    for table in tables.values():
        _, said = pair(student, student.read_table(*table))
        assert_equal(student, said, expected(*table)[1], because=DECIDED)
