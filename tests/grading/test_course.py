"""The course's own exercises through the grader: what self-checks say, marks say too."""

import pytest

from octlessons.exercises.catalogue import load_catalogue
from octlessons.exercises.outcomes import Outcome
from octlessons.grading.assignment import load_assignment
from octlessons.grading.classrun import grade
from octlessons.grading.submission import Submission, Work
from tests.authoring.answers import told, wrong_answers
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

CATALOGUE = load_catalogue(ROOT)


@pytest.fixture(scope="module")
def graded(isolation, tmp_path_factory):
    """Solutions, stubs and one wrong answer of every exercise, in one class run."""
    ids = [exercise.id for exercise in CATALOGUE]
    sources = {
        "solutions": {e.id: e.solution.read_text("utf-8") for e in CATALOGUE},
        "stubs": {e.id: e.stub.read_text("utf-8") for e in CATALOGUE},
        "wrong": {e.id: _wrong(e).read_text("utf-8") for e in CATALOGUE},
    }
    submissions = [
        Submission(
            name,
            name,
            {exercise: Work(exercise, f"{exercise}.py", text) for exercise, text in works.items()},
        )
        for name, works in sources.items()
    ]
    assignment = load_assignment(exercises=ids)
    return grade(submissions, assignment, tmp_path_factory.mktemp("graded"), isolation=isolation)


def _wrong(exercise):
    folder = ROOT / "tests" / "wrong_answers" / exercise.chapter / exercise.id
    return sorted(folder.glob("*.py"))[0]


def said(record) -> str:
    return record.no_mark + "\n".join(check.message for check in record.checks)


@pytest.mark.parametrize("name", [exercise.id for exercise in CATALOGUE])
def test_a_solution_gets_all_points_a_stub_none_and_a_wrong_answer_less(graded, name):
    solution, stub, wrong = (graded.records[who, name] for who in ("solutions", "stubs", "wrong"))
    assert solution.outcome is Outcome.PASSED, said(solution)
    assert solution.points == solution.max_points == CATALOGUE[name].points
    assert stub.points == 0 and stub.outcome is Outcome.NOT_ATTEMPTED, said(stub)
    assert wrong.points < wrong.max_points and not wrong.no_mark, said(wrong)
    assert wrong.outcome is not Outcome.TIMED_OUT, said(wrong)
    words = " ".join(said(wrong).split())
    parts = [" ".join(part.split()) for part in told(_wrong(CATALOGUE[name])).split("|")]
    assert any(part in words for part in parts), said(wrong)


@pytest.mark.parametrize("name", ["dark-part", "be-the-grader"])
def test_mistakes_are_named_without_isolation_too(name, tmp_path):
    exercise = CATALOGUE[name]
    for path in wrong_answers(exercise):
        works = {name: Work(name, f"{name}.py", path.read_text("utf-8"))}
        submissions, assignment = [Submission("a", "a", works)], load_assignment(exercises=[name])
        record = grade(submissions, assignment, tmp_path / path.stem, isolation="none")
        words = " ".join(said(record.records["a", name]).split())
        assert any(part.strip() in words for part in told(path).split("|")), words
