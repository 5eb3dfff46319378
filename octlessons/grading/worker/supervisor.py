"""Watch over one child from outside its namespaces: count its time, kill it, say how it ended.

The judge tells it on the watch socket what the child may still use: messages of 16 bytes, two
doubles, processor seconds and seconds by the clock from now on (NaN leaves as it is, infinity
lifts). When the child has ended, the supervisor sends one `wire` message and ends, too. If the
judge goes away, the child is killed. The supervisor runs no line of a submission.
"""

from __future__ import annotations

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
from octlessons.grading.worker.protocol import ALLOWANCE

_LOOK = 0.25  # seconds between two looks at the clock of a child that is far from its limit
_CORES = os.cpu_count() or 1

# What a child's temporary folder may hold where no mount bounds it: files, folders in folders.
_FILES, _DEPTH = 2000, 10


def supervise(channel: int, watch: int, setup: dict) -> None:
    """Fork the child, watch it to its end, and report.

    Parameters
    ----------
    channel, watch : int
        The child's socket and the supervisor's own.
    setup : dict
        What the judge said at the start: ``mode``, ``filter``, limits.
    """
    confined = setup["mode"] == "confined"
    folder = tempfile.mkdtemp(prefix="work-") if confined else None
    try:
        if not confined:
            confinement.new_namespaces()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(watch)
                child.run(channel, folder, setup)
            except BaseException:
                traceback.print_exc()  # to nowhere, once the child is shut in
            finally:
                os._exit(1)
        os.close(channel)
        with socket.socket(fileno=watch) as line:
            _wait(pid, line, setup["disk_bytes"], folder)
    finally:
        if folder is not None and os.path.exists(folder):
            _remove(folder)
    os._exit(0)


def _wait(pid: int, line: socket.socket, disk: int, folder: str | None) -> None:
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(line, select.POLLIN)
    cpu_end = wall_end = math.inf
    why, used = "", 0.0
    while True:
        left = min((cpu_end - used) / _CORES, wall_end - time.monotonic(), _LOOK)
        events = dict(poll.poll(max(2, math.ceil(1000 * left))))
        if pidfd in events:
            break
        used = _cpu(pid, used)
        if line.fileno() in events:
            message = line.recv(ALLOWANCE.size, socket.MSG_WAITALL)
            if len(message) < ALLOWANCE.size:  # the judge needs the child no more
                why = "closed"
                break
            cpu, wall = ALLOWANCE.unpack(message)
            cpu_end = cpu_end if math.isnan(cpu) else used + cpu
            wall_end = wall_end if math.isnan(wall) else time.monotonic() + wall
        elif used >= cpu_end:
            why = "cpu"
        elif time.monotonic() >= wall_end:
            why = "wall"
        elif folder is not None and _size(folder) > disk:
            why = "disk"
        if why:
            break
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    if folder is not None:
        _remove(folder)  # before the report: the next child may need the room
    report = {
        "why": why,
        "exit": os.waitstatus_to_exitcode(status),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
    }
    with contextlib.suppress(wire.Closed, OSError):
        wire.send(line, wire.encode(report))


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
