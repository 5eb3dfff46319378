"""Fork children and watch over them from outside: count their time, kill them, say how they ended.

The judge tells on a child's watch socket what it may still use: messages of 16 bytes, two doubles,
processor seconds and seconds by the clock from now on (NaN leaves as it is, infinity lifts). When
a child has ended, the supervisor sends one `wire` message. If the judge lets go of the socket, the
child is killed. The supervisor runs no line of a submission.
"""

from __future__ import annotations

import array
import contextlib
import math
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import traceback

from octlessons.grading import wire
from octlessons.grading.worker import child, confinement

_LOOK = 0.25  # seconds between two looks at the clock of a child that is far from its limit
_CORES = os.cpu_count() or 1

# What a child's temporary folder may hold where no mount bounds it: files, folders in folders.
_FILES, _DEPTH = 2000, 10


class Supervisor:
    """Forks a child whenever the judge asks for one, and looks after all that there are.

    `control` leads to the judge, `setup` is what it said at the start: ``mode``, ``filter`` and so
    on.
    """

    def __init__(self, control: socket.socket, setup: dict):
        self._control, self._setup = control, setup
        self._children: list[_Watched] = []

    def run(self) -> None:
        """Go on until the judge has gone."""
        while True:
            poll = select.poll()
            poll.register(self._control, select.POLLIN)
            for handle in (handle for watched in self._children for handle in watched.handles):
                poll.register(handle, select.POLLIN)
            wait = min((c.patience() for c in self._children), default=None)
            ready = {handle for handle, _ in poll.poll(wait)}
            for watched in list(self._children):
                if watched.look(ready):
                    self._children.remove(watched)
            if self._control.fileno() in ready and not self._fork():
                return

    def _fork(self) -> bool:
        """Fork the child that is asked for; say no when the judge has gone."""
        request = _request(self._control)
        if request is None:
            return False
        (memory, cpu), (channel, watch) = request
        setup = self._setup | {"memory_bytes": memory, "cpu_backstop": cpu}
        confined = setup["mode"] == "confined"
        folder = tempfile.mkdtemp(prefix="work-") if confined else None
        pid = os.fork() if confined else confinement.fork_into_namespaces()
        if pid == 0:
            try:
                child.run(channel, folder, setup)
            except BaseException:
                traceback.print_exc()  # to nowhere, once the child is shut in
            finally:
                os._exit(1)
        os.close(channel)
        self._children.append(_Watched(pid, watch, setup["disk_bytes"], folder))
        return True


def _request(control: socket.socket) -> tuple[tuple, tuple] | None:
    """Read the judge's next request; None when it has gone."""
    numbers = array.array("i")
    room = socket.CMSG_SPACE(2 * numbers.itemsize)
    content, attached, _, _ = control.recvmsg(wire.CHILD.size, room, socket.MSG_WAITALL)
    if len(content) < wire.CHILD.size:
        return None
    for level, kind, data in attached:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(data)
    return wire.CHILD.unpack(content), tuple(numbers)


class _Watched:
    """One child, and what it may still use."""

    def __init__(self, pid: int, watch: int, disk: int, folder: str | None):
        self._pid, self._pidfd = pid, os.pidfd_open(pid)
        self._line = socket.socket(fileno=watch)
        self._disk, self._folder = disk, folder
        self._cpu_end = self._wall_end = math.inf
        self._used = 0.0

    @property
    def handles(self) -> tuple[int, int]:
        """What to wait for: its end, and the judge."""
        return self._pidfd, self._line.fileno()

    def patience(self) -> int:
        """Milliseconds until it has to be looked at again."""
        wall = self._wall_end - time.monotonic()
        left = min((self._cpu_end - self._used) / _CORES, wall, _LOOK)
        return max(2, math.ceil(1000 * left))

    def look(self, ready: set[int]) -> bool:
        """Look whether it has ended or has to; say yes if it is no more."""
        if self._pidfd in ready:
            self._end("")
            return True
        self._used = _cpu(self._pid, self._used)
        why = ""
        if self._line.fileno() in ready:
            why = self._listen()
        elif self._used >= self._cpu_end:
            why = "cpu"
        elif time.monotonic() >= self._wall_end:
            why = "wall"
        elif self._folder is not None and _size(self._folder) > self._disk:
            why = "disk"
        if why:
            self._end(why)
        return bool(why)

    def _listen(self) -> str:
        try:
            message = self._line.recv(wire.ALLOWANCE.size, socket.MSG_WAITALL)
        except OSError:
            message = b""
        if len(message) < wire.ALLOWANCE.size:
            return "closed"  # the judge needs the child no more
        cpu, wall = wire.ALLOWANCE.unpack(message)
        if not math.isnan(cpu):
            self._cpu_end = self._used + cpu
        if not math.isnan(wall):
            self._wall_end = time.monotonic() + wall
        return ""

    def _end(self, why: str) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        _, status, usage = os.wait4(self._pid, 0)
        os.close(self._pidfd)
        if self._folder is not None:
            _remove(self._folder)  # before the report: the next child may need the room
        report = {
            "why": why,
            "exit": os.waitstatus_to_exitcode(status),
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
        }
        with contextlib.suppress(wire.Closed, OSError):
            wire.send(self._line, wire.encode(report))
        self._line.close()


def _cpu(pid: int, before: float) -> float:
    """Processor time of all threads of a process, in seconds."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # the clock of another process, as libc has it
    except OSError:
        return before


def _size(folder: str) -> float:
    """Bytes in a child's temporary folder, where no mount bounds them; or infinity."""
    total, files = 0, 0
    waiting = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                files += 1
                if files > _FILES or depth > _DEPTH:
                    return math.inf
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
    return total


def _remove(folder: str) -> None:
    """Remove a child's temporary folder, whatever it made of it."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, "--", folder], stderr=subprocess.DEVNULL)
