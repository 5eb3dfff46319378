"""The judge's end of a sandbox: a zygote, which holds the libraries, and the children it forks.

A way of isolation (`ways.Way`) says how to start the zygote; from then on all are the same: two
sockets to every child, one for calls, one to the supervisor that counts its time.
"""

from __future__ import annotations

import contextlib
import math
import select
import socket
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

from octlessons.grading import wire
from octlessons.grading.sandbox.ways import Command
from octlessons.grading.text import sanitize

#: Seconds for importing libraries when a sandbox starts, and for forking one child.
_START, _FORK = 180.0, 30.0

# Seconds for a child that has closed its channel to end by itself.
_LEAVING = 2.0


class Infrastructure(Exception):
    """The grader itself failed: no mark, to be tried again; never a student's fault."""


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    `why` is the limit its supervisor ended it for, ``"cpu"``, ``"wall"`` or ``"disk"``;
    ``"closed"`` if the judge let it go; empty if it ended by itself or by the kernel. `exit` is its
    exit status; of a signal, the number below zero.
    """

    why: str
    exit: int
    cpu_seconds: float


class Zygote:
    """A sandbox with its libraries imported, which forks a child for every exercise.

    `filter` is from `worker.seccomp`, empty if the sandbox is to compile it; `disk_bytes` is what a
    child may keep in its folder for temporary files. Raises `Infrastructure` if it does not start,
    with what it said.
    """

    def __init__(
        self,
        command: Command,
        preload: Sequence[str],
        filter: bytes,
        disk_bytes: int = 64 * 2**20,
    ):
        self._command = command
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the sandbox
        try:
            self._line = command.connect(command.arguments, command.environment, self._said)
        except OSError as error:
            command.close()
            raise Infrastructure(f"{command.arguments[0]} does not start: {error}") from error
        setup = {
            "mode": command.mode,
            "preload": list(preload),
            "filter": filter,
            "disk_bytes": disk_bytes,
            **command.extra,
        }
        try:
            wire.send(self._line.control, wire.encode(setup))
            wire.receive(self._line.control, time.monotonic() + _START)
        except (wire.Closed, wire.Late, wire.Unreadable) as error:
            self.close()
            raise Infrastructure(
                f"the sandbox did not start ({type(error).__name__}). {self._words()}"
            ) from error

    @property
    def alone(self) -> bool:
        """Whether a child has namespaces of its own, so that it sees no process but itself."""
        return self._command.mode == "namespaces"

    def child(self, memory_bytes: int, cpu_backstop: float) -> Child:
        """Fork a child, which may take this memory beyond what the zygote has.

        After so many seconds of processor time the kernel itself ends it, whatever happens to its
        supervisor.
        """
        try:
            limits = wire.CHILD.pack(memory_bytes, math.ceil(cpu_backstop))
            made = Child(*self._line.spawn(limits))
        except OSError as error:
            raise Infrastructure(f"the sandbox has ended. {self._words()}") from error
        if not made.shut_in():
            made.close()
            raise Infrastructure(f"a process could not be shut in. {self._words()}")
        return made

    def _words(self) -> str:
        """What the sandbox said before it ended."""
        if self._said.closed:
            return ""
        self._said.seek(0)
        return sanitize(self._said.read(20_000).decode("utf-8", "replace")[-1_500:])

    @property
    def alive(self) -> bool:
        """Whether it can fork more children."""
        return self._line.alive

    def close(self) -> None:
        """End the sandbox and everything in it."""
        self._line.close()
        self._command.close()

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_) -> None:
        self.close()


class Child:
    """One forked, shut-in process that holds one submission. Made by `Zygote.child`."""

    def __init__(self, channel: socket.socket, watch: socket.socket):
        self._channel, self._watch = channel, watch
        self._number = 0
        self._allowed = math.nan
        self._ended: Ended | None = None

    def shut_in(self) -> bool:
        """Wait until it is shut in; it knows nothing of the submission before."""
        try:
            return wire.receive(self._channel, time.monotonic() + _FORK) == wire.READY
        except (wire.Closed, wire.Late, wire.Unreadable):
            return False

    def allow(self, cpu_seconds: float) -> None:
        """Give it that much processor time from the next request on."""
        self._allowed = cpu_seconds

    def ask(self, wall_seconds: float, what: str, *content) -> tuple:
        """Send a request (``"load"``, ``"call"``, ``"after"``) and wait so long for the answer.

        Returns its kind, value, and what was printed: the submission may have made them up. Raises
        `Closed` if the child has ended (`ended` says how), `Unreadable` if what came is no answer,
        or `Infrastructure`.
        """
        self._number += 1
        message = wire.encode((self._number, what, *content))
        self._tell(self._allowed, wall_seconds)
        self._allowed = math.nan
        # The supervisor ends the child in time; this deadline is for a supervisor that does not.
        deadline = time.monotonic() + wall_seconds + _FORK
        try:
            wire.send(self._channel, message, deadline)
            answer = wire.receive(self._channel, deadline)
        except wire.Late:
            raise Infrastructure("the supervisor did not end a submission in time") from None
        self._tell(math.nan, math.inf)
        if not _is_answer(answer, self._number):
            raise wire.Unreadable("it answers no question that was asked")
        return answer[1:]

    def _tell(self, cpu: float, wall: float) -> None:
        with contextlib.suppress(OSError):
            self._watch.sendall(wire.ALLOWANCE.pack(cpu, wall))

    def ended(self) -> Ended:
        """Wait for the end of a child that has closed its channel; say how it ended.

        One that closes its channel and goes on is ended here, not when its time is up.
        """
        if self._ended is None:
            reporting, _, _ = select.select([self._watch], [], [], _LEAVING)
            if not reporting:
                self._let_go()
            self._ended = self._report()
        return self._ended

    def _let_go(self) -> None:
        with contextlib.suppress(OSError):
            self._watch.shutdown(socket.SHUT_WR)

    def _report(self) -> Ended:
        try:
            report = wire.receive(self._watch, time.monotonic() + _FORK)
            return Ended(report["why"], report["exit"], report["cpu_seconds"])
        except (wire.Closed, wire.Late, wire.Unreadable) as error:
            raise Infrastructure("a submission's supervisor has ended") from error

    def close(self) -> Ended | None:
        """End the child; return how much it had used, if its supervisor says."""
        try:
            if self._ended is None:
                self._let_go()
                self._ended = self._report()
            return self._ended
        except Infrastructure:
            return None
        finally:
            self._channel.close()
            self._watch.close()


def _is_answer(answer, number: int) -> bool:
    return (
        type(answer) is tuple
        and len(answer) == 4
        and type(answer[0]) is int
        and answer[0] == number
        and type(answer[1]) is str
        and answer[1] in ("done", "error", "not attempted")
        and (answer[1] == "done" or type(answer[2]) is str)
        and type(answer[3]) is str
    )
