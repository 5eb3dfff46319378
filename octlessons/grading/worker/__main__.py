"""The zygote: libraries imported, nothing computed, one thread; it forks and waits.

Started with one argument, the number of a socket. On it the judge says what to import and how to
shut children in; then, for every child, its limits, with two sockets attached: the child's and the
supervisor's.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import sys

from octlessons.grading import wire
from octlessons.grading.worker import confinement, seccomp, supervisor


def main() -> None:
    """Import what is needed, say so, and fork whenever the judge asks for a child."""
    control = socket.socket(fileno=int(sys.argv[1]))
    setup = wire.receive(control)
    if setup["mode"] == "confined":
        confinement.unseen()  # children may share the user and /proc with this process
    if not setup["filter"]:
        setup["filter"] = seccomp.compiled(same_user=True)
    trouble = _import(setup["preload"])
    setup["proc"] = confinement.snapshot()
    setup["user"] = (os.geteuid(), os.getegid())
    gc.collect()
    gc.freeze()
    wire.send(control, wire.encode({"ready": True, "trouble": trouble}))
    supervisor.Supervisor(control, setup).run()


def _import(names) -> list[str]:
    """Import modules for all children; what cannot be imported is the first child's to find out."""
    trouble = []
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            trouble.append(f"{name}: {type(error).__name__}")
    return trouble


if __name__ == "__main__":
    main()
