"""The kernel's calls that a submission may make: what computing needs, and nothing else.

A list of what is allowed, so that a call nobody thought of is refused. Compiled on the judge's
side where that is Linux, because the library for it is not in every sandbox.
"""

from __future__ import annotations

import errno
import tempfile
from functools import cache

# Without sockets, processes, signals, other processes' memory, mounts, keys, or new kernels'
# additions: those are not in the list.
_ALLOWED = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek
    open openat close close_range dup dup2 dup3 ftruncate fallocate
    fsync fdatasync sync_file_range flock fadvise64 copy_file_range sendfile
    stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat
    statfs fstatfs getcwd chdir fchdir getdents getdents64 umask
    mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2
    brk munmap mremap mprotect madvise mincore msync mlock munlock
    sendto recvfrom poll ppoll select pselect6
    epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 pipe pipe2
    eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime
    futex futex_waitv set_robust_list get_robust_list rseq membarrier set_tid_address
    arch_prctl gettid getpid getppid getuid geteuid getgid getegid getgroups getresuid
    getresgid getpgrp getpgid getsid
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend
    sigaltstack restart_syscall pause alarm setitimer getitimer
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times
    getrusage getrlimit sysinfo uname getcpu getrandom sched_yield sched_getaffinity
    sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min
    get_mempolicy getpriority exit exit_group
""".split()  # noqa: SIM905 - a list of 150 words reads badly in quotation marks

# What the owner of a file may do to it by its name, even where Landlock lets nobody write.
_OWNERS = ["truncate", "chmod", "fchmod", "fchmodat", "utime", "utimes", "utimensat", "futimesat"]

_CLONE_THREAD = 0x00010000
_MAP_SHARED, _MAP_ANONYMOUS = 0x01, 0x20
# Copies, flags, locks, sizes of pipes; not whom to signal when something can be read.
_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
# Is it a terminal; close on exec; how much is there to read; do not block.
_IOCTLS = (0x5401, 0x5450, 0x5451, 0x541B, 0x5421)


@cache
def compiled(same_user: bool = False) -> bytes:
    """Return the filter as the kernel takes it: instructions of BPF for this machine.

    `same_user` says that submissions run as a user who owns other files that they can name.
    Raises `RuntimeError` with a sentence if libseccomp is not here.
    """
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise RuntimeError(
            f"The list of calls a submission may make cannot be compiled ({error}). Install "
            "libseccomp (on Debian and Ubuntu: sudo apt-get install libseccomp2) and "
            '`pip install "octlessons[grade]"`.'
        ) from error
    refuse = seccomp.ERRNO(errno.EPERM)
    rules = seccomp.SyscallFilter(refuse)
    masked, equal = seccomp.MASKED_EQ, seccomp.EQ

    def allow(name: str, *arguments) -> None:
        # Calls that this architecture or this libseccomp does not know stay refused.
        if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) >= 0:
            rules.add_rule(seccomp.ALLOW, name, *arguments)

    for name in _ALLOWED + ([] if same_user else _OWNERS):
        allow(name)
    # Threads, not processes. Newer libraries try clone3 first, whose arguments cannot be looked
    # at; told that there is none, they use clone.
    allow("clone", seccomp.Arg(0, masked, _CLONE_THREAD, _CLONE_THREAD))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    # Memory that is shared and belongs to no file escapes the limit on memory.
    shared = _MAP_SHARED | _MAP_ANONYMOUS
    allow("mmap", seccomp.Arg(3, masked, _MAP_ANONYMOUS, 0))
    allow("mmap", seccomp.Arg(3, masked, shared, _MAP_ANONYMOUS))
    allow("prlimit64", seccomp.Arg(2, equal, 0))  # ask, not set
    for request in _IOCTLS:
        allow("ioctl", seccomp.Arg(1, equal, request))
    for request in _FCNTLS:
        allow("fcntl", seccomp.Arg(1, equal, request))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        program = file.read()
    if not program or len(program) % 8 or len(program) // 8 > 4096:
        raise RuntimeError("libseccomp gave a filter that the kernel cannot take.")
    return program
