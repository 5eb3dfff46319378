"""Submissions as checks see them: ``student.function(…)``, wherever the function runs.

Each has the few names of `exercises.student.Student`, so checks cannot tell them apart.
"""

from __future__ import annotations

import contextlib
import re
import signal
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from octlessons.exercises.outcomes import NotAttempted, StudentError, TimedOut
from octlessons.exercises.plain import copied
from octlessons.exercises.student import REMEMBERED, Call, Student, load_student
from octlessons.grading import wire
from octlessons.grading.assignment import Limits
from octlessons.grading.sandbox.zygote import Child, Ended, Zygote
from octlessons.grading.submission import Work

#: The most text that is kept of what a submission prints.
MOST_PRINTED = 10_000

#: Checks of one exercise that may run out of time before the others are not tried any more.
_MOST_TIMEOUTS = 2

# The number of SIGKILL where submissions run, whatever this side runs on.
_KILLED = 9

# What the kernel says to whom wants processes, sockets, or files elsewhere.
_REFUSED = re.compile(r"Operation not permitted|Read-only file system|Permission denied")
_ALONE = (
    "\nA submission may start no other processes, open no connections, and write only into the "
    "folder for temporary files: do without asyncio, multiprocessing and num_workers."
)


class Judged:
    """What the judge needs of a submission.

    `answers` counts the calls of a check that came back. `printed` is what was printed in public
    checks, which students read; `cpu_seconds` the processor time of its processes that have ended.
    """

    printed, cpu_seconds, answers = "", 0.0, 0
    last_call: Call | None = None
    asked: Call | None = None  # the last call, whether it came back or not
    calls: Collection[Call] = ()  # those that came back
    known: Any = None  # the checks, with the mistakes they know

    def begin(self, hidden: bool) -> None:
        """Begin a check; a process that has seen a hidden one is used for no public one."""

    def close(self) -> None:
        """End its process, if there is one."""


class RemoteStudent(Judged):
    """A submission in a sandbox.

    `zygote` gives the sandbox, another if it has ended; `seed` is of its random numbers.
    """

    def __init__(self, zygote: Callable[[], Zygote], work: Work, limits: Limits, seed: int):
        zygote()  # libraries are imported before anybody's time begins
        self._zygote, self._work, self._limits, self._seed = zygote, work, limits, seed
        self._child: Child | None = None
        self.calls: deque[Call] = deque(maxlen=REMEMBERED)
        self._hidden = False
        self._trouble: Exception | None = None
        self._timeouts = 0
        self._end = time.monotonic() + limits.submission_seconds
        self._check_end = self._end

    def begin(self, hidden: bool) -> None:
        """Begin a check. Hidden ones come last, so that one process does for an exercise."""
        if self._hidden and not hidden:
            self.close()
        self._hidden = hidden
        self.last_call, self.asked, self.answers = None, None, 0
        self._check_end = min(self._end, time.monotonic() + self._limits.wall_seconds)
        if self._child is not None:
            self._child.allow(self._limits.cpu_seconds)

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*args, **kwargs):
            return self._call(name, args, kwargs)

        return call

    def arguments_after(self) -> tuple[tuple, dict]:
        """What became of the arguments of the last call, asked of its process only when needed."""
        assert self.last_call is not None
        if self._child is None:
            raise StudentError(f"{self.last_call}: its process has ended.")
        _, after = self._ask(str(self.last_call), "after")
        whole = type(after) is tuple and len(after) == 2
        if not whole or type(after[0]) is not tuple or type(after[1]) is not dict:
            raise StudentError(f"{self.last_call} gave an unreadable answer.")
        return after

    def _call(self, name: str, args: tuple, kwargs: dict):
        args, kwargs = copied(args), copied(kwargs)
        self._need_child()
        call = self.asked = Call(name, args, kwargs, (), None)
        start = time.perf_counter()
        kind, value = self._ask(str(call), "call", name, args, kwargs)
        if kind == "not attempted":
            raise NotAttempted(value)
        if kind == "error":
            raise StudentError(value + (_ALONE if _REFUSED.search(value) else ""))
        self.answers += 1
        self.last_call = Call(name, args, kwargs, (), value, time.perf_counter() - start)
        self.calls.append(self.last_call)
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
        self._child = self._zygote().child(limits.memory_mb * 2**20, 60 + 40 * limits.cpu_seconds)
        self._child.allow(limits.cpu_seconds)
        file, source = self._work.file, self._work.source or ""
        shown = f"Running {file} from top to bottom"
        content = source.encode("utf-8", "surrogatepass")
        try:
            kind, value = self._ask(shown, "load", content, file, self._seed)
        except (StudentError, TimedOut) as error:
            self._trouble = error
            raise
        if kind != "done":
            self._trouble = StudentError(value + (_ALONE if _REFUSED.search(value) else ""))
            raise self._trouble
        self._child.allow(limits.cpu_seconds)

    def _ask(self, shown: str, *request) -> tuple[str, Any]:
        assert self._child is not None
        left = self._check_end - time.monotonic()
        if left <= 0:
            self.close()
            raise self._late(shown)
        try:
            kind, value, printed = self._child.ask(left, *request)
        except wire.TooLarge as problem:
            raise ValueError(f"what the check gives to {request[1]} {problem}") from None
        except wire.Unreadable as problem:
            self.close()
            raise StudentError(f"{shown} gave an unreadable answer: {problem}.") from None
        except wire.Closed:
            ended = self._child.ended()
            self.close()
            raise self._explained(ended, shown) from None
        if not self._hidden:
            self.printed = (self.printed + printed)[-MOST_PRINTED:]
        return kind, value

    def _late(self, shown: str) -> TimedOut:
        """Say which time by the clock is over."""
        self._timeouts += 1
        limits = self._limits
        if time.monotonic() >= self._end:
            return TimedOut(
                f"{shown} was stopped: the checks of one submission may take "
                f"{_seconds(limits.submission_seconds)} together. Does a function wait (`sleep`)?"
            )
        return TimedOut(
            f"{shown} was stopped after {_seconds(limits.wall_seconds)} without an answer: a check "
            "has no more for all of its calls together. Does the function wait (`sleep`), or is "
            "there a loop that never ends?"
        )

    def _explained(self, ended: Ended, shown: str) -> Exception:
        """What to tell the student about the end of their process."""
        if ended.why == "wall":
            return self._late(shown)
        if ended.why == "cpu":
            self._timeouts += 1
            return TimedOut(
                f"{shown} was stopped after {_seconds(self._limits.cpu_seconds)} of processor "
                "time. Is there a loop that never ends, or one over every pixel that an array "
                "operation could replace?"
            )
        if ended.why == "disk":
            return StudentError(f"{shown} wrote too much into temporary files, and was stopped.")
        if ended.why == "closed" and ended.exit == -_KILLED:
            return StudentError(f"{shown} closed the file through which its answer would come.")
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


class Unprotected(Judged):
    """A submission in the judge's own process: only where the tutor has asked for that."""

    def __init__(self, work: Work, limits: Limits):
        self._work, self._limits = work, limits
        self._student: Student | None = None
        self._trouble: Exception | None = None
        self._hidden = False

    def begin(self, hidden: bool) -> None:
        """As `RemoteStudent.begin`."""
        if self._student is not None:
            said = self._student.take_printed()  # in the check before
            if not self._hidden:
                self.printed = (self.printed + said)[-MOST_PRINTED:]
            self._student.last_call = None
        self._hidden, self.answers, self.last_call, self.asked = hidden, 0, None, None

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        if self._trouble is not None:
            raise self._trouble
        if self._student is None:
            try:
                work, seconds = self._work, self._limits.wall_seconds
                self._student = load_student(work.source or "", work.file, seconds)
            except (StudentError, TimedOut) as error:
                self._trouble = error
                raise
        student, function = self._student, getattr(self._student, name)

        def call(*args, **kwargs):
            try:
                result = function(*args, **kwargs)
            finally:
                self.last_call, self.asked = student.last_call, student.asked
                self.calls = student.calls
            self.answers += 1
            return result

        return function if name == "arguments_after" else call

    def close(self) -> None:
        """As `RemoteStudent.close`."""
        self._student = None


class Nothing(Judged):
    """A submission without anything to run: every check says why."""

    def __init__(self, error: Exception):
        self._error = error

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        raise self._error


def _seconds(number: float) -> str:
    return f"{number:g} second" + ("" if number == 1 else "s")
