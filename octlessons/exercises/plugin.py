"""What pytest needs to run the checks: fixtures, the mark for points, a collector of results.

The same check files run in three places: here on a student's work (`checking`), in the project's
own tests on the solutions, and in the grader. The place decides where `student` comes from, by
putting a function into ``config.stash[PROVIDER]``.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octlessons.errors import OctlessonsError
from octlessons.exercises.cases import as_code
from octlessons.exercises.catalogue import Exercise
from octlessons.exercises.examples import worked_examples
from octlessons.exercises.mistakes import explained_stop
from octlessons.exercises.outcomes import (
    NOT_TRIED,
    CheckResult,
    NotAttempted,
    Outcome,
    StudentError,
    TimedOut,
)
from octlessons.exercises.stubs import given_text
from octlessons.exercises.variants import variant_rng

_INI = Path(__file__).with_name("checks.ini")

#: Parts of pytest that checks can do without; the last one collects all garbage after each run.
WITHOUT = (
    "cacheprovider terminal faulthandler junitxml doctest unittest logging warnings pastebin "
    "stepwise threadexception unraisableexception"
)

#: Function from the id of an exercise to an object with the student's functions.
PROVIDER: pytest.StashKey[Callable[[str], object]] = pytest.StashKey()

#: Name of the student whose variant is drawn; None for the environment's.
WHO: pytest.StashKey[str | None] = pytest.StashKey()

#: Secret of the course that goes into the variants.
KEY: pytest.StashKey[str] = pytest.StashKey()


def exercise_id(request) -> str:
    """The id of the exercise that a check belongs to."""
    return exercise_of(request.path)


def exercise_of(path: Path) -> str:
    """The id of the exercise that a check file belongs to, from the file's name."""
    return path.stem.removeprefix("test_")


@pytest.fixture
def student(request):
    """The student's functions; beside them, the mistakes that the check file knows."""
    found: Any = request.config.stash[PROVIDER](exercise_id(request))
    found.known = request.module
    return found


@pytest.fixture
def rng(request) -> np.random.Generator:
    """Random numbers of this student in this exercise; every check starts them anew."""
    stash = request.config.stash
    return variant_rng(exercise_id(request), stash.get(WHO, None), stash.get(KEY, ""))


@pytest.fixture(scope="session")
def scans():
    """Forty small phantoms, ten of each class: ``images``, ``labels``, ``patients`` as arrays."""
    return drawn_scans()


@cache
def drawn_scans():
    """Draw them, once per process."""
    from octlessons.images import draw_phantoms

    return draw_phantoms(n_per_class=10, size=64, seed=3)


class CheckPlugin:
    """Runs checks on one piece of work and keeps what came out.

    `provider` gives the student's functions for the id of an exercise, `who` and `key` (a secret of
    the course) decide on the variant. ``tell(planned=[…])`` is called before the first check, with
    what stands for each as long as it was not tried, and ``tell(result=…)`` after each. The worked
    examples of `stub` are checks too, the first ones, without points. With `cases`, a folder, what
    fails comes with its call as Python.
    """

    def __init__(
        self,
        provider: Callable[[str], object],
        who: str | None = None,
        key: str = "",
        tell: Callable[..., None] = lambda **what: None,
        stub: str = "",
        cases: Path | None = None,
    ):
        self._provider, self._who, self._key, self._tell = provider, who, key, tell
        self._stub, self._cases = stub, cases
        self.results: list[CheckResult] = []
        self.problem = ""

    student = staticmethod(student)
    rng = staticmethod(rng)
    scans = staticmethod(scans)

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the mark and hand over the provider."""
        config.addinivalue_line("markers", "points(n): points of a check, 1 without the mark")
        config.stash[PROVIDER] = self._provider
        config.stash[WHO] = self._who
        config.stash[KEY] = self._key

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a check file that cannot be read."""
        if report.failed:
            self.problem = str(report.longrepr)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the worked examples before the checks."""
        if not items:
            return
        made = []
        for name, function in worked_examples(self._stub):
            parent: Any = items[0].parent
            made.append(pytest.Function.from_parent(parent, name=name, callobj=function))
            made[-1].add_marker(pytest.mark.points(0))
        items[:0] = made

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say which checks there are."""
        self._tell(planned=[self._result(item, TimedOut(NOT_TRIED)) for item in session.items])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo):
        """Turn what a check raised into an outcome and a sentence."""
        report = yield
        last = report.when == "call" or (report.when == "setup" and report.outcome != "passed")
        if last:
            self.results.append(self._result(item, call.excinfo and call.excinfo.value))
            self._tell(result=self.results[-1])
        return report

    def _result(
        self, item: pytest.Item, error: BaseException | None, student: object = None
    ) -> CheckResult:
        function = getattr(item, "function", None)
        title = (getattr(function, "__doc__", None) or item.name).strip().splitlines()[0]
        mark = item.get_closest_marker("points")
        points = int(mark.args[0]) if mark else 1
        outcome, message = judged(error)
        earned = points if outcome is Outcome.PASSED else 0
        student, case = student or (getattr(item, "funcargs", None) or {}).get("student"), ""
        if isinstance(error, StudentError) and (why := explained_stop(student, message)):
            message += f"\n{why}"
        if self._cases and outcome not in (Outcome.PASSED, Outcome.NOT_ATTEMPTED):
            case = as_code(student, self._cases, exercise_of(item.path))
        return CheckResult(item.name, title, outcome, message, earned, points, case=case)


_OUTCOMES: dict[type, Outcome] = {
    NotAttempted: Outcome.NOT_ATTEMPTED,
    TimedOut: Outcome.TIMED_OUT,
    StudentError: Outcome.ERROR,
    AssertionError: Outcome.FAILED,
    pytest.fail.Exception: Outcome.FAILED,
}


def judged(error: BaseException | None) -> tuple[Outcome, str]:
    """Give the outcome of a check that raised `error`, and the sentence for the student."""
    if error is None:
        return Outcome.PASSED, ""
    for kind, outcome in _OUTCOMES.items():
        if isinstance(error, kind):
            return outcome, str(error)
    if isinstance(error, pytest.skip.Exception):
        return Outcome.ERROR, f"This check could not run: {error}"
    what = f"The check itself stopped with {type(error).__name__}: {error}."
    return Outcome.ERROR, f"{what} That is not your mistake: please report it."


def run_checks(
    exercise: Exercise,
    provide: Callable[[str], object],
    *,
    who: str | None = None,
    key: str = "",
    tell: Callable[..., None] = lambda **what: None,
    show: bool = False,
) -> tuple[CheckResult, ...]:
    """Run the check file of an exercise with pytest, in this process; see `CheckPlugin`.

    With `show`, what fails comes with its call as Python.
    """
    if not exercise.checks.is_file():
        raise OctlessonsError(f"The checks of {exercise.id} are missing: {exercise.checks}.")
    cases = exercise.root / "exercises" / ".cases" if show else None
    plugin = CheckPlugin(provide, who, key, tell, given_text(exercise), cases)
    arguments = [
        *("-c", str(_INI), "--rootdir", str(exercise.checks.parent), "--noconftest", "-s"),
        *("--disable-plugin-autoload", "--import-mode=importlib", str(exercise.checks)),
        *(f"-pno:{name}" for name in WITHOUT.split()),
    ]
    os.environ.setdefault("MPLBACKEND", "Agg")
    said = io.StringIO()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stderr(said),
        quiet_options(),
        pytest.MonkeyPatch.context() as patch,
    ):
        warnings.simplefilter("ignore")
        patch.setattr(sys, "stdin", io.StringIO())  # `input()` waits for nobody
        try:
            pytest.main(arguments, plugins=[plugin])
        finally:
            forget(exercise.checks.parent)
    if plugin.problem or not plugin.results:
        why = (plugin.problem or said.getvalue() or "they hold no test").strip()[-600:]
        raise OctlessonsError(f"The checks of {exercise.id} could not be read: {why}")
    return tuple(plugin.results)


def forget(folder: Path) -> None:
    """Drop the modules of check files in a folder, which pytest would not read again.

    Their names have hyphens, as ids do. So no statement imports them: pytest does, by their paths
    (``--import-mode=importlib``).
    """
    start = str(folder) + os.sep
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(start):
            del sys.modules[name]


@contextlib.contextmanager
def quiet_options():
    """Options that a project gives its own pytest are not for the checks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_ADDOPTS", raising=False)
        yield
