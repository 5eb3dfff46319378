"""Shut a process in: namespaces, mounts, limits, capabilities, Landlock, seccomp.

Thin calls of the kernel's interfaces, which Python has no functions for. Every one raises
`OSError` if the kernel refuses: a child that cannot be shut in ends before it runs anything.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
from collections.abc import Iterable

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC_HELD = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter locked during a call

_CLONE = {"x86_64": 56, "aarch64": 220}

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT = 1, 2, 4, 8, 32
_MS_BIND, _MS_REC = 4096, 16384
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_PR_CAPBSET_DROP, _SECCOMP_MODE_FILTER = 24, 2

# The same numbers on every architecture.
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR, _EXECUTE, _WRITE_FILE, _TRUNCATE = 1 << 2, 1 << 3, 1 << 0, 1 << 1, 1 << 14
_MAKE_REG, _MAKE_DIR, _REMOVE_FILE, _REMOVE_DIR = 1 << 8, 1 << 7, 1 << 5, 1 << 4


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _prctl(option: int, value: int | ctypes.c_void_p, what: str, third: object = 0) -> None:
    _check(_LIBC.prctl(option, value, third, 0, 0), what)


def fork_into_namespaces() -> int:
    """Fork a child into namespaces of its own: users, mounts, processes.

    `os.fork` knows no namespaces; to leave them first and fork then takes two processes for each
    child. This is the same call of the kernel, with Python told before and after, as its C
    interface asks for. The child is not mapped to any user yet: see `keep_user`.
    """
    python = ctypes.pythonapi
    python.PyOS_BeforeFork()
    flags = _CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWPID | signal.SIGCHLD
    pid = _LIBC_HELD.syscall(_CLONE[platform.machine()], flags, 0, 0, 0, 0)
    number = ctypes.get_errno()
    if pid == 0:
        python.PyOS_AfterFork_Child()
        return 0
    python.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, f"clone: {os.strerror(number)}")
    return pid


def keep_user(uid: int, gid: int) -> None:
    """Be the same user in a new namespace as outside."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


#: What libraries look up in ``/proc``: which files are loaded, and the machine's size.
PROC = ("self/maps", "cpuinfo", "meminfo")


def snapshot() -> dict[str, bytes]:
    """Return what `PROC` holds now; a process forked from this one has the same files loaded."""
    found = {}
    for name in PROC:
        with contextlib.suppress(OSError), open(f"/proc/{name}", "rb") as file:
            found[name] = file.read()
    return found


def private_folders(disk_bytes: int, proc: dict[str, bytes], kept: Iterable[str]) -> None:
    """Cover ``/tmp`` with an empty folder of limited size, and ``/proc`` with a few plain files.

    `proc` is from `snapshot`; folders below ``/tmp`` in `kept` stay visible: libraries there.
    """
    places = [(path, os.open(path, os.O_PATH)) for path in kept]
    size = f"size={disk_bytes},nr_inodes=2000,mode=1777".encode()
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    _check(_LIBC.mount(b"tmpfs", b"/tmp", b"tmpfs", flags, size), "mount /tmp")
    for path, handle in places:
        os.makedirs(path)
        source = f"/proc/self/fd/{handle}".encode()
        bind = _MS_BIND | _MS_REC
        _check(_LIBC.mount(source, path.encode(), None, bind, None), f"mount {path}")
        os.close(handle)
    _check(_LIBC.mount(b"tmpfs", b"/proc", b"tmpfs", flags, b"size=4m,nr_inodes=16"), "mount /proc")
    for name, content in proc.items():
        os.makedirs(os.path.dirname(f"/proc/{name}"), exist_ok=True)
        with open(f"/proc/{name}", "wb") as file:
            file.write(content)
    again = flags | _MS_RDONLY | _MS_REMOUNT
    _check(_LIBC.mount(b"tmpfs", b"/proc", b"tmpfs", again, None), "mount /proc")


def limits(setup: dict) -> None:
    """Set the kernel's limits on memory, files, and, as a backstop, on processor time."""
    # All memory that can be written to but files: what is shared and no file is not to be had
    # (`seccomp`), and the files in /tmp are limited by themselves.
    _limit(resource.RLIMIT_DATA, _data() + setup["memory_bytes"])
    _limit(resource.RLIMIT_FSIZE, setup["disk_bytes"])
    _limit(resource.RLIMIT_NOFILE, 128)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_MEMLOCK, 0)
    _limit(resource.RLIMIT_CPU, setup["cpu_backstop"])


def _limit(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _data() -> int:
    """Bytes of private memory that the process can write to."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def first_to_go() -> None:
    """When memory runs out, the kernel ends this process before any other."""
    # A process that is not to be seen cannot write this, unless it is root's.
    with contextlib.suppress(PermissionError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def unseen() -> None:
    """Let no other process of this user look into this one, nor into those forked from it."""
    _prctl(_PR_SET_DUMPABLE, 0, "prctl")


def die_with_parent() -> None:
    """End when the supervisor ends."""
    _prctl(_PR_SET_PDEATHSIG, 9, "prctl")


def become(uid: int, gid: int) -> None:
    """Take on a user that owns nothing, for good."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    unseen()


def drop_capabilities() -> None:
    """Give up every capability, and the way to any."""
    for number in range(64):
        if _LIBC.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) < 0:
            break  # past the last one, or not held and so not to be dropped
    header = struct.pack("<Ii", 0x20080522, 0)
    _check(_LIBC.capset(header, bytes(24)), "capset")
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, "no_new_privs")


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_void_p))


def filter_calls(program: bytes) -> None:
    """Let the kernel answer only the calls that `seccomp.compiled` lists."""
    buffer = ctypes.create_string_buffer(program, len(program))
    given = _Filter(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, "seccomp", ctypes.byref(given))


#: First version of Landlock that keeps files from being cut off.
TRUNCATION = 3


def landlock(readable: Iterable[str], writable: Iterable[str]) -> int:
    """Hide every file and folder but these; what is writable can be read, too.

    Returns the version of Landlock; 0 if the kernel has none, and nothing is hidden.
    """
    version = _LIBC.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return 0
    rights = (1 << {1: 13, 2: 14}.get(version, 15)) - 1
    if version >= 5:
        rights |= 1 << 15
    network, scoped = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    content = struct.pack("<QQQ", rights, network, scoped)
    content = content[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = _check(
        _LIBC.syscall(_LANDLOCK_CREATE, content, ctypes.c_size_t(len(content)), 0), "landlock"
    )
    see = _READ_FILE | _READ_DIR | _EXECUTE
    change = _WRITE_FILE | _TRUNCATE | _MAKE_REG | _MAKE_DIR | _REMOVE_FILE | _REMOVE_DIR
    for paths, allowed in ((readable, see), (writable, see | change)):
        for path in paths:
            _allow(rules, path, allowed & rights)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, "no_new_privs")
    _check(_LIBC.syscall(_LANDLOCK_RESTRICT, rules, 0), "landlock")
    os.close(rules)
    return version


def _allow(rules: int, path: str, allowed: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):
        allowed &= _READ_FILE | _WRITE_FILE | _EXECUTE | _TRUNCATE
    _check(_LIBC.syscall(_LANDLOCK_ADD, rules, 1, struct.pack("<Qi", allowed, place), 0), path)
    os.close(place)
