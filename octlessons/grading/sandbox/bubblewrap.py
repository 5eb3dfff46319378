"""Isolation by namespaces: bubblewrap on Linux, as root or not."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from octlessons.grading.sandbox import host
from octlessons.grading.sandbox.controlgroup import memory_group
from octlessons.grading.sandbox.ways import Command, Way, nothing

# A user that owns nothing.
_UID = "65534"


class Bubblewrap(Way):
    """Namespaces of users, processes, networks and mounts around the zygote and every child."""

    name = "bubblewrap"
    advice = (
        "Install it with `sudo apt-get install bubblewrap`. On Ubuntu 24.04 and later AppArmor "
        "keeps users from making namespaces: allow it for bubblewrap with the profile "
        "bwrap-userns-restrict (`sudo apt-get install apparmor-profiles && sudo ln -s "
        "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && sudo "
        "apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict`), or for everything until the "
        "next start with `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`."
    )

    def available(self) -> bool:
        """Whether the program is installed."""
        return sys.platform == "linux" and shutil.which("bwrap") is not None

    def command(self, memory_mb: int) -> Command:
        """The zygote under bubblewrap, in a control group where there may be one."""
        group = memory_group(memory_mb)
        arguments = [
            *(group.prefix if group else ()),
            shutil.which("bwrap") or "bwrap",
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
        for name in (
            "/etc/ld.so.cache",
            "/etc/ld.so.conf",
            "/etc/ld.so.conf.d",
            "/etc/alternatives",
        ):
            arguments += ["--ro-bind-try", name, name]
        arguments += ["--tmpfs", "/tmp"]  # before the libraries, which may lie in it
        for place in host.libraries():
            arguments += ["--ro-bind", str(place), str(place)]
        for place in host.not_for_submissions():
            arguments += ["--tmpfs", str(place), "--remount-ro", str(place)]
        # Only a child's own /tmp, which its own mount namespace adds, can be written to.
        arguments += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm"]
        arguments += ["--remount-ro", "/dev/shm", "--remount-ro", "/dev"]
        for name, value in host.environment().items():
            arguments += ["--setenv", name, value]
        arguments += ["--chdir", "/tmp", "--remount-ro", "/", "--", *host.interpreter()]
        kept = [str(place) for place in host.libraries() if place.is_relative_to("/tmp")]
        close = group.close if group else nothing
        return Command(arguments, {}, "namespaces", {"kept": kept}, close)
