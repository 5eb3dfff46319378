"""Hostile answers to all exercises: nobody can choose "no mark", and nothing is earned by it."""

import pytest

from octlessons.exercises.catalogue import load_catalogue
from octlessons.grading.assignment import load_assignment
from octlessons.grading.classrun import grade
from octlessons.grading.submission import Submission, Work
from tests.conftest import ROOT
from tests.grading.hostile import CONSTANT, FEW, HARMLESS, UNSENDABLE, WAYS, spoiled

pytestmark = pytest.mark.slow


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


def _judged(ways, kinds, out, isolation):
    """Grade a class of hostile answers; say which were marked wrongly."""
    some = list(_class(ways, kinds))
    records = grade(some, load_assignment(), out, isolation=isolation, jobs=2).records
    names = {entry.slug: entry.name.rsplit(" ", 1) for entry in some}
    nothing = next(slug for slug, name in names.items() if name == ["nothing", "whole"])
    wrong = {}
    for (slug, exercise), record in records.items():
        way, part = names[slug]
        if record.outcome == "no mark":
            wrong[exercise, way, part] = record.no_mark
        elif record.points == record.max_points and way not in HARMLESS:
            wrong[exercise, way, part] = "all points"
        elif way in UNSENDABLE and part == "whole" and record.points:
            wrong[exercise, way, part] = f"{record.points} points for what cannot be sent"
        elif (
            way in CONSTANT
            and part == "whole"
            and record.points > records[nothing, exercise].points
        ):
            wrong[exercise, way, part] = f"{record.points} points for a constant"
    return wrong


def test_some_hostile_answers_to_every_exercise(isolation, tmp_path):
    assert not _judged(FEW, (True,), tmp_path, isolation)


@pytest.mark.exhaustive
def test_all_hostile_answers_to_every_exercise(isolation, tmp_path):
    assert not _judged(WAYS, (True, False), tmp_path, isolation)
