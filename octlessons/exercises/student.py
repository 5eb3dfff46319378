"""`Student`: a student's functions, called with copies of plain data, in this process.

The grader has another class with the same few names, whose functions run in another process. Checks
cannot tell the difference.
"""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import sys
import time
import traceback
import types
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from octlessons.exercises.limits import Within, within
from octlessons.exercises.outcomes import NOT_TRIED, NotAttempted, StudentError, TimedOut
from octlessons.exercises.plain import NotPlain, copied, described

#: Seconds that one call may take in self-checks.
SECONDS = 20.0

#: How many calls are kept, to tell mistakes apart that give the same now and then.
REMEMBERED = 30

_MOST_PRINTED = 10_000


class Printed(io.TextIOBase):
    """What was printed: the last of it, however much it is."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text = (self.text + text[-_MOST_PRINTED:])[-_MOST_PRINTED:]
        return len(text)


@dataclass(frozen=True)
class Call:
    """One call of a student's function: what the check gave it, and what came of that.

    `after` has the copies of `args` and `kwargs` that the function got, as they are after the call.
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
        Time that a call may take; None where somebody else looks at the clock. After a call that
        took longer there is no other.
    clock : callable
        As `limits.within`.
    out : Printed, optional
        Takes what the functions print.
    """

    def __init__(
        self,
        namespace: Mapping[str, object],
        file: str,
        seconds: float | None = SECONDS,
        clock: Within = within,
        out: Printed | None = None,
    ):
        self._namespace, self._file, self._seconds = namespace, file, seconds
        self._clock, self._out = clock, out or Printed()
        self._over = False
        self.last_call: Call | None = None
        self.asked: Call | None = None  # the last call, whether it came back or not
        self.calls: deque[Call] = deque(maxlen=REMEMBERED)  # those that came back
        self.known: types.ModuleType | None = None  # the checks, with the mistakes they know

    @property
    def printed(self) -> str:
        """What the functions printed."""
        return self._out.text

    def take_printed(self) -> str:
        """Return what was printed since the last time this was asked."""
        text, self._out.text = self._out.text, ""
        return text

    def arguments_after(self) -> tuple:
        """What became of the arguments of the last call: a tuple and a dict."""
        assert self.last_call is not None
        return self.last_call.after

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        function = self._namespace.get(name)
        if function is None:
            raise NotAttempted(
                f"There is no function `{name}` in {self._file} yet (no attribute '{name}')."
            )
        if not callable(function):
            kind = type(function).__name__
            kind = f"an {kind}" if kind[0].lower() in "aeiou" else f"a {kind}"
            raise StudentError(
                f"`{name}` in {self._file} is {kind}, not a function, so it is not callable. Is a "
                "variable called like the function? Rename it."
            )
        return lambda *args, **kwargs: self._call(name, function, args, kwargs)

    def _call(self, name: str, function, args: tuple, kwargs: dict):
        if self._over:
            raise TimedOut(NOT_TRIED)
        own = copied(args), copied(kwargs)
        self.asked = Call(name, copied(args), copied(kwargs), (), None)
        shown = str(self.asked)
        late = (
            f"did not come back within {self._seconds or 0:g} seconds. Is there a loop that never "
            "ends, or one over every pixel that an array operation could replace?"
        )
        start = time.perf_counter()
        try:
            with contextlib.redirect_stdout(self._out):
                call = self._seconds, shown, late, self._result
                result = self._clock(*call, shown, name, function, own)
        except TimedOut:
            self._over = True
            raise
        self.last_call = Call(name, args, kwargs, own, result, time.perf_counter() - start)
        self.asked = self.last_call
        self.calls.append(self.last_call)
        return copied(result)

    def _result(self, shown: str, name: str, function, own: tuple):
        """What the function gives, as plain data. All that runs code of the student is in here."""
        try:
            return copied(function(*own[0], **own[1]))
        except NotImplementedError as error:
            if line := left_over(function):
                raise StudentError(
                    f"`{name}` is written, but line {line} still says `raise NotImplementedError`: "
                    "delete that line."
                ) from None
            raise NotAttempted(_text(error) or f"`{name}` is still to be written.") from None
        except NotPlain as problem:
            raise StudentError(
                f"A function here cannot return this: what {shown} gave back {problem}."
            ) from None
        except (Exception, SystemExit) as error:
            raise StudentError(f"{shown} stopped with {explained(error, self._file)}") from None


def load_student(
    source: str,
    file: str,
    seconds: float | None = SECONDS,
    clock: Within = within,
    out: Printed | None = None,
) -> Student:
    """Run a piece of work (its text, from `read_source`) and give its functions.

    `file` is its name in sentences and tracebacks, the rest as for `Student`; the time is for
    running it, and for each call.

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
    out = out or Printed()
    late = (
        f"did not finish within {seconds or 0:g} seconds when it was run from top to bottom, "
        "before any function was called. Is there a loop outside the functions?"
    )
    with contextlib.redirect_stdout(out):
        clock(seconds, file, late, _run, source, file, module.__dict__)
    return Student(vars(module), file, seconds, clock, out)


def _nothing(*args, **kwargs) -> None:
    """`display` and all that `get_ipython()` can do, where there is no notebook."""


class _NoNotebook:
    def __getattr__(self, name: str):
        return _nothing


def _run(source: str, file: str, names: dict) -> None:
    names |= {"display": _nothing, "get_ipython": _NoNotebook}
    try:
        exec(compile(source, file, "exec", dont_inherit=True), names)
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise StudentError(
            f"{file} is not valid Python (SyntaxError): {error.msg}, line {error.lineno}"
            + (f":\n    {line}" if line else ".")
        ) from None
    except (Exception, SystemExit) as error:
        raise StudentError(f"Running {file} stopped with {explained(error, file)}") from None


def explained(error: BaseException, file: str) -> str:
    """Describe an error by its type, its text and the lines of the student's own file."""
    own = (file, "<ipython", "/tmp/ipykernel")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(own)]
    said = "`exit()` or `quit()` was called" if isinstance(error, SystemExit) else _text(error)
    text = type(error).__name__ + (f": {said}" if said else "")
    for frame in frames[-3:]:
        text += f"\n  line {frame.lineno}, in {frame.name}:\n      {(frame.line or '').strip()}"
    return text


def left_over(function) -> int:
    """The line of the stub's ``raise`` in a function with code of its own; 0 if there is none."""
    code = getattr(function, "__code__", None)
    with contextlib.suppress(SyntaxError, ValueError, AttributeError, TypeError, RecursionError):
        for node in ast.walk(ast.parse("".join(linecache.getlines(code.co_filename)))):
            if isinstance(node, ast.FunctionDef) and node.lineno <= code.co_firstlineno:
                here = node.name == code.co_name and code.co_firstlineno <= node.body[0].lineno
                raised = [s for s in node.body if _is_stub(s)]
                own = [s for s in node.body if not _is_stub(s) and not _is_text(s)]
                if here and raised and own:
                    return raised[0].lineno
    return 0


def _is_stub(node: ast.stmt) -> bool:
    return isinstance(node, ast.Raise) and "is still to be written" in ast.unparse(node)


def _is_text(node: ast.stmt) -> bool:
    plain = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return plain or isinstance(node, ast.Pass)


def _text(error: BaseException) -> str:
    """The text of an error; of a student's own class it can fail, or never end."""
    try:
        return str(error)[:_MOST_PRINTED]
    except Exception as other:
        return f"(its text cannot be shown: {type(other).__name__})"
