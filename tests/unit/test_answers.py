"""Every exercise, from outside: stub, solution, right answers, wrong answers, worked examples."""

import contextlib
import doctest
import io

import nbformat
import pytest

from octlessons.exercises import Outcome, check, load_catalogue
from octlessons.exercises.source import read_source
from octlessons.exercises.stubs import answers, drift, stub_text
from tests.authoring.answers import right_answers, told, wrong_answers

CATALOGUE = load_catalogue()
EACH = pytest.mark.parametrize("exercise", CATALOGUE, ids=lambda exercise: exercise.id)
STUDENTS = ["Ada", "123456", "zoë", "o'neill", "4"]


def _installed(exercise):
    if exercise.needs == "deep":
        pytest.importorskip("torch")


def test_stubs_are_what_the_solutions_give():
    assert drift(CATALOGUE) == []


def test_every_chapter_has_exercises():
    chapters = {exercise.chapter for exercise in CATALOGUE}
    for chapter in sorted((CATALOGUE.root / "book").glob("[0-9][0-9]-*.md")):
        if not chapter.name.startswith("00"):
            assert chapter.stem in chapters, f"{chapter.name} has no checked exercise"
            assert 2 <= len(CATALOGUE.of_chapter(chapter.stem)) <= 4


@EACH
def test_stub_is_not_attempted(exercise, tmp_path):
    _installed(exercise)
    path = tmp_path / "stub.py"
    path.write_text(stub_text(exercise), "utf-8")
    report = check(exercise, path)
    assert {result.outcome for result in report.results} == {Outcome.NOT_ATTEMPTED}, report
    assert report.points == 0


@EACH
def test_stub_as_notebook_is_not_attempted(exercise):
    _installed(exercise)
    nbformat.validate(nbformat.read(exercise.notebook, as_version=4))
    assert check(exercise, exercise.notebook).outcome is Outcome.NOT_ATTEMPTED


@EACH
def test_stub_holds_no_answer(exercise):
    stub = exercise.stub.read_text("utf-8")
    assert "TODO" in stub
    assert not [
        line for line in answers(read_source(exercise.solution)) if len(line) > 25 and line in stub
    ]


@EACH
def test_solution_passes_for_every_student(exercise):
    _installed(exercise)
    for who in STUDENTS:
        report = check(exercise, exercise.solution, who=who)
        assert report.outcome is Outcome.PASSED, f"{who}: {report}"
    assert report.max_points == exercise.points


@EACH
def test_right_answers_pass(exercise):
    _installed(exercise)
    paths = right_answers(exercise)
    assert len(paths) >= 2
    for path in paths:
        report = check(exercise, path)
        assert report.outcome is Outcome.PASSED, f"{path.name}: {report}"


@EACH
def test_wrong_answers_are_told_why(exercise):
    _installed(exercise)
    paths = wrong_answers(exercise)
    assert len(paths) >= 3
    for path in paths:
        report = check(exercise, path)
        assert report.outcome is Outcome.FAILED, f"{path.name}: {report}"
        messages = "\n".join(" ".join(r.message.split()) for r in report.results)
        expected = [" ".join(part.split()) for part in told(path).split("|")]
        assert any(part in messages for part in expected), f"{path.name}: {report}"


@EACH
def test_worked_examples_are_true(exercise):
    _installed(exercise)
    namespace = {"__name__": exercise.id}
    exec(compile(read_source(exercise.solution), exercise.solution.name, "exec"), namespace)
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    found, said = 0, io.StringIO()
    for function in [value for value in namespace.values() if _is_own(value, exercise)]:
        for test in finder.find(function, function.__name__, module=False, globs=dict(namespace)):
            found += len(test.examples)
            with contextlib.redirect_stdout(said):
                runner.run(test)
    assert found, "no worked example"
    assert runner.summarize(verbose=False).failed == 0, said.getvalue()


def _is_own(value, exercise):
    code = getattr(value, "__code__", None)
    return code is not None and code.co_filename == exercise.solution.name
