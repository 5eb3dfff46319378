"""The judge's line to a warm process in a container, over its standard input and output."""

from __future__ import annotations

import contextlib
import io
import socket
import subprocess
import threading
from typing import BinaryIO

from octlessons.grading.worker.relay import Relay

# Seconds for a container to end once its standard input is closed.
_PATIENCE = 20.0


class Relayed:
    """A container whose first process is `octlessons.grading.worker.relay`.

    Parameters
    ----------
    arguments : list of str
        Command whose standard input and output are those of the relay.
    environment : dict
    said : binary file
        For its standard error.
    """

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
        self._incoming = io.BufferedReader(self._process.stdout)
        self._relay = Relay(self._incoming, self._process.stdin)
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
