"""A panel of judges: processes that mark one unit after another.

What ends a judge's process, or holds it for ever, was the unit it was at: the others go on
elsewhere. ``python -m octlessons.grading.panel`` is one judge; its standard input brings what it
needs, its standard output is for what comes of it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from octlessons.errors import OctlessonsError
from octlessons.grading import sandbox
from octlessons.grading.cache_keys import versions
from octlessons.grading.judge import judge
from octlessons.grading.records import Marked
from octlessons.grading.sandbox import host
from octlessons.grading.sandbox.zygote import Infrastructure, Zygote
from octlessons.grading.units import Setting, Unit

#: What a judge says once it has read the checks.
_READY = "ready"

# Units that a judge has at a time: one that it is at, one so that it need not wait.
_AHEAD = 2

# Seconds beyond the submission's own after which a judge that says nothing is ended: for a sandbox
# to start, and for a check to compute.
_PATIENCE = 300.0

# How many judges in a row may end before they have read the checks.
_STARTS = 3

# Seconds for judges to end when there is nothing left to mark.
_LEAVING = 20.0


class Panel:
    """At most so many judges, started when there is something to mark."""

    def __init__(self, setting: Setting, jobs: int):
        self._setting, self._jobs = setting, jobs
        self._judges: list[_Judge] = []
        self._failed = 0
        self._inbox: queue.Queue[tuple[_Judge, Any]] = queue.Queue()

    def mark(self, units: Iterable[Unit]) -> Iterator[tuple[Unit, Marked | None]]:
        """Mark units, in any order; None for one that ended its judge.

        Raises `OctlessonsError` if no judge can start or the checks cannot be read.
        """
        waiting = iter(units)
        ended = False
        while True:
            if not ended:
                waiting, ended = self._give_out(waiting)
            busy = [one for one in self._judges if one.given]
            if not busy:
                return
            try:
                one, said = self._inbox.get(timeout=1.0)
            except queue.Empty:
                for one in busy:
                    one.end_if_stuck()
                continue
            if isinstance(said, Marked):
                unit = one.given.popleft()
                one.since = time.monotonic()
                yield unit, said
            elif said == _READY:
                one.ready = True
            elif said is None:
                self._judges.remove(one)
                self._failed = 0 if one.ready else self._failed + 1
                if self._failed == _STARTS:
                    raise OctlessonsError(f"A judge's process did not start. {one.words()}")
                one.close(0.0)
                lost = one.given.popleft() if one.given and one.ready else None
                waiting, ended = chain(one.given, waiting), False
                if lost is not None:
                    yield lost, None
            else:
                raise OctlessonsError(said)

    def _give_out(self, waiting: Iterator[Unit]) -> tuple[Iterator[Unit], bool]:
        """Give the judges what they have room for; say whether nothing is left."""
        for round_ in range(_AHEAD):
            for number in range(self._jobs):
                if number < len(self._judges) and len(self._judges[number].given) > round_:
                    continue
                unit = next(waiting, None)
                if unit is None:
                    return waiting, True
                if number == len(self._judges):
                    self._judges.append(_Judge(self._setting, self._inbox))
                self._judges[number].give(unit)
        return waiting, False

    def close(self) -> None:
        """End all judges; those that are at something, at once."""
        for one in self._judges:
            one.hang_up()
        end = time.monotonic() + _LEAVING
        for one in self._judges:
            one.close(0.5 if one.given else max(0.0, end - time.monotonic()))
        self._judges.clear()


class _Judge:
    """The panel's end of one judge."""

    def __init__(self, setting: Setting, inbox: queue.Queue):
        self.given: deque[Unit] = deque()
        self.since, self.ready = time.monotonic(), False
        self._setting, self._inbox = setting, inbox
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        self._process: subprocess.Popen = subprocess.Popen(
            # Nothing is imported from the current folder, where students' files may lie, nor, where
            # a service has started this process so, from a place that the environment names.
            [sys.executable, "-I" if sys.flags.isolated else "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=os.environ | host.one_thread(),
        )
        self._send(setting)
        threading.Thread(target=self._listen, daemon=True).start()

    def give(self, unit: Unit) -> None:
        """Hand it a unit."""
        if not self.given:
            self.since = time.monotonic()
        self.given.append(unit)
        self._send(unit)

    def _send(self, content) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended, and its end will be heard
            pickle.dump(content, self._process.stdin)
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError, ValueError):
            while True:
                self._inbox.put((self, pickle.load(self._process.stdout)))
        self._inbox.put((self, None))

    def end_if_stuck(self) -> None:
        """End it if it has been at one unit for longer than anything may take."""
        own = self._setting.tasks[self.given[0].exercise].limits.submission_seconds
        if time.monotonic() - self.since > own + _PATIENCE:
            self._process.kill()

    def words(self) -> str:
        """What it said before it ended."""
        self._said.seek(0)
        return self._said.read()[-600:].decode("utf-8", "replace").strip()

    def hang_up(self) -> None:
        """Tell it that nothing more will come."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def close(self, seconds: float) -> None:
        """Wait until it has ended, or end it."""
        self.hang_up()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class _Sandbox:
    """The zygote of this judge, started when first needed and whenever it has ended."""

    def __init__(self, setting: Setting):
        self._setting = setting
        self._zygote: Zygote | None = None

    def __call__(self) -> Zygote:
        setting = self._setting
        if self._zygote is not None and self._zygote.alive:
            return self._zygote
        self.close()
        try:
            why = "" if setting.proven else _unlike(setting)
            if why:
                raise Infrastructure(f"another machine cannot mark: {why}")
            self._zygote = sandbox.start(setting.isolation, setting.preload, setting.memory_mb)
        except OctlessonsError as error:
            raise Infrastructure(str(error)) from error
        return self._zygote

    def close(self) -> None:
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None


def _unlike(setting: Setting) -> str:
    """Say what keeps this machine from marking for the one that chose; empty if nothing does."""
    ours = versions()
    for name, wanted in setting.versions.items():
        if ours.get(name) != wanted:
            return f"its {name} is {ours.get(name) or 'not there'}, instead of {wanted or 'none'}"
    why = sandbox.trouble(setting.isolation)
    return f"{setting.isolation} {why}" if why else ""


def main() -> None:
    """Be a judge until nothing more can come."""
    results, requests = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)  # what anything prints is no result
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the panel is told, and ends its judges
    setting: Setting = pickle.load(requests)
    asked: queue.Queue[Unit | None] = queue.Queue()
    busy = threading.Event()

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
            while True:
                asked.put(pickle.load(requests))
        if busy.is_set():
            os._exit(1)  # nobody waits for this any more
        asked.put(None)

    def say(content: object) -> None:
        busy.clear()
        pickle.dump(content, results)
        results.flush()

    def units() -> Iterator[Unit]:
        say(_READY)
        while (unit := asked.get()) is not None:
            busy.set()
            yield unit

    threading.Thread(target=listen, daemon=True).start()
    zygote = None if setting.isolation == sandbox.NONE else _Sandbox(setting)
    try:
        judge(units(), setting, zygote, say)
    except OctlessonsError as error:
        say(str(error))
    finally:
        if zygote is not None:
            zygote.close()


if __name__ == "__main__":
    main()
