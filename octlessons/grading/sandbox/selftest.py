"""Try to break out, as a submission would, before any mark is given.

The attempts are a submission like any other: they run in a child, and their answers are data. One
that succeeds, or that cannot be made at all, closes the way.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from octlessons.grading import wire
from octlessons.grading.sandbox.zygote import Zygote

_PROBE = '''
import fcntl
import os
import socket
import subprocess
import sys
import threading


def attempts(secrets, environment, alone):
    """Which of these succeed? All of them should fail."""
    found = []

    def attempt(what, function):
        try:
            if function():
                found.append(what)
        except (OSError, RuntimeError, ValueError, ImportError):
            pass

    def child():
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        return True

    def others():
        found = [n for n in os.listdir("/proc") if n.isdigit() and int(n) != os.getpid()]
        return found and (alone or any(looked_into(n) for n in found))

    def looked_into(number):
        for name in ("environ", "mem", "maps", "io", "cwd", "root", "exe", "fd"):
            place = f"/proc/{number}/{name}"
            try:
                if name in ("cwd", "root", "exe"):
                    return os.readlink(place)
                if name == "fd":
                    return os.listdir(place)
                if open(place, "rb").read(1):  # nothing comes of the kernel's own
                    return True
            except OSError:
                pass

    def signal_by_file():
        fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid() or 1)
        return True

    def write(path):
        with open(path, "w"):
            pass
        os.unlink(path)
        return True

    def same_mode(path):
        os.chmod(path, os.stat(path).st_mode & 0o7777)
        return True

    attempt("start a process", child)
    attempt("start a program", lambda: subprocess.run(["/bin/true"]) is not None)
    attempt("open a network connection", lambda: socket.socket(socket.AF_INET))
    attempt("open a local socket", lambda: socket.socket(socket.AF_UNIX))
    attempt("signal other processes", lambda: os.kill(os.getppid() or -1, 0) is None)
    attempt("signal other processes through a file", signal_by_file)
    attempt("see other processes" if alone else "look into other processes", others)
    attempt("read the environment of the grader", lambda: environment in os.environ)
    attempt("become another user", lambda: os.setuid(0) is None)
    for path in secrets:
        # stat tells nothing: a mount point's parents are there, and empty.
        attempt(f"read {path}", lambda: open(path, "rb").read(1) or True)
        attempt(f"list {path}", lambda: os.listdir(path))
        attempt(f"write to {path}", lambda: open(path, "r+b"))
        attempt(f"leave a file in {path}", lambda: write(path + "/octlessons-was-here"))
        attempt(f"change the mode of {path}", lambda: same_mode(path))
    for place in sys.path:
        course = os.path.join(place, "octlessons", "course")
        attempt(f"list {course}", lambda: os.listdir(course))
    places = {"/", "/usr", "/var/tmp", "/dev", "/dev/shm", "/dev/mqueue", "/run", "/run/lock"}
    places |= {"/etc", "/home", "/root", "/mnt", "/opt", "/srv", "/proc", "/sys", "/sys/fs/cgroup"}
    places |= {os.path.dirname(os.__file__), *filter(os.path.isabs, sys.path)}
    if os.environ["TMPDIR"] != "/tmp":
        places.add("/tmp")
    elif os.stat("/tmp").st_dev != os.stat("/").st_dev:
        # /tmp is a file system of this process alone: folders in it, such as those above
        # libraries that lie there, are its own, too.
        own = os.stat("/tmp").st_dev
        places = {p for p in places if not os.path.exists(p) or os.stat(p).st_dev != own}
    for place in sorted(places):
        attempt(f"leave a file in {place}", lambda: write(place + "/octlessons-was-here"))
    attempt("change a library", lambda: open(os.__file__, "r+b"))
    attempt("change the mode of a library", lambda: same_mode(os.__file__))
    for number in range(4, 256):
        attempt("use an open file of the grader", lambda: os.fstat(number))
    return found


def thread():
    """Threads are allowed."""
    done = []
    worker = threading.Thread(target=lambda: done.append(1))
    worker.start()
    worker.join()
    return len(done)


def scratch():
    """A temporary file is allowed."""
    import tempfile
    with tempfile.TemporaryFile() as file:
        return file.write(b"x")


def devour():
    """More memory than is allowed."""
    return len(bytearray(4 << 30))


def fill():
    """More temporary files than are allowed."""
    import tempfile
    with tempfile.TemporaryFile() as file:
        for _ in range(512):
            file.write(bytes(1 << 20))
    return 512


def spin():
    while True:
        pass
'''

_MARK = "OCTLESSONS_SELFTEST"


@contextlib.contextmanager
def marked() -> Iterator[None]:
    """Put a word into this process's environment that no sandbox started meanwhile may have."""
    os.environ[_MARK] = "1"
    try:
        yield
    finally:
        os.environ.pop(_MARK, None)


def leaks(zygote: Zygote, secrets: Sequence[Path] = ()) -> list[str]:
    """Say what a submission can do that it must not, such as ``"start a process"``.

    `secrets` are files and folders that it must not see.
    """
    with tempfile.TemporaryDirectory(prefix="octlessons-selftest-") as folder:
        canary = Path(folder, "canary")
        canary.write_text("a mark")
        # Where there is only one file system, owners may tell files apart; elsewhere nothing may.
        canary.chmod(0o644 if zygote.alone else 0o600)
        Path(folder).chmod(0o755 if zygote.alone else 0o700)
        paths = [str(path.resolve()) for path in (canary, *secrets) if path.exists()]
        return _attempt(zygote, paths)


def _attempt(zygote: Zygote, secrets: list[str]) -> list[str]:
    found = []
    child = zygote.child(1 << 30, 30)
    try:
        child.allow(20)
        requests: tuple[tuple, ...] = (
            ("load", _PROBE.encode(), "selftest.py", 0),
            ("call", "attempts", (secrets, _MARK, zygote.alone), {}),
        )
        for request in requests:
            kind, answer, _ = child.ask(60, *request)
            if kind != "done":
                return [f"not even be tried ({answer})"]
        found += [str(item) for item in dict.fromkeys(answer)]
        for name, expected in (("thread", 1), ("scratch", 1)):
            kind, answer, _ = child.ask(60, "call", name, (), {})
            if (kind, answer) != ("done", expected):
                found.append(f"not do what right answers may need ({name}: {answer})")
        for name, what in (
            ("devour", "take more memory than is allowed"),
            ("fill", "fill the disk"),
        ):
            kind, _, _ = child.ask(60, "call", name, (), {})
            if kind == "done":
                found.append(what)
    except wire.Closed:
        ended = child.ended()
        if ended.exit != -9:  # killed for what it took is as good as refused
            found.append(f"not even be tried (it ended with {ended.exit})")
    except wire.Unreadable as error:
        found.append(f"not even be tried ({error})")
    finally:
        child.close()
    return found + _endless(zygote)


def _endless(zygote: Zygote) -> list[str]:
    child = zygote.child(1 << 30, 30)
    try:
        child.allow(5)
        child.ask(60, "load", _PROBE.encode(), "selftest.py", 0)
        child.allow(0.1)
        child.ask(10, "call", "spin", (), {})
        return ["run without end"]
    except wire.Closed:
        return [] if child.ended().why == "cpu" else ["run past the limit on processor time"]
    except wire.Unreadable as error:
        return [f"not even be tried ({error})"]
    finally:
        child.close()
