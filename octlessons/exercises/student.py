"""`Student`: a student's functions, called with copies of plain data, in this process.

The grader has another class with the same few names, whose functions run in another process. Checks
cannot tell the difference.
"""

from __future__ import annotations

import _thread
import contextlib
import io
import linecache
import sys
import threading
import time
import traceback
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from octlessons.exercises.outcomes import NotAttempted, StudentError, TimedOut
from octlessons.exercises.plain import NotPlain, copied, described

#: Seconds that one call may take in self-checks.
SECONDS = 20.0

_MOST_PRINTED = 10_000


class _Printed(io.TextIOBase):
    """What was printed: the last of it, however much it is."""

    def __init__(self) -> None:
        self._text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._text = (self._text + text[-_MOST_PRINTED:])[-_MOST_PRINTED:]
        return len(text)

    def take(self) -> str:
        """Return what was printed since the last time."""
        text, self._text = self._text, ""
        return text


@dataclass(frozen=True)
class Call:
    """One call of a student's function.

    Attributes
    ----------
    name : str
    args, kwargs : tuple, dict
        As the check gave them.
    after : tuple, dict
        The copies that the function got, after the call.
    result : plain data
    seconds : float
    """

    name: str
    args: tuple
    kwargs: dict
    after: tuple = field(repr=False)
    result: object = field(repr=False)
    seconds: float = 0.0

    def __str__(self) -> str:
        given = [described(value) for value in self.args]
        given += [f"{key}={described(value)}" for key, value in self.kwargs.items()]
        return f"{self.name}({', '.join(given)})"


class Student:
    """A student's work, as checks see it: ``student.function(…)``.

    Parameters
    ----------
    namespace : mapping
        The names that the work defines.
    file : str
        What to call the work in sentences.
    seconds : float or None
        Time that a call may take; None where somebody else looks at the clock.

    Attributes
    ----------
    last_call : Call or None
    printed : str
        What the functions printed.
    """

    def __init__(self, namespace: Mapping[str, object], file: str, seconds: float | None = SECONDS):
        self._namespace, self._file, self._seconds = namespace, file, seconds
        self._out = _Printed()
        self.last_call: Call | None = None
        self.printed = ""

    def take_printed(self) -> str:
        """Return what was printed since the last time this was asked."""
        text, self.printed = self.printed, ""
        return text

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        function = self._namespace.get(name)
        if function is None:
            raise NotAttempted(
                f"There is no function `{name}` in {self._file} yet (no attribute '{name}')."
            )
        if not callable(function):
            raise StudentError(
                f"`{name}` in {self._file} is {described_kind(function)}, not a function, so it is "
                "not callable. Is a variable called like the function? Rename it."
            )

        def call(*args, **kwargs):
            return self._call(name, function, args, kwargs)

        return call

    def _call(self, name: str, function, args: tuple, kwargs: dict):
        own = copied(args), copied(kwargs)
        shown = str(Call(name, args, kwargs, (), None))
        start = time.perf_counter()
        try:
            with contextlib.redirect_stdout(self._out), time_limit(self._seconds):
                result = function(*own[0], **own[1])
        except TimedOut:
            raise TimedOut(
                f"{shown} did not come back within {self._seconds:g} seconds. Is there a loop that "
                "never ends, or one over every pixel that an array operation could replace?"
            ) from None
        except NotImplementedError as error:
            raise NotAttempted(_text(error) or f"`{name}` is still to be written.") from None
        except (Exception, SystemExit) as error:
            raise StudentError(f"{shown} stopped with {explained(error, self._file)}") from None
        finally:
            self.printed = (self.printed + self._out.take())[-_MOST_PRINTED:]
        try:
            result = copied(result)
        except NotPlain as problem:
            raise StudentError(
                f"A function here cannot return this: what {shown} gave back {problem}."
            ) from None
        self.last_call = Call(name, args, kwargs, own, result, time.perf_counter() - start)
        return copied(result)


def load_student(source: str, file: str, seconds: float | None = SECONDS) -> Student:
    """Run a piece of work and give its functions.

    Parameters
    ----------
    source : str
        Python source, from `source.read_source`.
    file : str
        Its name, for sentences and tracebacks.
    seconds : float or None
        Time for running it, and for each call; None where somebody else looks at the clock.

    Returns
    -------
    Student

    Raises
    ------
    StudentError
        If it is not valid Python, or stops with an error; the message says where.
    TimedOut
        If it does not end.
    """
    module = types.ModuleType("student")
    module.__file__ = file
    sys.modules["student"] = module  # where dataclasses look for the names in annotations
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    out = _Printed()
    try:
        code = compile(source, file, "exec", dont_inherit=True)
        with contextlib.redirect_stdout(out), time_limit(seconds):
            exec(code, module.__dict__)
    except TimedOut:
        raise TimedOut(
            f"{file} did not finish within {seconds:g} seconds when it was run from top to bottom, "
            "before any function was called. Is there a loop outside the functions?"
        ) from None
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise StudentError(
            f"{file} is not valid Python (SyntaxError): {error.msg}, line {error.lineno}"
            + (f":\n    {line}" if line else ".")
        ) from None
    except (Exception, SystemExit) as error:
        raise StudentError(f"Running {file} stopped with {explained(error, file)}") from None
    student = Student(vars(module), file, seconds)
    student.printed = out.take()
    return student


def explained(error: BaseException, file: str) -> str:
    """Describe an error by its type, its text and the lines of the student's own file."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == file or frame.filename.startswith(("<ipython", "/tmp/ipykernel"))
    ]
    said = _text(error)
    text = type(error).__name__ + (f": {said}" if said else "")
    for frame in frames[-3:]:
        text += f"\n  line {frame.lineno}, in {frame.name}:\n      {(frame.line or '').strip()}"
    return text


def _text(error: BaseException) -> str:
    """The text of an error; of a student's own class it can fail, or never end."""
    try:
        return str(error)[:_MOST_PRINTED]
    except Exception as other:
        return f"(its text cannot be shown: {type(other).__name__})"


def described_kind(value) -> str:
    """Name the type of a value, with its article."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Interrupt a block that takes longer, on every platform; only in the main thread.

    None is no limit.

    Python code is interrupted between two instructions; a single long call into compiled code is
    not, until it returns.

    Raises
    ------
    TimedOut
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    lock, state = threading.Lock(), {"on": True, "fired": False}

    def fire():
        with lock:
            if state["on"]:
                state["fired"] = True
                _thread.interrupt_main()

    timer = threading.Timer(seconds, fire)
    timer.daemon = True
    timer.start()
    delivered = False
    try:
        yield
    except KeyboardInterrupt:
        delivered = True
        if state["fired"]:
            raise TimedOut from None
        raise
    finally:
        timer.cancel()
        with lock:
            state["on"] = False
        if state["fired"] and not delivered:
            with contextlib.suppress(KeyboardInterrupt):
                time.sleep(0.05)  # an interrupt that is still on its way arrives here
            raise TimedOut
