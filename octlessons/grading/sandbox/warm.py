"""The judge's end of a sandbox: a warm process, and the children that it forks.

A way of isolation (`bubblewrap`, `container`, `confined`) says how to start the warm process; from
then on all are the same: two sockets to every child, one for calls, one to the supervisor that
counts its time.
"""

from __future__ import annotations

import contextlib
import math
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from octlessons.grading import wire
from octlessons.grading.sandbox.connection import Connection, Inherited
from octlessons.grading.text import clean
from octlessons.grading.worker.protocol import ALLOWANCE, CHILD, READY

#: Seconds for importing libraries when a sandbox starts, and for forking one child.
_START, _FORK = 180.0, 30.0


class Infrastructure(Exception):
    """The grader itself failed: no mark, to be tried again; never a student's fault."""


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes
    ----------
    why : str
        Which limit its supervisor ended it for: ``"cpu"``, ``"wall"``, ``"disk"``; empty if it
        ended by itself or was ended by the kernel.
    exit : int
        Its exit status; of a signal, the number below zero.
    cpu_seconds : float
        Processor time it had used.
    """

    why: str
    exit: int
    cpu_seconds: float


@dataclass
class Command:
    """How to start a warm process.

    Attributes
    ----------
    arguments : list of str
        Program and arguments.
    environment : dict
    mode : {"namespaces", "confined"}
        How children shut themselves in.
    extra : dict
        What else `worker.child` needs to know in this mode.
    close : callable
        Called after the process has ended.
    connect : callable
        Starts the process, and is the line to it.
    same_user : bool
        Whether children run as the judge's user, so that files' owners do not tell them apart.
    """

    arguments: list[str]
    environment: dict[str, str]
    mode: str
    extra: dict = field(default_factory=dict)
    close: Callable[[], None] = lambda: None
    connect: Callable[[list[str], dict[str, str], BinaryIO], Connection] = Inherited
    same_user: bool = False


class Warm:
    """A sandbox with its libraries imported, which forks a child for every exercise.

    Parameters
    ----------
    command : Command
    preload : sequence of str
        Modules to import once.
    filter : bytes
        From `seccomp.compiled`.
    disk_bytes : int
        What a child may keep in its folder for temporary files.

    Raises
    ------
    Infrastructure
        If it does not start; the text holds what it said.
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
            self.ready = wire.receive(self._line.control, time.monotonic() + _START)
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
        """Fork a child.

        Parameters
        ----------
        memory_bytes : int
            Memory it may take beyond what the warm process has.
        cpu_backstop : float
            Seconds after which the kernel itself ends it, whatever happens to its supervisor.

        Returns
        -------
        Child

        Raises
        ------
        Infrastructure
        """
        try:
            limits = CHILD.pack(memory_bytes, math.ceil(cpu_backstop))
            made = Child(*self._line.spawn(limits))
        except OSError as error:
            raise Infrastructure(f"the sandbox has ended. {self._words()}") from error
        if not made.shut_in():
            made.close()
            raise Infrastructure(f"a child could not be shut in. {self._words()}")
        return made

    def _words(self) -> str:
        """What the sandbox said before it ended."""
        if self._said.closed:
            return ""
        self._said.seek(0)
        return clean(self._said.read(20_000).decode("utf-8", "replace")[-1_500:])

    @property
    def alive(self) -> bool:
        """Whether it can fork more children."""
        return self._line.alive

    def close(self) -> None:
        """End the sandbox and everything in it."""
        self._line.close()
        self._command.close()

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *_) -> None:
        self.close()


class Child:
    """One forked, shut-in process that holds one submission. Made by `Warm.child`."""

    def __init__(self, channel: socket.socket, watch: socket.socket):
        self._channel, self._watch = channel, watch
        self._number = 0
        self._ended: Ended | None = None
        self._deadline = math.inf

    def shut_in(self) -> bool:
        """Wait until it is shut in; it knows nothing of the submission before."""
        try:
            return wire.receive(self._channel, time.monotonic() + _FORK) == READY
        except (wire.Closed, wire.Late, wire.Unreadable):
            return False

    def allow(self, cpu_seconds: float) -> None:
        """Give it that much processor time from now on."""
        self._tell(cpu_seconds, math.nan)

    def ask(self, wall_seconds: float, what: str, *content) -> tuple:
        """Send a request and wait for the answer.

        Parameters
        ----------
        wall_seconds : float
            Time by the clock for all of it.
        what : {"load", "call"}
        *content : plain data

        Returns
        -------
        tuple of str, object, tuple or None, str
            Kind of the answer, value, what became of the arguments, what was printed. Whatever
            the kind and value are: the submission may have made them up.

        Raises
        ------
        Closed
            If the child has ended; `ended` says how.
        Unreadable
            If what came is no answer.
        Infrastructure
        """
        self._number += 1
        message = wire.encode((self._number, what, *content))
        self._tell(math.nan, wall_seconds)
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
            self._watch.sendall(ALLOWANCE.pack(cpu, wall))

    def ended(self) -> Ended:
        """Wait for the end of the child, and return how it ended.

        Raises
        ------
        Infrastructure
            If its supervisor does not say.
        """
        if self._ended is None:
            try:
                report = wire.receive(self._watch, time.monotonic() + _FORK)
                self._ended = Ended(report["why"], report["exit"], report["cpu_seconds"])
            except (wire.Closed, wire.Late, wire.Unreadable) as error:
                raise Infrastructure("a submission's supervisor has ended") from error
        return self._ended

    def close(self) -> Ended | None:
        """End the child; return how much it had used, if its supervisor says."""
        try:
            with contextlib.suppress(OSError):
                self._watch.shutdown(socket.SHUT_WR)
            return self.ended()
        except Infrastructure:
            return None
        finally:
            self._channel.close()
            self._watch.close()


def _is_answer(answer, number: int) -> bool:
    return (
        type(answer) is tuple
        and len(answer) == 5
        and type(answer[0]) is int
        and answer[0] == number
        and type(answer[1]) is str
        and answer[1] in ("done", "error", "not attempted")
        and (answer[1] == "done" or type(answer[2]) is str)
        and (answer[3] is None or _is_arguments(answer[3]))
        and type(answer[4]) is str
    )


def _is_arguments(after) -> bool:
    return (
        type(after) is tuple
        and len(after) == 2
        and type(after[0]) is tuple
        and type(after[1]) is dict
    )


def interpreter() -> list[str]:
    """Command that starts the warm process with this interpreter, its path left as it is."""
    return [sys.executable, "-s", "-P", "-m", "octlessons.grading.worker"]
