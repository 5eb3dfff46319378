"""Checks in a process of their own, which the clock can end: also in compiled code, also asleep.

The process is kept for the next check. On Linux it splits for each one (fork), so that libraries
are read once and every piece of work still begins afresh; elsewhere it serves one check only.
Requests go in and what happens comes out as lines of JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import Exercise
from octlessons.exercises.outcomes import CheckResult, Outcome, StudentError, TimedOut

#: Seconds that a check may take between two calls, and a new process to begin.
_BETWEEN = 120.0

_MOST_PRINTED = 10_000
_SPLITS = sys.platform == "linux"
_ALARM = 14  # the number of SIGALRM there

#: Arrays of exercises are small: several threads would wait for each other longer than they work.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

#: Libraries that are read before the process splits, once a check has needed them.
_LIBRARIES = {
    *("_pytest", "matplotlib", "numpy", "octlessons", "pandas", "pytest", "scipy", "skimage"),
    *("sklearn", "torch"),
}

# ---------------------------------------------------------------------- the side that waits

_idle: list[_Process] = []
_needed: dict[str, None] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)


def run_apart(
    exercise: Exercise,
    source: str,
    file: str,
    who: str | None,
    seconds: float,
    show: bool = False,
) -> tuple[tuple[CheckResult, ...], str]:
    """Run the checks of an exercise on some source; return what came out and what it printed."""
    request = {
        "exercise": asdict(exercise) | {"root": str(exercise.root)},
        "source": source,
        "file": file,
        "who": who,
        "seconds": seconds,
        "show": show,
        "folder": os.getcwd(),
        "environment": _ONE_THREAD | os.environ,
    }
    process = _idle.pop() if _idle else _Process()
    run = None
    try:
        run = process.run(request)
    finally:
        if run and process.waits:
            _idle.append(process)
        else:
            process.end()
    return run.outcome(exercise)


class _Run:
    """What has come out of a run so far."""

    def __init__(self) -> None:
        self.planned, self.results = list[CheckResult](), list[CheckResult]()
        self.printed, self.problem = "", ""
        self.pid, self.status = 0, 0
        self.next_call()

    def next_call(
        self,
        call: str = "The check",
        late: str = f"did not come to an end within {_BETWEEN:g} seconds.",
        seconds: float = _BETWEEN,
    ) -> None:
        """A call begins, or what is between two."""
        self.call, self.late = call, f"{call} {late}"
        self.end, self.timed_out = time.monotonic() + seconds, False

    def take(self, event: dict[str, Any]) -> None:
        """Take in one thing that happened."""
        for name, value in event.items():
            if name == "planned":
                self.planned = [_result(entry) for entry in value]
            elif name == "result":
                self.results.append(_result(value))
                self.next_call()
            elif name == "call":
                self.next_call(*value)
            elif name == "printed":
                self.printed = (self.printed + value)[-_MOST_PRINTED:]
            elif name == "needed":
                _needed.update(dict.fromkeys(value))
            else:
                setattr(self, name, value)

    def outcome(self, exercise: Exercise) -> tuple[tuple[CheckResult, ...], str]:
        """The results; where the run was cut short, with a sentence on why."""
        rest = self.planned[len(self.results) :]
        if self.problem or not self.planned:
            why = self.problem or f"The checks of {exercise.id} could not be read: {self._why()}"
            raise OctlessonsError(why)
        if rest:
            outcome = Outcome.TIMED_OUT if self.timed_out else Outcome.ERROR
            rest[0] = replace(rest[0], outcome=outcome, message=self._why())
        return (*self.results, *rest), self.printed

    def _why(self) -> str:
        if self.timed_out:
            return self.late
        how = f"exit status {self.status}"
        if self.status < 0:
            with contextlib.suppress(ValueError):
                how = signal.Signals(-self.status).name
        return f"{self.call} ended the whole process ({how}). Return the result instead."


class _Process:
    """A process that runs checks, seen from the side that waits for it."""

    def __init__(self) -> None:
        begin = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            "from octlessons.exercises import process; process.main()"
        )
        own: dict[str, Any] = {"start_new_session": True}  # so that Ctrl-C comes here only
        if sys.platform == "win32":
            own = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        command, pipe = [sys.executable, "-c", begin], subprocess.PIPE
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, **own)
        except OSError as error:
            raise OctlessonsError(f"Checks need a process of their own: {error}.") from error
        assert self._process.stdin and self._process.stdout
        self._requests, self._events = self._process.stdin, self._process.stdout
        self._lines: queue.Queue[bytes] = queue.Queue(1_000)
        self._known: set[str] = set()
        self._run = _Run()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._events:
            self._lines.put(line)
        self._lines.put(b"")

    @property
    def waits(self) -> bool:
        return _SPLITS and self._process.poll() is None

    def run(self, request: dict) -> _Run:
        """Run one check; a call that takes too long ends it."""
        run = self._run = _Run()
        request["needed"] = [name for name in _needed if name not in self._known]
        self._known.update(_needed)
        with contextlib.suppress(OSError):  # it has ended; so will its lines
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
        while True:
            try:
                line = self._lines.get(timeout=max(0, run.end - time.monotonic()))
                over = time.monotonic() > run.end
            except queue.Empty:
                line, over = b"\n", True
            if over and not run.timed_out:
                self._kill()
                run.end, run.timed_out = time.monotonic() + _BETWEEN, True
            if not line:
                run.status = self._process.wait()
                return run
            event = _event(line)
            if "status" in event:
                run.take(event)
                run.timed_out = run.timed_out or run.status == -_ALARM
                return run
            if not run.timed_out:
                run.take(event)

    def _kill(self) -> None:
        """End what it runs, where that is a process of its own, or else itself."""
        with contextlib.suppress(OSError):
            os.killpg(self._run.pid, signal.SIGKILL) if self._run.pid else self._process.kill()

    def end(self) -> None:
        """End it, and what it runs."""
        self._kill()
        self._process.kill()
        self._process.wait()


def _event(line: bytes) -> dict[str, Any]:
    with contextlib.suppress(ValueError):  # half a line of a process that was killed
        if isinstance(event := json.loads(line), dict):
            return event
    return {}


def _result(entry: dict[str, Any]) -> CheckResult:
    return CheckResult(**entry | {"outcome": Outcome(entry["outcome"])})


# ---------------------------------------------------------------------- the side that runs


def main() -> None:
    """Serve requests from the standard input until it ends."""
    warnings.simplefilter("ignore")
    requests, lines = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what compiled code prints

    def tell(**event) -> None:
        lines.write(json.dumps(event, default=asdict).encode() + b"\n")

    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        for line in requests:
            request = json.loads(line)
            if not _SPLITS:
                return _serve(request, tell)
            for name in request["needed"]:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
            if "octlessons.images.phantoms.drawing" in request["needed"]:
                importlib.import_module("octlessons.exercises.plugin").drawn_scans()
            pid = os.fork()
            if not pid:
                try:
                    os.setpgid(0, 0)
                    tell(pid=os.getpid())
                    _serve(request, tell)
                finally:
                    os._exit(0)
            _, status = os.waitpid(pid, 0)
            lines.write(b"\n")
            tell(status=os.waitstatus_to_exitcode(status))
    return None


def _serve(request: dict, tell) -> None:
    """Run the checks of a request."""
    from octlessons.exercises.plugin import run_checks
    from octlessons.exercises.student import Printed, Student, load_student

    class Told(Printed):
        def write(self, text: str) -> int:
            tell(printed=text[-_MOST_PRINTED:])
            return len(text)

    def clock(seconds, call, late, function, *args):
        _alarm(seconds)
        tell(call=[call, late, seconds])
        try:
            return function(*args)
        finally:
            tell(call=[])
            _alarm(_BETWEEN)

    kept: list[Student | Exception] = []

    def provide(_) -> Student:
        if not kept:
            work = request["source"], request["file"], request["seconds"]
            try:
                kept.append(load_student(*work, clock, Told()))
            except (StudentError, TimedOut) as error:
                kept.append(error)
        if isinstance(kept[0], Exception):
            raise kept[0]
        return kept[0]

    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    before = set(sys.modules)
    entry = request["exercise"] | {"root": Path(request["exercise"]["root"])}
    try:
        who, show = request["who"], request["show"]
        run_checks(Exercise(**entry), provide, who=who, tell=tell, show=show)
    except OctlessonsError as error:
        tell(problem=str(error))
    used = [name for name in sys.modules if name not in before]
    tell(needed=[name for name in used if name.partition(".")[0] in _LIBRARIES])


def _alarm(seconds: float) -> None:
    """End this process a while after its time, even if nobody waits for it any more."""
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(seconds) + 3)
