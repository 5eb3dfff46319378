"""Where submissions run: the ways to keep them apart, and the choice among them.

A way counts only after it has shown, here and now, that it holds (`selftest`). If none does, there
are no marks.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.grading.sandbox import seccomp, selftest
from octlessons.grading.sandbox.controlgroup import memory_group
from octlessons.grading.sandbox.warm import Command, Infrastructure, Warm

#: Ways that keep submissions apart, best first, and the way that does not.
WAYS = ("bubblewrap", "container", "confined")
NONE = "none"


def way(name: str):
    """Return the module of a way of isolation."""
    return importlib.import_module(f"octlessons.grading.sandbox.{name}")


def start(name: str, preload: Sequence[str], memory_mb: int = 2048) -> Warm:
    """Start a warm process.

    Parameters
    ----------
    name : {"bubblewrap", "container", "confined"}
    preload : sequence of str
        Modules to import once.
    memory_mb : int
        The most memory that a child will be allowed. Every child has a limit of its own on the
        memory that it can write to; where this user can make a control group, that limits the
        whole sandbox as well. Address space is no measure: torch reserves far more than it uses.

    Returns
    -------
    Warm

    Raises
    ------
    Infrastructure
        If it does not start.
    """
    command = _command(name, memory_mb)
    # Where this side is no Linux, the container compiles its list of calls itself.
    filter = seccomp.compiled(command.same_user) if sys.platform == "linux" else b""
    return Warm(command, preload, filter)


def _command(name: str, memory_mb: int) -> Command:
    if name == "container":  # has a limit of its own
        return way(name).command(memory_mb)
    group = memory_group(memory_mb)
    try:
        command: Command = way(name).command(group.prefix if group else [])
    except OctlessonsError:
        if group:
            group.close()
        raise
    if group:
        command.close = _both(command.close, group.close)
    return command


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        first()
        second()

    return run


def choose(wanted: str = "auto", secrets: Sequence[Path] = ()) -> str:
    """Choose a way of isolation that holds on this machine.

    Parameters
    ----------
    wanted : {"auto", "bubblewrap", "container", "confined", "none"}
    secrets : sequence of Path
        Files and folders that no submission may see: checks, solutions, results.

    Returns
    -------
    str

    Raises
    ------
    OctlessonsError
        If none holds: what each lacks, and what to do.
    """
    if wanted == NONE:
        return NONE
    if wanted != "auto" and wanted not in WAYS:
        raise OctlessonsError(
            f"There is no isolation called {wanted!r}: auto, {', '.join(WAYS)}, {NONE}."
        )
    reasons = []
    for name in WAYS if wanted == "auto" else (wanted,):
        why = trouble(name, secrets)
        if not why:
            return name
        reasons.append(f"- {name}: {why}")
    raise OctlessonsError(
        "Submissions cannot be kept apart from checks and marks on this machine, so none was "
        "graded.\n" + "\n".join(reasons) + f"\nWith --isolation {NONE} they run unprotected, and "
        "every result says so."
    )


def trouble(name: str, secrets: Sequence[Path] = ()) -> str:
    """Say why a way of isolation does not hold here; empty if it does."""
    if sys.platform != "linux" and name != "container":
        return "needs Linux"
    module = way(name)
    if not module.available():
        return f"is not available here. {module.ADVICE}"
    try:
        with selftest.marked(), start(name, ["numpy"]) as warm:
            leaks = selftest.leaks(warm, secrets)
    except (Infrastructure, OctlessonsError) as error:
        return f"{error} {module.ADVICE}"
    return f"does not hold: a submission can {'; '.join(leaks)}. {module.ADVICE}" if leaks else ""
