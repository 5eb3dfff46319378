"""Isolation by a container of docker or podman: on macOS and Windows, or where it is wanted.

On Linux the container has no system of its own: an empty image, made on the spot, into which this
machine's libraries are mounted, read-only. Elsewhere, and wherever OCTLESSONS_IMAGE names one, an
image that the tutor has built by `octlessons package container`. In the container only root and the
users that children become exist; the judge talks to it over standard input and output
(`worker.relay`).
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.grading.sandbox import confined, host
from octlessons.grading.sandbox.connection import Relayed
from octlessons.grading.sandbox.ways import Command, Way

#: Environment variable with the name of an image that has Python and the package in it.
IMAGE = "OCTLESSONS_IMAGE"

# Root in the container may start children as other users, end them, and remove their files.
_CAPABILITIES = ("SETUID", "SETGID", "CHOWN", "KILL", "DAC_OVERRIDE")

# For the zygote and its libraries, and of temporary files.
_BASE_MB, _DISK_MB = 2048, 64

# Where no user but root may write. Some engines make them writable for all, in memory.
_CLOSED = ("/run", "/var/tmp", "/dev/mqueue", "/sys/fs/cgroup")

# An image of nothing but these empty folders, for everything else to be mounted on.
_EMPTY_IMAGE = "localhost/octlessons-empty:1"
_FOLDERS = ("dev", "etc", "proc", "run", "sys", "tmp", "usr", "var/tmp")


@cache
def engine() -> str:
    """Return the path of docker or podman, whichever answers; empty if none does."""
    for name in ("docker", "podman"):
        path = shutil.which(name)
        try:
            if path and subprocess.run([path, "info"], **_QUIET, timeout=10).returncode == 0:
                return path
        except (OSError, subprocess.TimeoutExpired):
            pass
    return ""


_QUIET: dict = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.DEVNULL,
    "stderr": subprocess.DEVNULL,
}


class Container(Way):
    """A container of docker or podman around the zygote; its children shut themselves in, too."""

    name = "container"
    needs_linux = False
    advice = (
        "It needs docker or podman, running: `docker info` (or `podman info`) must answer. On "
        "macOS and Windows it needs an image as well: `octlessons package container -o FOLDER`, "
        "then `docker build -t octlessons FOLDER`, and set the environment variable "
        f"{IMAGE} to octlessons."
    )

    def available(self) -> bool:
        """Whether docker or podman answers."""
        return bool(engine())

    def command(self, memory_mb: int) -> Command:
        """The zygote in a container, which has this memory and what the libraries need."""
        program = engine()
        image = os.environ.get(IMAGE, "")
        if not image and sys.platform != "linux":
            raise OctlessonsError(f"the environment variable {IMAGE} does not name an image.")
        # Not in memory: podman would copy what it covers.
        empty = tempfile.TemporaryDirectory(prefix="octlessons-empty-")
        os.chmod(empty.name, 0o555)
        name = f"octlessons-{secrets.token_hex(8)}"
        memory = f"{memory_mb + _BASE_MB}m"
        arguments = [
            *(program, "run", "--interactive", "--rm", "--name", name, "--pull", "never"),
            *("--network", "none", "--ipc", "none", "--read-only", "--log-driver", "none"),
            *("--user", "0:0", "--workdir", "/", "--hostname", "sandbox"),
            *("--security-opt", "no-new-privileges", "--cap-drop", "ALL"),
            *(f"--cap-add={capability}" for capability in _CAPABILITIES),
            *("--memory", memory, "--memory-swap", memory, "--pids-limit", "256"),
            # Children go through it to a folder of their own, and cannot write to it.
            *("--tmpfs", f"/tmp:rw,noexec,nosuid,nodev,size={_DISK_MB}m,mode=0711"),
            *(f"--tmpfs={place}:ro,noexec,nosuid,nodev,size=64k,mode=0555" for place in _CLOSED),
            *_limits(),
        ]
        for key, value in host.environment().items():
            arguments += ["--env", f"{key}={value}"]
        if image:
            arguments += ["--entrypoint", "python", image]
            readable = [*confined.SYSTEM, "/opt", *confined.FILES]
        else:
            arguments += [
                *_libraries(empty.name),
                "--entrypoint",
                sys.executable,
                _empty_image(program),
            ]
            readable = confined.readable()
        arguments += ["-s", "-P", "-m", "octlessons.grading.worker.relay"]
        extra = {"readable": readable, **confined.FEW_USERS}

        def close() -> None:
            # Gone already, unless it did not end by itself.
            subprocess.run([program, "rm", "--force", name], **_QUIET, timeout=60)
            empty.cleanup()

        # The engine, not the container, gets the tutor's environment.
        return Command(arguments, dict(os.environ), "confined", extra, close, Relayed)


def _limits() -> list[str]:
    """Limits that this user may set: an engine's own may be higher than the machine allows."""
    if sys.platform != "linux":
        return []
    import resource

    found = []
    for name, number, wanted in (
        ("nofile", resource.RLIMIT_NOFILE, 1024),
        ("nproc", resource.RLIMIT_NPROC, 8192),
    ):
        hard = resource.getrlimit(number)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        found += ["--ulimit", f"{name}={value}:{value}"]
    return found


def _libraries(empty: str) -> list[str]:
    """Mounts of this machine's libraries, an empty folder over what submissions must not see."""
    arguments = []
    for name in (
        *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
        *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives"),
        *map(str, host.libraries()),
    ):
        if os.path.exists(name):
            arguments += [f"--mount=type=bind,source={Path(name).resolve()},target={name},readonly"]
    for place in host.not_for_submissions():
        arguments += [f"--mount=type=bind,source={empty},target={place},readonly"]
    return arguments


def _empty_image(engine: str) -> str:
    """Make the image that everything is mounted on, unless there is one."""
    if subprocess.run([engine, "image", "inspect", _EMPTY_IMAGE], **_QUIET).returncode == 0:
        return _EMPTY_IMAGE
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for folder in _FOLDERS:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
    made = subprocess.run(
        [engine, "import", "-", _EMPTY_IMAGE], input=content.getvalue(), capture_output=True
    )
    if made.returncode:
        said = made.stderr.decode("utf-8", "replace").strip()[-500:]
        raise OctlessonsError(f"{engine} does not make an image: {said}.")
    return _EMPTY_IMAGE
