"""Hostile answers to all exercises: nobody can choose "no mark", and nothing is earned by it."""

import pytest

from octlessons.exercises.catalogue import load_catalogue
from octlessons.grading.assignment import load_assignment
from octlessons.grading.classrun import grade
from octlessons.grading.submission import Submission, Work
from tests.conftest import ROOT
from tests.grading.hostile import FEW, WAYS, spoiled

# What changes nothing in a right answer of some kinds.
_HARMLESS = ("float16", "transposed", "flat", "long double", "bools", "true")


def _class(ways, kinds):
    for way in ways:
        for whole in kinds:
            works = {
                entry.id: Work(
                    entry.id,
                    f"{entry.id}.py",
                    spoiled(entry.solution.read_text("utf-8"), way, whole),
                )
                for entry in load_catalogue(ROOT)
            }
            name = f"{way} {'whole' if whole else 'leaves'}"
            yield Submission(name, name.replace(" ", "-").lower(), works, student=name)


def _judged(some, out, isolation):
    result = grade(some, load_assignment(), out, isolation=isolation, jobs=2)
    unmarked = {place: r.no_mark for place, r in result.records.items() if r.outcome == "no mark"}
    assert not unmarked, unmarked
    return {
        place
        for place, record in result.records.items()
        if record.points == record.max_points and not place[0].startswith(_HARMLESS)
    }


def test_some_hostile_answers_to_every_exercise(isolation, tmp_path):
    assert not _judged(list(_class(FEW, (True,))), tmp_path, isolation)


@pytest.mark.slow
def test_all_hostile_answers_to_every_exercise(isolation, tmp_path):
    assert not _judged(list(_class(WAYS, (True, False))), tmp_path, isolation)
