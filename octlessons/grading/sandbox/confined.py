"""Isolation without namespaces: inside containers that allow none, such as Gradescope's.

Another user for every child (where the grader is root), Landlock, seccomp and limits, in the one
container there is. Files are hidden by Landlock; where the kernel has none, by their owner and
permissions, and the self-test looks whether that is enough.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.grading.sandbox import host
from octlessons.grading.sandbox.controlgroup import memory_group
from octlessons.grading.sandbox.ways import Command, Way, nothing

# Numbers of users that are not people or services: first and how many. As many as there are numbers
# of processes; in containers that have only 65536 users, fewer.
_USERS = {"first_uid": 2_000_000_000, "uids": 2**22}
FEW_USERS = {"first_uid": 60_001, "uids": 1_000}

#: Files that libraries look up: the loader, the time zone, the machine, which files are loaded.
FILES = (
    *("/dev/urandom", "/dev/random", "/dev/zero", "/dev/null", "/etc/alternatives"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/self/maps"),
)

#: Folders of the system that are readable as a whole.
SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/libx32", "/bin")


class Confined(Way):
    """Children shut themselves in: another user, Landlock, the list of calls, limits."""

    name = "confined"
    advice = (
        "It needs Linux with Landlock (as another user than root, of Linux 6.2 or later). "
        "Without Landlock, run the grader as root in a container of its own in which only root can "
        "open the checks and the results (`chmod 700`) and write to /tmp, /var/tmp and /dev/shm "
        "(`chmod 711`)."
    )

    def available(self) -> bool:
        """Whether this can be tried at all."""
        return sys.platform == "linux"

    def command(self, memory_mb: int) -> Command:
        """The zygote as it is; refused if no child could run beside it."""
        root = os.geteuid() == 0
        extra: dict = {"readable": readable()}
        if root:
            extra |= users(Path("/proc/self/uid_map").read_text())
            shut = [path for place in host.libraries() for path in closed(place)]
            if shut:
                raise OctlessonsError(
                    f"only root can open {shut[0]}, and the libraries are in it: install Python "
                    "and the package where every user can read them, or `chmod o+x` it."
                )
        group = memory_group(memory_mb)
        line = [*(group.prefix if group else ()), *host.interpreter()]
        close = group.close if group else nothing
        return Command(line, host.environment(), "confined", extra, close, same_user=not root)


def readable() -> list[str]:
    """Return the files and folders that children may read: the system's and the libraries.

    Landlock only adds. So what is to stay hidden inside one of them is left out by naming its
    neighbours.
    """
    given = [*map(Path, SYSTEM), *host.libraries()]
    real = {path.resolve() for path in given if path.exists()}
    found = [path for path in real if not any(path != o and path.is_relative_to(o) for o in real)]
    for hidden in host.not_for_submissions():
        for number, path in enumerate(found):
            if hidden.is_relative_to(path):
                found[number : number + 1] = _neighbours(path, hidden)
                break
    return sorted(map(str, found)) + list(FILES)


def _neighbours(folder: Path, hidden: Path) -> list[Path]:
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        # A link gives no right to what it leads to; opened as a rule, it would.
        if entry != hidden and not entry.is_symlink():
            found += _neighbours(entry, hidden) if hidden.is_relative_to(entry) else [entry]
    return found


def users(mapped: str) -> dict[str, int]:
    """Choose numbers of users for children from the content of ``/proc/self/uid_map``."""
    ranges = [tuple(map(int, line.split())) for line in mapped.splitlines()]
    for choice in (_USERS, FEW_USERS):
        first, end = choice["first_uid"], sum(choice.values())
        if any(start <= first and end <= start + size for start, _, size in ranges):
            return choice
    raise OctlessonsError("there is no other user in this container that submissions could run as.")


def closed(place: Path) -> list[Path]:
    """Return the folders on the way to a place that only their owner can pass."""
    return [path for path in (place, *place.parents) if not os.stat(path).st_mode & 0o001]
