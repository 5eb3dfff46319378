"""Every exercise, from outside: stub, solution, right answers, wrong answers, worked examples."""

import contextlib
import doctest
import io
import re
from dataclasses import replace
from functools import cache

import nbformat
import pytest

from octlessons.exercises import Outcome, Report, check, load_catalogue
from octlessons.exercises.plugin import run_checks
from octlessons.exercises.source import read_source
from octlessons.exercises.stubs import answers, drift
from octlessons.exercises.student import load_student
from tests.authoring.answers import known_mistakes, right_answers, told, wrong_answers

CATALOGUE = load_catalogue()
SLOW = {"the-whole-road"}  # thousands of resampled scores
EACH = pytest.mark.parametrize(
    "exercise",
    [pytest.param(e, id=e.id, marks=[pytest.mark.slow] * (e.id in SLOW)) for e in CATALOGUE],
)
STUDENTS = ["Ada", "123456", "zoë", "o'neill", "4"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Threads of small arrays wait for each other longer than they work."""
    import sklearn.cluster  # noqa: F401  (limits hold for what is loaded)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def _installed(exercise):
    if exercise.needs == "deep":
        pytest.importorskip("torch")


def run(exercise, path, who=None):
    """Run the checks in this thread, which `check` does in a process of its own, by the clock."""
    source = read_source(path)
    student = cache(lambda _: load_student(source, path.name, seconds=None))
    return Report(exercise.id, run_checks(exercise, student, who=who))


def test_stubs_are_what_the_solutions_give():
    assert drift(CATALOGUE) == []


def test_every_chapter_has_exercises():
    chapters = {exercise.chapter for exercise in CATALOGUE}
    for chapter in sorted((CATALOGUE.root / "book").glob("[0-9][0-9]-*.md")):
        if not chapter.name.startswith("00"):
            assert chapter.stem in chapters, f"{chapter.name} has no checked exercise"
            assert 2 <= len(CATALOGUE.of_chapter(chapter.stem)) <= 4


@EACH
def test_stub_is_not_attempted(exercise):
    _installed(exercise)
    at_once, made = check(exercise), run(exercise, exercise.stub)
    assert {result.outcome for result in made.results} == {Outcome.NOT_ATTEMPTED}, made
    assert made.points == 0
    # what is said of an untouched stub without a run is what a run says
    assert [_but_message(r) for r in at_once.results] == [_but_message(r) for r in made.results]
    assert made.first_problem.message.split("`")[1] in at_once.first_problem.message


def _but_message(result):
    return replace(result, message="")


@EACH
def test_stub_as_notebook_is_not_attempted(exercise):
    _installed(exercise)
    nbformat.validate(nbformat.read(exercise.notebook, as_version=4))
    assert run(exercise, exercise.notebook).outcome is Outcome.NOT_ATTEMPTED
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
    drawn = re.search(r"def \w+\([^)]*\brng\b", exercise.checks.read_text("utf-8"))
    for who in STUDENTS if drawn else STUDENTS[:1]:  # without `rng`, all have the same data
        report = run(exercise, exercise.solution, who)
        assert report.outcome is Outcome.PASSED, f"{who}: {report}"
    assert report.max_points == exercise.points


@EACH
def test_right_answers_pass(exercise):
    _installed(exercise)
    paths = right_answers(exercise)
    assert len(paths) >= 2
    for path in paths:
        report = run(exercise, path)
        assert report.outcome is Outcome.PASSED, f"{path.name}: {report}"


@EACH
def test_wrong_answers_are_told_why(exercise):
    _installed(exercise)
    paths = wrong_answers(exercise)
    assert len(paths) >= 3
    for path in paths:
        report = run(exercise, path)
        assert report.outcome is Outcome.FAILED, f"{path.name}: {report}"
        messages = "\n".join(" ".join(r.message.split()) for r in report.results)
        expected = [" ".join(part.split()) for part in told(path).split("|")]
        assert any(part in messages for part in expected), f"{path.name}: {report}"


@EACH
def test_known_mistakes_are_caught_and_named(exercise):
    _installed(exercise)
    for name, sentence, student in known_mistakes(exercise):
        report = Report(exercise.id, run_checks(exercise, lambda _, made=student: made))
        assert report.outcome in (Outcome.FAILED, Outcome.ERROR), f"{name}: {report}"
        assert sentence in str(report), f"{name}: {report}"


@EACH
def test_hints_do_not_point_to_another_place(exercise):
    for hint in exercise.hints:
        assert not re.search(r"\babove\b|this page|the cell|this notebook", hint), hint


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
