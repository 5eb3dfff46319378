"""The judge's line to a warm process: how it is started, and how a child is asked for."""

from __future__ import annotations

import array
import contextlib
import socket
import subprocess
from typing import BinaryIO, Protocol


class Connection(Protocol):
    """A line to a warm process.

    Attributes
    ----------
    control : socket
        For the setup and the answer to it.
    """

    control: socket.socket

    def spawn(self, limits: bytes) -> tuple[socket.socket, socket.socket]:
        """Ask for a child; return the sockets to it and to its supervisor, or raise `OSError`."""

    @property
    def alive(self) -> bool:
        """Whether the process that was started is still there."""

    def close(self) -> None:
        """End the warm process and everything under it."""


class Inherited:
    """A process on this machine that inherits its socket, and is handed those of its children.

    Parameters
    ----------
    arguments : list of str
        Program and arguments; the number of the control socket is added at the end.
    environment : dict
    said : binary file
        For its standard error.
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
            ours.close(), watch.close()
            raise
        finally:
            theirs.close(), their_watch.close()
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
