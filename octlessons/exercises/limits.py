"""A limit by the clock on a function in this process: nobody waits longer, whatever it does.

The function runs in a thread of its own, so the limit holds in every thread, on every system, and
where interrupts are ignored (nohup, cron, services). A thread over its time is interrupted again
and again; one that waits in compiled code, or catches everything, is left behind. Compiled code
that lets no other thread run needs a process of its own (`process`).
"""

from __future__ import annotations

import contextvars
import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any

from octlessons.exercises.outcomes import TimedOut

Within = Callable[..., Any]  #: as `within`


class _Over(BaseException):
    """Raised in a thread whose time is over."""


def within(seconds: float | None, call: str, late: str, function: Callable, *args: Any) -> Any:
    """Call a function, but wait for at most so many seconds; None is no limit.

    `call` and `late` are subject and rest of the sentence of `TimedOut`, if it takes longer.
    """
    if seconds is None:
        return function(*args)
    result: list = []
    trouble: list[BaseException] = []

    def work() -> None:
        try:
            result.append(function(*args))
        except BaseException as error:
            trouble.append(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), daemon=True)
    thread.start()
    end = time.monotonic() + seconds
    try:
        while thread.is_alive() and (left := end - time.monotonic()) > 0:
            thread.join(min(left, 0.2))  # on Windows nothing interrupts a longer wait
    except BaseException:  # Ctrl-C, most likely
        _stop(thread)
        raise
    if thread.is_alive():
        _stop(thread)
        raise TimedOut(f"{call} {late}")
    if trouble:
        raise trouble[0]
    return result[0]


def _stop(thread: threading.Thread) -> None:
    """Interrupt a thread until it ends, for a second at most."""
    for _ in range(50):
        number = ctypes.c_ulong(thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(_Over))
        thread.join(0.02)
        if not thread.is_alive():
            return
