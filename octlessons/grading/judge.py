"""The trusted side: pytest holds what a submission returns against what it should.

Checks are the files that students run themselves, and their `student` is a `RemoteStudent` here:
its functions run in a child of a sandbox, and only plain data comes back. Expected values, checks
and marks are never in a process that a submission can reach.
"""

from __future__ import annotations

import contextlib
import hmac
import io
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.exercises.outcomes import NotAttempted, Outcome, StudentError, TimedOut
from octlessons.exercises.plain import copied
from octlessons.exercises.student import Call, load_student
from octlessons.grading import wire
from octlessons.grading.assignment import Limits, Task
from octlessons.grading.records import CheckRecord, Record, Timing
from octlessons.grading.sandbox.warm import Child, Ended, Infrastructure, Warm
from octlessons.grading.submission import Work
from octlessons.grading.text import clean

#: Checks of one exercise that may run out of time before the others are not tried any more.
_MOST_TIMEOUTS = 2

_MOST_PRINTED = 10_000

# The number of SIGKILL where submissions run, whatever this side runs on.
_KILLED = 9

# Where check files lie while they run, and so the first part of their modules' names.
_FOLDERS = ("public_checks", "hidden_checks")


@dataclass(frozen=True)
class Unit:
    """One exercise of one submission: all that its mark depends on.

    Attributes
    ----------
    key : str
        Of the record it will give.
    submission : str
        `Submission.slug`.
    student : str
        Whose variant is drawn.
    work : Work
    task : Task
    """

    key: str
    submission: str
    student: str
    work: Work
    task: Task


@dataclass(frozen=True)
class Marked:
    """A record, and how long it took.

    Attributes
    ----------
    record : Record
    timing : Timing
    """

    record: Record
    timing: Timing

    @property
    def timed_out(self) -> bool:
        """Whether any check ran out of time."""
        return any(check.outcome is Outcome.TIMED_OUT for check in self.record.checks)


class RemoteStudent:
    """A submission in a sandbox, as checks see it: ``student.function(…)``.

    It has the same few names as `exercises.student.Student`, so checks cannot tell the two apart.

    Parameters
    ----------
    warm : Warm
    work : Work
    limits : Limits
    seed : int
        Of the child's random numbers.

    Attributes
    ----------
    last_call : Call or None
    printed : str
        What was printed in public checks.
    cpu_seconds : float
        Processor time of all its processes that have ended.
    """

    def __init__(self, warm: Warm, work: Work, limits: Limits, seed: int):
        self._warm, self._work, self._limits, self._seed = warm, work, limits, seed
        self._child: Child | None = None
        self._hidden = False
        self._trouble: Exception | None = None
        self._timeouts = 0
        self.last_call: Call | None = None
        self.printed = ""
        self.cpu_seconds = 0.0

    def begin(self, hidden: bool) -> None:
        """Begin a check.

        Parameters
        ----------
        hidden : bool
            A process that has seen a hidden check is used for no public one, whose output students
            read. Hidden checks come last, so that is one process for an exercise.
        """
        if self._hidden and not hidden:
            self.close()
        self._hidden = hidden
        self.last_call = None
        if self._child is not None:
            self._child.allow(self._limits.cpu_seconds)

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*args, **kwargs):
            return self._call(name, args, kwargs)

        return call

    def _call(self, name: str, args: tuple, kwargs: dict):
        args, kwargs = copied(args), copied(kwargs)
        self._need_child()
        shown = str(Call(name, args, kwargs, (), None))
        start = time.perf_counter()
        kind, value, after = self._ask(shown, "call", name, args, kwargs)
        if kind == "not attempted":
            raise NotAttempted(value)
        if kind == "error":
            raise StudentError(value)
        after = (args, kwargs) if after is None else after
        self.last_call = Call(name, args, kwargs, after, value, time.perf_counter() - start)
        return copied(value)

    def _need_child(self) -> None:
        """Have a process with the submission loaded, or say why there is none."""
        if self._trouble is not None:
            raise self._trouble
        if self._child is not None:
            return
        if self._timeouts >= _MOST_TIMEOUTS:
            raise TimedOut(
                f"Not tried: {self._timeouts} checks of this exercise were stopped after their "
                "time before."
            )
        limits = self._limits
        self._child = self._warm.child(limits.memory_mb * 2**20, 60 + 40 * limits.cpu_seconds)
        self._child.allow(limits.cpu_seconds)
        file = self._work.file
        shown = f"Running {file} from top to bottom"
        try:
            kind, value, _ = self._ask(shown, "load", self._work.source, file, self._seed)
        except (StudentError, TimedOut) as error:
            self._trouble = error
            raise
        if kind != "done":
            self._trouble = StudentError(value)
            raise self._trouble
        self._child.allow(limits.cpu_seconds)

    def _ask(self, shown: str, *request) -> tuple:
        try:
            kind, value, after, printed = self._child.ask(self._limits.wall_seconds, *request)
        except wire.TooLarge as problem:
            raise OctlessonsError(f"What a check gives to {shown} {problem}.") from None
        except wire.Unreadable as problem:
            self.close()
            raise StudentError(f"{shown} gave an unreadable answer: {problem}.") from None
        except wire.Closed:
            ended = self._child.ended()
            self.close()
            raise self._explained(ended, shown) from None
        if not self._hidden:
            self.printed = (self.printed + printed)[-_MOST_PRINTED:]
        return kind, value, after

    def _explained(self, ended: Ended, shown: str) -> Exception:
        """What to tell the student about the end of their process."""
        if ended.why in ("cpu", "wall"):
            self._timeouts += 1
            how = (
                f"{_seconds(self._limits.cpu_seconds)} of processor time"
                if ended.why == "cpu"
                else f"{_seconds(self._limits.wall_seconds)} without an answer"
            )
            return TimedOut(
                f"{shown} was stopped after {how}. Is there a loop that never ends, or one over "
                "every pixel that an array operation could replace?"
            )
        if ended.why == "disk":
            return StudentError(f"{shown} wrote too much into temporary files, and was stopped.")
        if ended.exit == -_KILLED:
            return StudentError(
                f"{shown} was killed, most likely because it took more than "
                f"{self._limits.memory_mb} MB of memory."
            )
        if ended.exit < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-ended.exit).name
                return StudentError(f"{shown} crashed the whole process ({name}).")
        return StudentError(
            f"{shown}: its process ended before it gave an answer (exit status {ended.exit}). "
            "Return the result instead of leaving Python."
        )

    def close(self) -> None:
        """End its process, if there is one."""
        if self._child is not None:
            ended = self._child.close()
            self.cpu_seconds += ended.cpu_seconds if ended else 0.0
            self._child = None


class _Unprotected:
    """A submission in the judge's own process: only where the tutor has asked for that."""

    def __init__(self, work: Work, limits: Limits):
        self._work, self._limits, self._student = work, limits, None
        self._trouble: Exception | None = None
        self._hidden = False
        self.printed, self.cpu_seconds = "", 0.0

    def begin(self, hidden: bool) -> None:
        if self._student is not None:
            said = self._student.take_printed()  # in the check before
            if not self._hidden:
                self.printed = (self.printed + said)[-_MOST_PRINTED:]
        self._hidden = hidden

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        if self._trouble is not None:
            raise self._trouble
        if self._student is None:
            try:
                work, seconds = self._work, self._limits.wall_seconds
                self._student = load_student(work.source, work.file, seconds)
            except (StudentError, TimedOut) as error:
                self._trouble = error
                raise
        return getattr(self._student, name)

    def close(self) -> None:
        self._student = None


def _seconds(number: float) -> str:
    return f"{number:g} second" + ("" if number == 1 else "s")


def seed_of(key: str, student: str, exercise: str) -> int:
    """Return the seed of one student's process in one exercise: a keyed hash of both."""
    message = f"{exercise}\n{student.strip().casefold()}".encode()
    return int.from_bytes(hmac.digest(key.encode() or b"-", message, "sha256")[:8], "little")


def judge(
    units: Sequence[Unit],
    course_key: str,
    isolation: str,
    sandbox: Callable[[], Warm] | None,
    *,
    until: Callable[[], bool] = lambda: False,
    keep: Callable[[Marked], None] = lambda marked: None,
) -> list[Marked]:
    """Mark some units, in one run of pytest.

    Parameters
    ----------
    units : sequence of Unit
    course_key : str
        Secret of the course.
    isolation : str
        Its name, for the records.
    sandbox : callable or None
        Gives the warm process; it is asked for every unit, so a process that has ended can be
        replaced. None runs submissions unprotected in this process.
    until : callable
        Asked before every unit but the first; what is left when it says yes is not marked.
    keep : callable
        Called with every unit as soon as it is marked.

    Returns
    -------
    list of Marked
        Of the units that were reached, in order. A unit that the grader could not mark has a
        record that says so.

    Raises
    ------
    OctlessonsError
        If a check file cannot be read.
    """
    import pytest

    from octlessons.exercises.checking import quiet_options

    tasks = {unit.task.id: unit.task for unit in units}
    with tempfile.TemporaryDirectory(prefix="octlessons-judge-") as name:
        folder = Path(name)
        files = _write(tasks.values(), folder)
        plugin = _plugin(units, course_key, isolation, sandbox, until, keep, files)
        arguments = [
            *("-c", str(folder / "checks.ini"), "--rootdir", str(folder), "--noconftest", "-s"),
            *("-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler"),
            *("-p", "no:junitxml", "-p", "no:doctest", "-p", "no:unittest", "-p", "no:logging"),
            *("-p", "no:warnings", "-p", "no:pastebin", "-p", "no:stepwise"),
            *("--disable-plugin-autoload", "--import-mode=importlib"),
            *map(str, files),
        ]
        os.environ.setdefault("MPLBACKEND", "Agg")
        said = io.StringIO()
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
            quiet_options(),
        ):
            warnings.simplefilter("ignore")
            try:
                pytest.main(arguments, plugins=[plugin])
            finally:
                _forget()
    if plugin.problem:
        raise OctlessonsError(f"The checks could not be read: {plugin.problem.strip()[-600:]}")
    if units and not plugin.marked:
        raise OctlessonsError(f"The checks did not run: {said.getvalue().strip()[-600:]}")
    return plugin.marked


def _forget() -> None:
    """Drop the modules of the check files: pytest would take them for those of the next run."""
    for name in [name for name in sys.modules if name.split(".")[0] in _FOLDERS]:
        del sys.modules[name]


def _write(tasks, folder: Path) -> dict[Path, tuple[str, bool]]:
    """Write check files into a folder; return exercise and visibility of each."""
    files = {}
    for task in tasks:
        for hidden, contents in ((False, task.checks), (True, task.hidden_checks)):
            place = folder / _FOLDERS[hidden] / task.id
            for name, content in contents.items():
                place.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(content)
                if name.startswith("test_"):
                    files[place / name] = (task.id, hidden)
    (folder / "checks.ini").write_text("[pytest]\npython_files = test_*.py\n")
    return files


def _plugin(units, course_key, isolation, sandbox, until, keep, files):
    """Make the plugin; its class is made here because pytest takes a moment to import."""
    import pytest
    from _pytest.runner import runtestprotocol

    from octlessons.exercises.plugin import KEY, PROVIDER, WHO, CheckPlugin

    class JudgePlugin(CheckPlugin):
        """Runs the checks of every unit in one session."""

        def __init__(self):
            super().__init__(lambda _: None, None, course_key)
            self.marked: list[Marked] = []

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop(self, session: pytest.Session) -> bool:
            if self.problem or session.testsfailed:
                return True
            items = _sorted(session.items, files)
            for number, unit in enumerate(units):
                if number and until():
                    break
                self.marked.append(self._mark(session, unit, items))
                keep(self.marked[-1])
            return True

        def _mark(self, session, unit: Unit, items) -> Marked:
            start = time.perf_counter()
            trouble, student, checks = "", None, []
            try:
                student = _student(unit, course_key, sandbox)
                checks = list(self._checks(session, unit, items, student))
            except (Infrastructure, OctlessonsError) as error:
                trouble = str(error)
            finally:
                if student is not None:
                    student.close()
            record = Record(
                key=unit.key,
                submission=unit.submission,
                exercise=unit.task.id,
                checks=() if trouble else tuple(checks),
                printed=clean(student.printed, _MOST_PRINTED) if student else "",
                isolation=isolation,
                no_mark=clean(trouble),
                file=unit.work.file,
            )
            seconds = time.perf_counter() - start
            cpu = student.cpu_seconds if student else 0.0
            timing = Timing(
                unit.key, unit.submission, unit.task.id, round(seconds, 4), round(cpu, 4)
            )
            return Marked(record, timing)

        def _checks(self, session, unit: Unit, items, student) -> Iterator[CheckRecord]:
            session.config.stash[PROVIDER] = lambda _: student
            session.config.stash[WHO], session.config.stash[KEY] = unit.student, course_key
            for hidden in (False, True):
                for item in items.get((unit.task.id, hidden), ()):
                    self.results.clear()
                    student.begin(hidden)
                    self.failure = None
                    runtestprotocol(item, nextitem=None, log=False)
                    if self.failure is not None:
                        raise self.failure
                    result = self.results[-1]
                    kept = asdict(result) | {"message": clean(result.message), "hidden": hidden}
                    yield CheckRecord(**kept)
            student.begin(False)

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo):
            """Keep the result; pytest's own report would format a traceback nobody reads."""
            error = call.excinfo and call.excinfo.value
            if error is not None and not isinstance(error, _OF_THE_STUDENT):
                self.failure = _own(error, item.name)
            if call.when == "call" or (call.when == "setup" and error is not None):
                self.results.append(self._result(item, error))
            outcome = "passed" if error is None else "failed"
            return pytest.TestReport(
                item.nodeid, item.location, {}, outcome, None, call.when, duration=call.duration
            )

    return JudgePlugin()


def _sorted(items, files) -> dict[tuple[str, bool], list]:
    """Group the collected checks by exercise and visibility, in the order of their files."""
    groups: dict[tuple[str, bool], list] = {}
    for item in items:
        groups.setdefault(files[Path(item.path)], []).append(item)
    return groups


# What a check raises about a submission. Anything else is about the grader or the check itself.
_OF_THE_STUDENT = (AssertionError, NotAttempted, StudentError, TimedOut)


def _own(error: BaseException, check: str) -> Exception:
    """Say what is wrong with the grader or a check, so that it is no mark and never a zero."""
    if isinstance(error, Infrastructure | OctlessonsError):
        return error
    return OctlessonsError(
        f"The check {check} itself stopped with {type(error).__name__}: {clean(str(error), 300)}"
    )


class _Nothing:
    """A submission without anything to run: every check says why."""

    printed, cpu_seconds = "", 0.0

    def __init__(self, error: Exception):
        self._error = error

    def begin(self, hidden: bool) -> None:
        """As `RemoteStudent.begin`."""

    def close(self) -> None:
        """As `RemoteStudent.close`."""

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        raise self._error


def _student(unit: Unit, course_key: str, sandbox):
    work, limits = unit.work, unit.task.limits
    if work.unexpected:
        raise Infrastructure(work.problem)
    if work.source is None:
        return _Nothing((NotAttempted if work.missing else StudentError)(work.problem))
    if sandbox is None:
        return _Unprotected(work, limits)
    seed = seed_of(course_key, unit.student, unit.task.id)
    return RemoteStudent(sandbox(), work, limits, seed)
