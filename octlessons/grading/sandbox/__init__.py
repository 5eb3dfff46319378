"""Where submissions run: the ways to keep them apart, and the choice among them.

A way counts only after it has shown, here and now, that it holds (`selftest`). If none does, there
are no marks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.grading.sandbox import selftest
from octlessons.grading.sandbox.bubblewrap import Bubblewrap
from octlessons.grading.sandbox.confined import Confined
from octlessons.grading.sandbox.container import Container
from octlessons.grading.sandbox.ways import Way
from octlessons.grading.sandbox.zygote import Infrastructure, Zygote
from octlessons.grading.worker import seccomp

#: Ways that keep submissions apart, by name, best first; and what is none.
WAYS: dict[str, Way] = {way.name: way for way in (Bubblewrap(), Container(), Confined())}
NONE = "none"


def start(name: str, preload: Sequence[str], memory_mb: int = 2048) -> Zygote:
    """Start a zygote with these modules imported.

    Every child has a limit of its own on the memory that it can write to; where this user can make
    a control group, that limits the whole sandbox, for children of `memory_mb`, as well. (Address
    space is no measure: torch reserves far more than it uses.) Raises `OctlessonsError` if
    something that it needs is not here, `Infrastructure` if it does not start.
    """
    command = WAYS[name].command(memory_mb)
    try:
        # Where this side is no Linux, the container compiles its list of calls itself.
        filter = seccomp.compiled(command.same_user) if sys.platform == "linux" else b""
    except RuntimeError as error:
        command.close()
        raise OctlessonsError(str(error)) from error
    return Zygote(command, preload, filter)


def choose(wanted: str = "auto", secrets: Sequence[Path] = ()) -> str:
    """Choose a way of isolation that holds on this machine.

    `wanted` is the name of one, ``"none"``, or ``"auto"``; `secrets` are files and folders that no
    submission may see: checks, solutions, results. Raises `OctlessonsError` if none holds: what
    each lacks, and what to do.
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
    way = WAYS[name]
    if sys.platform != "linux" and way.needs_linux:
        return "needs Linux"
    if not way.available():
        return f"is not available here. {way.advice}"
    try:
        with selftest.marked(), start(name, ["numpy"]) as zygote:
            leaks = selftest.leaks(zygote, secrets)
    except (Infrastructure, OctlessonsError) as error:
        return f"{error} {way.advice}"
    return f"does not hold: a submission can {'; '.join(leaks)}. {way.advice}" if leaks else ""
