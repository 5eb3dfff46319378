"""The judge's line to a zygote: how it is started, and how a child is asked for.

On this machine the zygote inherits a socket and is handed those of its children (`Inherited`); in
a container everything goes over its standard input and output (`Relayed`).
"""

from __future__ import annotations

import array
import contextlib
import io
import socket
import subprocess
import threading
from typing import BinaryIO, Protocol, cast

from octlessons.grading.worker.relay import Relay

# Seconds for a container to end once its standard input is closed.
_PATIENCE = 20.0


class Connection(Protocol):
    """A line to a zygote; `control` is for the setup and the answer to it."""

    control: socket.socket

    def spawn(self, limits: bytes) -> tuple[socket.socket, socket.socket]:
        """Ask for a child; return the sockets to it and to its supervisor, or raise `OSError`."""

    @property
    def alive(self) -> bool:
        """Whether the process that was started is still there."""

    def close(self) -> None:
        """End the zygote and everything under it."""


class Inherited:
    """A process on this machine; the number of its control socket is added to its arguments.

    `said` is the file for its standard error.
    """

    def __init__(self, arguments: list[str], environment: dict[str, str], said: BinaryIO):
        self.control, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [*arguments, str(theirs.fileno())],
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd="/",
            )
        except OSError:
            self.control.close()
            raise
        finally:
            theirs.close()

    def spawn(self, limits: bytes) -> tuple[socket.socket, socket.socket]:
        ours, theirs = socket.socketpair()
        watch, their_watch = socket.socketpair()
        try:
            attached = array.array("i", [theirs.fileno(), their_watch.fileno()])
            self.control.sendmsg([limits], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, attached)])
        except OSError:
            ours.close()
            watch.close()
            raise
        finally:
            theirs.close()
            their_watch.close()
        return ours, watch

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self.control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class Relayed:
    """A container whose first process is `octlessons.grading.worker.relay`."""

    def __init__(self, arguments: list[str], environment: dict[str, str], said: BinaryIO):
        self._process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            bufsize=0,
        )
        self.control, theirs = socket.socketpair()
        self._incoming = io.BufferedReader(cast(io.RawIOBase, self._process.stdout))
        self._relay = Relay(self._incoming, cast(io.RawIOBase, self._process.stdin))
        self._next = 1
        self._relay.add(0, theirs)
        self._relay.start(0)
        self._thread = threading.Thread(target=self._relay.run, daemon=True)
        self._thread.start()

    def spawn(self, limits: bytes) -> tuple[socket.socket, socket.socket]:
        number, self._next = self._next, self._next + 2
        pairs = [socket.socketpair(), socket.socketpair()]
        for place, (_, theirs) in enumerate(pairs):
            self._relay.add(number + place, theirs)
        try:
            self._relay.send(b"c", number, limits)
        except OSError:
            for pair in pairs:
                for line in pair:
                    line.close()
            raise
        for place in range(2):
            self._relay.start(number + place)
        return pairs[0][0], pairs[1][0]

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        if not self._relay.close(1.0):
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.control.close()
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._incoming.close()
