"""Check a student's work here and now, with the checks that grading uses."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import Exercise, load_catalogue
from octlessons.exercises.outcomes import Report, StudentError, TimedOut
from octlessons.exercises.source import read_source
from octlessons.exercises.student import SECONDS, Student, load_student

_INI = Path(__file__).with_name("checks.ini")


def check(
    exercise: Exercise | str,
    work: str | os.PathLike | Mapping[str, object] | None = None,
    *,
    who: str | None = None,
    seconds: float = SECONDS,
) -> Report:
    """Run the checks of an exercise.

    Parameters
    ----------
    exercise : Exercise or str
        Or its id.
    work : path or mapping, optional
        A ``.py`` or ``.ipynb`` file, or the names that the work defines (of a running notebook).
        The stub of the course if not given; where only the notebook beside it was edited, that.
    who : str, optional
        Name or number of the student, where data differ from student to student.
    seconds : float
        Time that one call may take.

    Returns
    -------
    Report
        This is for feedback, not for marks: the work runs in this process.

    Raises
    ------
    OctlessonsError
        If there is no such exercise or file, or what the checks need is not installed.
    """
    if isinstance(exercise, str):
        exercise = load_catalogue()[exercise]
    start = time.perf_counter()
    loaded: list[Student] = []
    if isinstance(work, Mapping):
        student = Student(work, "this notebook", seconds)
        loaded.append(student)

        def provide(_):
            return student

    else:
        path = Path(work) if work is not None else attempt(exercise)
        source, shown = read_source(path), _shown(path)
        trouble: list[Exception] = []

        def provide(_):
            if trouble:
                raise trouble[0]
            if not loaded:
                try:
                    loaded.append(load_student(source, shown, seconds))
                except (StudentError, TimedOut) as error:
                    trouble.append(error)
                    raise
            return loaded[0]

    results = run_checks(exercise, provide, who=who)
    printed = loaded[0].printed if loaded else ""
    return Report(exercise.id, results, printed, time.perf_counter() - start)


def attempt(exercise: Exercise) -> Path:
    """Return the file that a student works in: the notebook if only that was edited."""
    from octlessons.exercises.stubs import is_untouched

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


def run_checks(
    exercise: Exercise,
    provide: Callable[[str], object],
    *,
    who: str | None = None,
    key: str = "",
) -> tuple:
    """Run the check file of an exercise with pytest, in this process.

    Parameters
    ----------
    exercise : Exercise
    provide : callable
        From the id of the exercise to the student's functions.
    who, key : str
        Of the variant.

    Returns
    -------
    tuple of CheckResult

    Raises
    ------
    OctlessonsError
        If there are no checks, or they cannot be read.
    """
    import pytest

    from octlessons.exercises.plugin import CheckPlugin

    if not exercise.checks.is_file():
        raise OctlessonsError(f"The checks of {exercise.id} are missing: {exercise.checks}.")
    plugin = CheckPlugin(provide, who, key)
    arguments = [
        *("-c", str(_INI), "--rootdir", str(exercise.checks.parent), "--noconftest", "-s"),
        *("-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler"),
        *("--disable-plugin-autoload", "--import-mode=importlib", str(exercise.checks)),
    ]
    os.environ.setdefault("MPLBACKEND", "Agg")
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(said), _no_input(), quiet_options():
        warnings.simplefilter("ignore")
        _forget(exercise.checks)
        pytest.main(arguments, plugins=[plugin])
    if plugin.problem or not plugin.results:
        why = plugin.problem or said.getvalue() or "they hold no test"
        raise OctlessonsError(
            f"The checks of {exercise.id} could not be read: {why.strip()[-600:]}"
        )
    return tuple(plugin.results)


def _forget(checks: Path) -> None:
    """Drop a check file that was read before: pytest would not read it again."""
    for name, module in list(sys.modules.items()):
        if name.rpartition(".")[2] == checks.stem and getattr(module, "__file__", None):
            del sys.modules[name]


@contextlib.contextmanager
def _no_input():
    """`input()` ends at once instead of waiting for somebody."""
    before, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = before


@contextlib.contextmanager
def quiet_options():
    """Options that a project gives its own pytest are not for the checks."""
    before = os.environ.pop("PYTEST_ADDOPTS", None)
    try:
        yield
    finally:
        if before is not None:
            os.environ["PYTEST_ADDOPTS"] = before


def _shown(path: Path) -> str:
    """A path as a person would write it here."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
