"""The judge as a plugin of pytest: every unit's checks in one session, each within limits.

Who is to blame when a check stops with an error of its own, rather than with an assertion? Not the
student without a second opinion:

- If no answer of the submission had reached the check, it is the check's fault: no mark.
- If the same check, with the same data, passes the course's own solution, it was this answer that
  stopped it: the check counts as failed, with a sentence about what came.
- If it does not pass the solution either, it is the check's fault: no mark.
- Where the solution is not here, only running out of memory or depth is blamed on the answer.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from octlessons.exercises.outcomes import (
    CheckResult,
    NotAttempted,
    StudentError,
    TimedOut,
)
from octlessons.exercises.plain import described
from octlessons.exercises.plugin import KEY, PROVIDER, WHO, CheckPlugin
from octlessons.exercises.student import load_student
from octlessons.grading.assignment import Task
from octlessons.grading.records import Marked, Record, Timing
from octlessons.grading.remote import (
    MOST_PRINTED,
    Judged,
    Nothing,
    RemoteStudent,
    Unprotected,
)
from octlessons.grading.sandbox.zygote import Infrastructure, Zygote
from octlessons.grading.text import sanitize
from octlessons.grading.units import Setting, Unit, seed_of

#: Memory that a check may take in the judge's process, and seconds that it may compute there
#: beyond what the submission's own calls take.
MEMORY_BYTES, SECONDS = 2**30, 20.0

# What a check raises about a submission. Anything else needs a second opinion.
_OF_THE_STUDENT = (AssertionError, NotAttempted, StudentError, TimedOut, pytest.fail.Exception)


class JudgePlugin(CheckPlugin):
    """Runs the checks of every unit in one session.

    `files` says of each check file to which exercise it belongs, and whether it is hidden; all else
    is as for `judge.judge`. `reached` tells whether the checks were read and units asked for.
    """

    def __init__(
        self,
        units: Iterable[Unit],
        setting: Setting,
        zygote: Callable[[], Zygote] | None,
        keep: Callable[[Marked], None],
        files: Mapping[Path, tuple[str, bool]],
    ):
        super().__init__(lambda _: None, None, setting.course_key)
        self._units, self._setting, self._zygote, self._keep = units, setting, zygote, keep
        self._files = files
        self._items: dict[tuple[str, bool], list[pytest.Item]] = {}
        self._error: BaseException | None = None
        self._opinions: dict[tuple[str, str, str], bool] = {}
        self.reached = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Mark units instead of running every check once."""
        if self.problem or session.testsfailed:
            return True
        for item in session.items:
            self._items.setdefault(self._files[Path(item.path)], []).append(item)
        self.reached = True
        for unit in self._units:
            self._keep(self._mark(unit))
        return True

    def _mark(self, unit: Unit) -> Marked:
        start = time.perf_counter()
        trouble, student, checks = "", None, []
        try:
            student = self._student(unit)
            start = time.perf_counter()  # a sandbox that had to start first does not count
            checks = list(self._checks(unit, student))
        except Infrastructure as error:
            trouble = str(error)
        finally:
            if student is not None:
                student.close()
        record = Record(
            key=unit.key,
            submission=unit.submission,
            exercise=unit.exercise,
            checks=() if trouble else tuple(checks),
            printed=sanitize(student.printed, MOST_PRINTED) if student else "",
            isolation=self._setting.isolation,
            no_mark=sanitize(trouble),
            file=unit.work.file,
        )
        seconds = round(time.perf_counter() - start, 4)
        cpu = round(student.cpu_seconds, 4) if student else 0.0
        return Marked(record, Timing(unit.key, *unit.place, seconds, cpu))

    def _student(self, unit: Unit) -> Judged:
        work, task = unit.work, self._setting.tasks[unit.exercise]
        if work.unexpected:
            raise Infrastructure(work.problem)
        if work.source is None:
            return Nothing((NotAttempted if work.missing else StudentError)(work.problem))
        if self._zygote is None or _is_ours(work.source, task):
            return Unprotected(work, task.limits)
        seed = seed_of(self._setting.course_key, unit.student, unit.exercise)
        return RemoteStudent(self._zygote, work, task.limits, seed)

    def _checks(self, unit: Unit, student: Judged) -> Iterator[CheckResult]:
        limits = self._setting.tasks[unit.exercise].limits
        for hidden in (False, True):
            for item in self._items.get((unit.exercise, hidden), ()):
                student.begin(hidden)
                with _time_limit(limits.wall_seconds + SECONDS):
                    error = self._run(item, unit, student)
                if error is not None and not isinstance(error, _OF_THE_STUDENT):
                    error = self._blame(error, item, unit, student)
                result = self._result(item, error, student)
                yield replace(result, message=sanitize(result.message), hidden=hidden)
        student.begin(False)

    def _run(self, item: pytest.Item, unit: Unit, student: object) -> BaseException | None:
        """Run a check; return what it raised."""
        stash = item.config.stash
        stash[PROVIDER], stash[WHO] = lambda _: student, unit.student
        stash[KEY] = self._setting.course_key
        self._error = None
        with _memory_limit(MEMORY_BYTES):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        error, self._error = self._error, None
        if error is not None:
            # Their frames hold what filled the memory.
            error.__traceback__ = None
            for name in ("last_exc", "last_value", "last_traceback"):
                vars(sys).pop(name, None)
        return error

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo):
        """Keep what was raised; pytest's own report would format a traceback nobody reads."""
        error = call.excinfo and call.excinfo.value
        if error is not None and self._error is None:
            self._error = error
        outcome = "passed" if error is None else "failed"
        found: Any = {"outcome": outcome, "longrepr": None, "when": call.when}
        return pytest.TestReport(item.nodeid, item.location, {}, **found, duration=call.duration)

    def _blame(
        self, error: BaseException, item: pytest.Item, unit: Unit, student: Judged
    ) -> BaseException:
        """Turn what stopped a check into a failure of the answer, or say that it was the check."""
        if isinstance(error, Infrastructure):
            raise error
        if student.answers and self._passes_the_solution(error, item, unit):
            call = student.last_call
            came = f"{call} gives {described(call.result)}" if call else "What came back"
            why = "needs more memory than" if isinstance(error, MemoryError) else "is not"
            forgot = " Is there a `return` at the end?" if call and call.result is None else ""
            return AssertionError(
                f"{came}. That {why} what the docstring promises: compare kind, shape and size. "
                f"(This check could not go on: {type(error).__name__}.){forgot}"
            )
        said = sanitize(str(error), 300)
        raise Infrastructure(f"The check {item.name} itself stopped with {_name(error)}: {said}")

    def _passes_the_solution(self, error: BaseException, item: pytest.Item, unit: Unit) -> bool:
        source = self._setting.tasks[unit.exercise].solution
        if not source:
            return isinstance(error, MemoryError | RecursionError)
        asked = (unit.exercise, item.nodeid, unit.student)
        if asked not in self._opinions:
            try:
                solution = load_student(source, f"the solution of {unit.exercise}", None)
                self._opinions[asked] = self._run(item, unit, solution) is None
            except (StudentError, TimedOut):
                self._opinions[asked] = False
        return self._opinions[asked]


def _is_ours(source: str, task: Task) -> bool:
    """Whether it is the course's own stub, untouched, that needs nothing which is not here yet."""
    return source == task.stub and all(name in sys.modules for name in task.preload)


def _name(error: BaseException) -> str:
    return type(error).__name__


@contextlib.contextmanager
def _memory_limit(most: int) -> Iterator[None]:
    """Let this process take only so much more memory; then `MemoryError`. Nothing off Linux."""
    try:
        import resource

        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            taken = next(int(line.split()[1]) for line in file if line.startswith("VmData:"))
        before, hard = resource.getrlimit(resource.RLIMIT_DATA)
    except (ImportError, OSError, StopIteration):
        yield
        return
    wanted = 1024 * taken + most
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, hard))


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Stop the judge's own computing between two instructions; longer calls, `panel` ends."""
    main = threading.current_thread() is threading.main_thread()
    if not hasattr(signal, "setitimer") or not main:
        yield
        return

    def stop(number, frame):
        raise TimedOut(f"Checking what came back took more than {seconds:g} seconds.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
