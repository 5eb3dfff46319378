"""The warm process: libraries imported, nothing computed, one thread; it forks and waits.

Started with one argument, the number of a socket. On it the judge says what to import and how to
shut children in; then, for every child, its limits, with two sockets attached: the child's and the
supervisor's.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import os
import socket
import sys
import traceback

from octlessons.grading import wire
from octlessons.grading.worker import confinement, supervisor
from octlessons.grading.worker.protocol import CHILD


def main() -> None:
    """Import what is needed, say so, and fork whenever the judge asks for a child."""
    control = socket.socket(fileno=int(sys.argv[1]))
    setup = wire.receive(control)
    if setup["mode"] == "confined":
        confinement.unseen()  # children may share the user and /proc with this process
    trouble = _import(setup["preload"])
    setup["proc"] = confinement.snapshot()
    gc.collect()
    gc.freeze()
    wire.send(control, wire.encode({"ready": True, "trouble": trouble}))
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        request = _request(control)
        if request is None:
            return
        (memory, cpu), (channel, watch) = request
        if os.fork() == 0:
            control.close()
            try:
                limits = {"memory_bytes": memory, "cpu_backstop": cpu}
                supervisor.supervise(channel, watch, setup | limits)
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        os.close(channel)
        os.close(watch)


def _import(names) -> list[str]:
    """Import modules for all children; what cannot be imported is the first child's to find out."""
    trouble = []
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            trouble.append(f"{name}: {type(error).__name__}")
    return trouble


def _request(control: socket.socket) -> tuple[tuple, tuple] | None:
    """Wait for the next request; None when the judge has gone."""
    numbers = array.array("i")
    room = socket.CMSG_SPACE(2 * numbers.itemsize)
    content, attached, _, _ = control.recvmsg(CHILD.size, room, socket.MSG_WAITALL)
    if len(content) < CHILD.size:
        return None
    for level, kind, data in attached:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(data)
    return CHILD.unpack(content), tuple(numbers)


if __name__ == "__main__":
    main()
