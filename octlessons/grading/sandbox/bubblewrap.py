"""Isolation by namespaces: bubblewrap on Linux, as root or not."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from octlessons.grading.sandbox.warm import Command, interpreter

NAME = "bubblewrap"

#: What to do where the kernel or the system does not let it.
ADVICE = (
    "Install it with `sudo apt-get install bubblewrap`. On Ubuntu 24.04 and later AppArmor keeps "
    "users from making namespaces: allow it for bubblewrap with the profile "
    "bwrap-userns-restrict (`sudo apt-get install apparmor-profiles && sudo ln -s "
    "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && sudo "
    "apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict`), or for everything until the next "
    "start with `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`."
)

# A user that owns nothing.
_UID = "65534"

#: Settings of the processor's arithmetic libraries, which the machine's owner may have made.
_KEPT = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def environment() -> dict[str, str]:
    """Return all the environment that the untrusted side gets: nothing of the judge's own."""
    threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS")
    return {
        **{f"{name}_NUM_THREADS": "1" for name in threads},
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "HOME": "/tmp",
        "JOBLIB_MULTIPROCESSING": "0",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONSAFEPATH": "1",
        "TMPDIR": "/tmp",
        "TZ": "UTC",
        "USER": "student",
    }


def package() -> Path:
    """Folder of this package."""
    return Path(__file__).resolve().parents[2]


def libraries() -> list[Path]:
    """Folders that the interpreter and the public libraries are in, without what lies in others.

    The package is one of them, where it is not among the installed libraries (an editable
    installation). Nothing else of a checkout is.
    """
    wanted = {Path(path).resolve() for path in (sys.base_prefix, sys.prefix)}
    wanted |= {Path(path).absolute() for path in (sys.base_prefix, sys.prefix)}
    wanted |= {Path(sys.executable).resolve().parent, package()}
    return sorted(
        path
        for path in wanted
        if path != Path("/")
        and not path.is_relative_to("/usr")
        and not any(path != other and path.is_relative_to(other) for other in wanted)
    )


def not_for_submissions() -> list[Path]:
    """Folders of packages that the untrusted side must not see: exercises and their checks.

    An editable installation leaves a copy of them among the installed libraries.
    """
    places = {package().parent, *map(Path, sys.path)}
    found = {place / "octlessons" / "course" for place in places}
    return sorted(path.resolve() for path in found if path.is_dir())


def available() -> str:
    """Return the path of bubblewrap; empty if it is not installed."""
    return shutil.which("bwrap") or "" if sys.platform == "linux" else ""


def command(prefix: list[str]) -> Command:
    """Return how to start the warm process under bubblewrap.

    Parameters
    ----------
    prefix : list of str
        What goes before the command, to put it into a control group.
    """
    arguments = [
        *prefix,
        available(),
        *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
        *("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"),
        *("--uid", _UID, "--gid", _UID, "--hostname", "sandbox"),
        *("--ro-bind", "/usr", "/usr"),
    ]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        place = Path("/", name)
        if place.is_symlink():
            arguments += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            arguments += ["--ro-bind", str(place), str(place)]
    for name in ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives"):
        arguments += ["--ro-bind-try", name, name]
    arguments += ["--tmpfs", "/tmp"]  # before the libraries, which may lie in it
    for place in libraries():
        arguments += ["--ro-bind", str(place), str(place)]
    for place in not_for_submissions():
        arguments += ["--tmpfs", str(place), "--remount-ro", str(place)]
    # Only a child's own /tmp, which its own mount namespace adds, can be written to.
    arguments += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm"]
    arguments += ["--remount-ro", "/dev/shm", "--remount-ro", "/dev"]
    for name, value in environment().items():
        arguments += ["--setenv", name, value]
    arguments += ["--chdir", "/tmp", "--remount-ro", "/", "--", *interpreter()]
    kept = [str(place) for place in libraries() if place.is_relative_to("/tmp")]
    return Command(arguments, {}, "namespaces", {"kept": kept})
