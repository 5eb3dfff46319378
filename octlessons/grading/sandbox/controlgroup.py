"""A control group that limits the memory of a whole sandbox, where this user may make one."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")

# For the zygote and its libraries.
_BASE_MB = 2048

# Seconds after which a group without processes is left over.
_OLD = 300.0


@dataclass(frozen=True)
class Group:
    """A control group, by its folder."""

    folder: Path

    @property
    def prefix(self) -> list[str]:
        """What goes before a command so that it runs in the group."""
        script = 'echo $$ > "$0" && exec "$@"'
        return ["/bin/sh", "-c", script, str(self.folder / "cgroup.procs")]

    def close(self) -> None:
        """Remove the group, once its processes have ended."""
        for _ in range(50):
            with contextlib.suppress(OSError):
                self.folder.rmdir()
                return
            time.sleep(0.02)


def memory_group(memory_mb: int) -> Group | None:
    """Make a group for a sandbox whose submission may take this much memory.

    None where this user may not make one: neither version 1 nor version 2 is writable.
    """
    limit = str((memory_mb + _BASE_MB) * 2**20)
    for parent, files in (
        (_ROOT / "memory", ("memory.limit_in_bytes",)),
        (_own_v2(), ("memory.max",)),
    ):
        if parent is None or not os.access(parent, os.W_OK):
            continue
        _sweep(parent)
        try:
            folder = Path(tempfile.mkdtemp(prefix="octlessons-", dir=parent))
        except OSError:
            continue
        try:
            for name in files:
                (folder / name).write_text(limit)
            with contextlib.suppress(OSError):
                (folder / "memory.swap.max").write_text("0")
            return Group(folder)
        except OSError:
            with contextlib.suppress(OSError):
                folder.rmdir()
    return None


def _sweep(parent: Path) -> None:
    """Remove the groups of runs that were killed: empty, and older than any start takes."""
    for folder in parent.glob("octlessons-*"):
        with contextlib.suppress(OSError):  # one with processes in it cannot be removed
            if time.time() - folder.stat().st_ctime > _OLD:
                folder.rmdir()


def _own_v2() -> Path | None:
    """The group of version 2 that this process is in, if it may hand memory on."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        path = next(line[3:] for line in lines if line.startswith("0::"))
        parent = _ROOT / path.lstrip("/")
        handed_on = (parent / "cgroup.subtree_control").read_text().split()
    except (OSError, StopIteration):
        return None
    return parent if "memory" in handed_on else None
