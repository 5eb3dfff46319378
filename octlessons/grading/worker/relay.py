"""Carry sockets over one pair of pipes, for containers that share nothing else.

A container of docker or podman has standard input and output, and no way to be handed a socket. So
a relay runs at both ends: it gives each side the sockets it expects, and sends what passes through
them in frames over the pipes. It reads no message; what a submission sends is bytes to it.

    kind (1 byte), number of the socket (4 bytes), length (4 bytes), content

Kinds: ``c`` a child is wanted (content: its limits; its two sockets have the number and the next
one), ``d`` data, ``w`` so many bytes (4 bytes) were passed on, so as many more may be sent, ``e``
no more data in this direction.

What comes out of the pipe is always taken at once: nothing can be sent on a socket beyond what the
other end has room for. So a submission that floods its socket, or never reads from it, holds up
itself and nobody else, and no more than `WINDOW` bytes are kept for it.

This module is also the first process in a container: ``python -m octlessons.grading.worker.relay``.
"""

from __future__ import annotations

import array
import collections
import contextlib
import io
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

#: Bytes of one socket that may be on their way in one direction.
WINDOW = 2**20

_FRAME = struct.Struct("<cII")
_COUNT = struct.Struct("<I")
_PART = 2**16


class Relay:
    """One end: forwards between two pipes and any number of sockets.

    `incoming` is buffered, `outgoing` raw. `wanted` is called with the number and the limits when
    the other end wants a child.
    """

    def __init__(
        self,
        incoming: BinaryIO,
        outgoing: io.RawIOBase,
        wanted: Callable[[int, bytes], None] | None = None,
    ):
        self._incoming, self._outgoing, self._wanted = incoming, outgoing, wanted
        self._writing = threading.Lock()
        self._streams: dict[int, _Stream] = {}
        self._over = False

    def add(self, number: int, line: socket.socket) -> None:
        """Know a socket from now on; nothing is read from it before `start`."""
        self._streams[number] = _Stream(number, line, self)
        if self._over:
            self._streams[number].abandon()

    def start(self, number: int) -> None:
        """Forward a socket, until both directions have ended; then it is closed."""
        self._streams[number].start()

    def send(self, kind: bytes, number: int, content: bytes = b"") -> None:
        """Send a frame. Raises `OSError` if the other end has gone."""
        rest = memoryview(_FRAME.pack(kind, number, len(content)) + content)
        with self._writing:
            while rest:
                if self._over:
                    raise BrokenPipeError
                rest = rest[self._outgoing.write(rest) :]

    def run(self) -> None:
        """Take frames until there are no more, then close every socket. Never waits for one."""
        try:
            while len(head := self._incoming.read(_FRAME.size)) == _FRAME.size:
                kind, number, length = _FRAME.unpack(head)
                if length > WINDOW:
                    break
                content = self._incoming.read(length)
                stream = self._streams.get(number)
                if kind == b"c" and self._wanted:
                    self._wanted(number, content)
                elif stream and kind == b"d":
                    stream.arrived(content)
                elif stream and kind == b"w":
                    stream.passed_on(*_COUNT.unpack(content))
                elif stream and kind == b"e":
                    stream.arrived(None)
        except (OSError, ValueError, struct.error):
            pass
        self._over = True
        for stream in list(self._streams.values()):
            stream.abandon()

    def close(self, seconds: float) -> bool:
        """Close the outgoing pipe; False if it is still being written to after so long."""
        if not self._writing.acquire(timeout=seconds):
            return False
        try:
            self._over = True
            if not self._outgoing.closed:
                with contextlib.suppress(OSError):
                    self._outgoing.close()
        finally:
            self._writing.release()
        return True

    def forget(self, number: int) -> None:
        """Called by a stream that has ended."""
        self._streams.pop(number, None)


class _Stream:
    """A socket of this end: one thread for each direction, so that neither waits for the other."""

    def __init__(self, number: int, line: socket.socket, relay: Relay):
        self._number, self._line, self._relay = number, line, relay
        self._changed = threading.Condition()
        self._may_send, self._abandoned, self._directions = WINDOW, False, 2
        self._kept: collections.deque[bytes | None] = collections.deque()
        self._size = 0

    def start(self) -> None:
        for direction in (self._from_socket, self._to_socket):
            threading.Thread(target=self._run, args=(direction,), daemon=True).start()

    def arrived(self, content: bytes | None) -> None:
        """Keep data from the other end for the socket; None is the end of it."""
        with self._changed:
            self._size += len(content or b"")
            if self._size > WINDOW:
                raise ValueError("more came than was asked for")
            self._kept.append(content)
            self._changed.notify_all()

    def passed_on(self, count: int) -> None:
        """The other end has room again."""
        with self._changed:
            self._may_send += count
            self._changed.notify_all()

    def abandon(self) -> None:
        """The other end has gone."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def _run(self, direction: Callable[[], None]) -> None:
        with contextlib.suppress(OSError):
            direction()
        with self._changed:
            self._directions -= 1
            last = not self._directions
        if last:
            self._line.close()
            self._relay.forget(self._number)

    def _from_socket(self) -> None:
        with contextlib.suppress(ConnectionError):
            while content := self._line.recv(self._room()):
                with self._changed:
                    self._may_send -= len(content)
                self._relay.send(b"d", self._number, content)
        self._relay.send(b"e", self._number)

    def _room(self) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self._may_send > 0 or self._abandoned)
            if self._abandoned:
                raise BrokenPipeError
            return min(self._may_send, _PART)

    def _to_socket(self) -> None:
        read = True
        while (content := self._next()) is not None:
            if read:
                try:
                    self._line.sendall(content)
                except OSError:  # nobody reads any more; what still comes is let go
                    read = False
            with self._changed:
                self._size -= len(content)
            self._relay.send(b"w", self._number, _COUNT.pack(len(content)))
        self._line.shutdown(socket.SHUT_WR)

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._kept or self._abandoned)
            if not self._kept:
                raise BrokenPipeError
            return self._kept.popleft()


def main() -> None:
    """Start the zygote in a container, and forward to it until the judge has gone."""
    outgoing = io.FileIO(os.dup(1), "w")
    os.dup2(2, 1)  # what anything prints is no frame
    control, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", "octlessons.grading.worker", str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
    )
    theirs.close()

    def wanted(number: int, limits: bytes) -> None:
        pairs = [socket.socketpair(), socket.socketpair()]
        attached = array.array("i", [theirs.fileno() for _, theirs in pairs])
        with contextlib.suppress(OSError):  # without a zygote, both sockets end at once
            control.sendmsg([limits], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, attached)])
        for place, (ours, theirs) in enumerate(pairs):
            theirs.close()
            relay.add(number + place, ours)
            relay.start(number + place)

    with open(0, "rb", closefd=False) as incoming:
        relay = Relay(incoming, outgoing, wanted)
        relay.add(0, control)
        relay.start(0)
        relay.run()
    process.kill()
    process.wait()
    os._exit(0)  # in a container, this ends all that is left


if __name__ == "__main__":
    main()
