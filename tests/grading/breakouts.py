"""Submissions that try to get out of a sandbox: ``python -m tests.grading.breakouts WAY``.

Run as a program so that the tests can start it as another user. Prints one JSON object: what the
self-test says, and what came of every attempt; all should be ``False``, an error, or an end.
"""

import json
import os
import sys
import tempfile

import psutil

from octlessons.grading import sandbox, wire

SOURCE = '''
import ctypes, fcntl, os, socket, tempfile, threading

LIBC = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    return LIBC.syscall(number, *arguments) >= 0

def look_into_the_judge(pid):
    for name in ("environ", "mem", "maps", "fd/0", "root/etc"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                return bool(file.read(1)) or True
        except IsADirectoryError:
            return True
        except OSError:
            pass
    return False

def signal_the_judge(pid):
    for target in (pid, os.getppid(), -1):
        try:
            os.kill(target, 0)
            return True
        except OSError:
            pass
    return call(424, pid, 9, None, 0)  # pidfd_send_signal

def signal_through_a_file(pid):
    for command in (fcntl.F_SETOWN, 10, 15):
        try:
            fcntl.fcntl(3, command, pid)
            return True
        except OSError:
            pass
    return False

def trace_the_judge(pid):
    return LIBC.ptrace(16, pid, None, None) >= 0 or LIBC.ptrace(0, 0, None, None) >= 0

def outlive_the_supervisor(pid):
    return LIBC.prctl(1, 0, 0, 0, 0) >= 0

def start_a_process(pid):
    for start in (os.fork, LIBC.vfork):
        try:
            if (number := start()) == 0:
                os._exit(0)
            if number > 0:
                return True
        except OSError:
            pass
    try:
        return os.posix_spawn("/bin/true", ["true"], {}) > 0
    except OSError:
        return False

def become_root(pid):
    for become in (os.setuid, os.seteuid, os.setgid):
        try:
            become(0)
            return True
        except OSError:
            pass
    return LIBC.unshare(0x10000000) >= 0 or LIBC.setns(3, 0) >= 0

def mount_something(pid):
    folder = tempfile.gettempdir().encode()
    return LIBC.mount(b"tmpfs", folder, b"tmpfs", 0, None) >= 0 or LIBC.chroot(folder) >= 0

def talk_to_others(pid):
    for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):
        try:
            socket.socket(family)
            return True
        except OSError:
            pass
    return LIBC.shmget(4711, 4096, 0o1666) >= 0 or LIBC.msgget(4711, 0o1666) >= 0

def new_interfaces(pid):
    # io_uring_setup, pidfd_open, pidfd_getfd, process_madvise, memfd_secret
    return any(call(number, *given) for number, given in (
        (425, (8, ctypes.create_string_buffer(120))), (434, (os.getpid(), 0)),
        (438, (3, 3, 0)), (447, (0,))))

def loosen_the_limits(pid):
    import resource
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (10, 1000))
        return True
    except (OSError, ValueError):
        return False

def open_files(pid):
    found = []
    for number in range(4, 1024):
        try:
            os.fstat(number)
            found.append(number)
        except OSError:
            pass
    return bool(found)

def leave_something(pid):
    """Anywhere but in its own folder."""
    own, found = os.path.realpath(tempfile.gettempdir()), []
    for place, folders, _ in os.walk("/"):
        if place.count("/") > 3 or os.path.realpath(place) == own:
            folders.clear()
        if os.path.realpath(place) == own:
            continue
        try:
            with open(os.path.join(place, "octlessons-was-here"), "x"):
                found.append(place)
        except OSError:
            pass
    for place in ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/run/lock"):
        try:
            if place != own:
                with open(os.path.join(place, "octlessons-was-here"), "x"):
                    found.append(place)
        except OSError:
            pass
    return ", ".join(found)

def note(pid):
    with open(os.path.join(tempfile.gettempdir(), "note"), "w") as file:
        file.write("x")
    return False

def notes(pid):
    """What a submission before left, of which this child runs after `note`."""
    found = []
    for top in ("/tmp", "/var/tmp", "/dev/shm"):
        for place, _, names in os.walk(top):
            found += [os.path.join(place, name) for name in names if name == "note"]
    return ", ".join(found)

def many_files(pid):
    for number in range(20000):
        with open(os.path.join(tempfile.gettempdir(), str(number)), "wb") as file:
            file.write(bytes(8192))
    return True

def deep_folders(pid):
    os.chdir(tempfile.gettempdir())
    for _ in range(3000):
        os.mkdir("d")
        os.chdir("d")
    while True:
        pass

def closed_folder(pid):
    place = os.path.join(tempfile.gettempdir(), "closed")
    os.mkdir(place, 0o300)
    with open(os.path.join(place, "file"), "w") as file:
        file.write("x")
    return False

def flood(pid):
    threading.Thread(target=lambda: [os.write(3, b"x" * 65536) for _ in iter(int, 1)]).start()
    while True:
        pass

def hang(pid):
    while True:
        pass
'''

ENDLESS = ("deep_folders", "flood", "hang")
NAMES = [line[4 : line.index("(")] for line in SOURCE.splitlines() if line.startswith("def ")]
NAMES.remove("call")


def attempt(zygote: sandbox.Zygote, name: str, *more) -> dict:
    """Run one function of `SOURCE` in a child of its own."""
    child = zygote.child(1 << 30, 30)
    outcome = {}
    try:
        child.allow(10)
        kind, value, _ = child.ask(30, "load", SOURCE.encode(), "attempts.py", 0)
        assert kind == "done", value
        child.allow(0.5 if name in ENDLESS else 5)
        outcome["kind"], outcome["value"], _ = child.ask(
            2 if name in ENDLESS else 20, "call", name, (os.getpid(), *more), {}
        )
    except (wire.Closed, wire.Unreadable) as error:
        outcome["kind"] = type(error).__name__
    finally:
        ended = child.close()
    return outcome | {"why": ended and ended.why}


def main() -> None:
    """Try everything in one sandbox."""
    way = sys.argv[1]
    found = {"trouble": sandbox.trouble(way), "attempts": {}}
    if not found["trouble"]:
        before = set(os.listdir(tempfile.gettempdir()))
        with sandbox.start(way, ["numpy"]) as zygote:
            for name in NAMES:
                found["attempts"][name] = attempt(zygote, name)
            found["deaf"] = deaf(zygote)
            found["large"] = large(zygote)
            started = psutil.Process().children(recursive=True)
        _, left = psutil.wait_procs(started, 5)
        found["left"] = [process.name() for process in left]
        names = set(os.listdir(tempfile.gettempdir())) - before
        found["folders"] = [name for name in names if name.startswith("work-")]
    print(json.dumps(found))


def deaf(zygote: sandbox.Zygote) -> dict:
    """A child that forges its answer, then floods its socket and reads nothing more."""
    import numpy as np

    source = (
        "import os\n"
        "from octlessons.grading import wire\n"
        "def deaf():\n"
        "    os.write(3, wire.encode((2, 'done', 'forged', '')))\n"
        "    while True:\n"
        "        os.write(3, bytes(65536))\n"
    )
    child = zygote.child(1 << 30, 30)
    outcome = {"kind": "answer"}
    try:
        child.allow(10)
        child.ask(30, "load", source.encode(), "deaf.py", 0)
        assert child.ask(5, "call", "deaf", (), {})[1] == "forged"
        child.ask(2, "call", "deaf", (np.zeros(6 * 2**20),), {})
    except (wire.Closed, wire.Unreadable) as error:
        outcome["kind"] = type(error).__name__
    finally:
        ended = child.close()
    return outcome | {"why": ended and ended.why}


def large(zygote: sandbox.Zygote) -> bool:
    """Does an array of 48 MB come through, there and back?"""
    import numpy as np

    child = zygote.child(1 << 30, 30)
    try:
        child.allow(20)
        child.ask(30, "load", b"def same(x):\n    return x + 1\n", "same.py", 0)
        array = np.arange(6 * 2**20, dtype=float)
        kind, value, _ = child.ask(30, "call", "same", (array,), {})
        return kind == "done" and bool((value == array + 1).all())
    finally:
        child.close()


if __name__ == "__main__":
    main()
