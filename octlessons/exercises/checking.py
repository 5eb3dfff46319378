"""Check a student's work here and now, with the checks that grading uses."""

from __future__ import annotations

import ast
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import Exercise, load_catalogue
from octlessons.exercises.examples import worked_examples
from octlessons.exercises.outcomes import CheckResult, Outcome, Report
from octlessons.exercises.source import is_untouched, read_source
from octlessons.exercises.stubs import given_text
from octlessons.wording import listing


def check(
    exercise: Exercise | str,
    work: str | os.PathLike | Mapping[str, object] | None = None,
    *,
    who: str | None = None,
    seconds: float = 20.0,
    show: bool = False,
) -> Report:
    """Run the checks of an exercise. This is for feedback, not for marks.

    Parameters
    ----------
    exercise : Exercise or str
        Or its id.
    work : path or mapping, optional
        A ``.py`` or ``.ipynb`` file, which runs in a process of its own; or the names that the work
        defines (of a running notebook), which runs here. The stub of the course if not given;
        where only the notebook beside it was edited, that.
    who : str, optional
        Name or number of the student, where data differ from student to student.
    seconds : float
        Time by the clock that one call may take. The first that takes longer ends the exercise.
    show : bool
        Give the call that failed as Python, to be tried (`CheckResult.case`).

    Raises
    ------
    OctlessonsError
        If there is no such exercise or file, or what the checks need is not installed.
    """
    if isinstance(exercise, str):
        exercise = load_catalogue()[exercise]
    start = time.perf_counter()
    if isinstance(work, Mapping):
        from octlessons.exercises.plugin import run_checks
        from octlessons.exercises.student import Student

        student = Student(work, "this notebook", seconds)
        results = run_checks(exercise, lambda _: student, who=who, show=show)
        printed = student.printed
    else:
        from octlessons.exercises.process import run_apart

        path = Path(work) if work is not None else attempt(exercise)
        source, printed = read_source(path), ""
        given = path in (exercise.stub, exercise.notebook) and is_untouched(path)
        results = _of_a_stub(exercise, source) if given else ()
        if not results:
            results, printed = run_apart(exercise, source, shown(path), who, seconds, show)
    return Report(exercise.id, results, printed, time.perf_counter() - start)


def attempt(exercise: Exercise) -> Path:
    """Return the file that a student works in: the notebook if only that was edited."""
    if not exercise.stub.is_file() and not exercise.notebook.is_file():
        raise OctlessonsError(
            f"There is no file for {exercise.id} in {exercise.stub.parent}: get it back with "
            f"`octlessons reset {exercise.id}`."
        )
    if not exercise.stub.is_file():
        return exercise.notebook
    if exercise.notebook.is_file() and is_untouched(exercise.stub):
        return exercise.stub if is_untouched(exercise.notebook) else exercise.notebook
    return exercise.stub


def _of_a_stub(exercise: Exercise, source: str) -> tuple[CheckResult, ...]:
    """What the checks say of a stub that nobody has touched, without a run.

    Empty where the points of the functions in the check file are not those of the exercise: such
    checks are made by more than plain functions, and only pytest knows them.
    """
    functions = listing(re.findall(r'NotImplementedError\("(`\w+`) is still', source))
    said = f"{functions} {'are' if ' and ' in functions else 'is'} still to be written."
    found = [
        CheckResult(name, function.__doc__ or "", Outcome.NOT_ATTEMPTED, said, 0, 0)
        for name, function in worked_examples(given_text(exercise))
    ]
    text = exercise.checks.read_text("utf-8") if exercise.checks.is_file() else ""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            title = (ast.get_docstring(node) or node.name).splitlines()[0]
            marks = " ".join(map(ast.unparse, node.decorator_list))
            points = int((re.search(r"mark\.points\((\d+)\)", marks) or [0, 1])[1])
            found.append(CheckResult(node.name, title, Outcome.NOT_ATTEMPTED, said, 0, points))
    return tuple(found) if sum(r.max_points for r in found) == exercise.points else ()


def shown(path: Path) -> str:
    """A path as a person would write it here."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
