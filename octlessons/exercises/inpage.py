"""What Python does inside a page of the course: run code, and check an exercise.

The page's worker calls `start` once, then `run` and `check`, each with text, and gets JSON back. It
is the same in any Python, so it is tested in one. What a run wanted to import and could not find is
in its answer under ``"wanted"``: the page then loads that and asks again, so that nobody waits for
scikit-learn who does not need it.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import json
import linecache
import logging
import os
import sys
import traceback
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import Exercise, load_catalogue
from octlessons.exercises.outcomes import Report, StudentError
from octlessons.exercises.student import Printed, Student, load_student

#: What page and worker call the code of the reader.
CELL = "<cell>"

#: Rooms of the package that need a server, a network, a terminal or compiled libraries.
LEFT_OUT = ("claims", "grading", "networks", "report", "shipped", "site")

#: What can be imported in a page, beside Python's own modules.
THERE = {"joblib", "numpy", "octlessons", "pytest", "scipy", "sklearn"}

_ADVICE = {
    NameError: "Is it spelt as where it was made, and was the code that makes it run?",
    IndexError: "Numbering begins at 0, so the last of n is n - 1.",
    KeyError: "There is no entry of that name: look at what there is with .keys().",
    ZeroDivisionError: "Something that is divided by is 0 here: print it before this line.",
    IndentationError: "Lines of one block begin in the same column; four spaces a step.",
    RecursionError: "A function calls itself without end.",
    ModuleNotFoundError: "In the page there are NumPy, SciPy, scikit-learn and octlessons only.",
    NotImplementedError: "That part is still to be written: delete the line with raise, too.",
}


class Missing:
    """Stands last among the finders of modules, and notes what none of the others found."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Note the package; find nothing."""
        self.names[name.partition(".")[0]] = None

    def take(self) -> list[str]:
        """Return what was noted since the last time."""
        names, self.names = list(self.names), {}
        return names


_missing = Missing()


def start() -> None:
    """Make ready for a page: note missing modules, let integers count, do without Pygments."""
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of its fonts
    if _missing not in sys.meta_path:
        sys.meta_path.append(_missing)
    if np.dtype(np.intp).itemsize < 8 and not hasattr(np.bincount, "counts_wide"):
        np.bincount = _counting(np.bincount, 0)
        np.repeat = _counting(np.repeat, 1)
    if not _has("pygments"):
        _without_pygments()
    _missing.take()


def _counting(function: Callable, place: int) -> Callable:
    """Let a function of NumPy take 64-bit counts where integers have 32 bits, as it does elsewhere.

    Labels and random integers have 64 bits everywhere. On WebAssembly `numpy.bincount` and
    `numpy.repeat` refuse them, so that right answers would fail in the page only.
    """

    @functools.wraps(function)
    def counting(*args, **kwargs):
        given = list(args)
        if len(given) > place and getattr(given[place], "dtype", None) == np.int64:
            given[place] = given[place].astype(np.intp)
        if getattr(kwargs.get("repeats"), "dtype", None) == np.int64:
            kwargs["repeats"] = kwargs["repeats"].astype(np.intp)
        return function(*given, **kwargs)

    counting.counts_wide = True  # type: ignore[attr-defined]
    return counting


def _has(name: str) -> bool:
    from importlib.util import find_spec

    return name in sys.modules or find_spec(name) is not None


def _without_pygments() -> None:
    """Stand in for Pygments (1.2 MB), with which pytest would colour a terminal."""
    for module, names in {
        "pygments": (),
        "pygments.formatters": (),
        "pygments.formatters.terminal": ("TerminalFormatter",),
        "pygments.lexer": ("Lexer",),
        "pygments.lexers": (),
        "pygments.lexers.diff": ("DiffLexer",),
        "pygments.lexers.python": ("PythonLexer",),
    }.items():
        made: Any = types.ModuleType(module)
        made.__path__ = []
        for name in names:
            setattr(made, name, type(name, (), {}))
        sys.modules[module] = made


def imports(source: str) -> list[str]:
    """Return the packages that some Python imports, as far as it can be read."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({alias.name.partition(".")[0]: None for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names[node.module.partition(".")[0]] = None
    return list(names)


def runs_in_page(exercise: Exercise) -> bool:
    """Whether the stub and the checks of an exercise import nothing that a page lacks."""
    texts = (path.read_text("utf-8") for path in (exercise.stub, exercise.checks))
    wanted = {name for text in texts for name in imports(text)}
    return exercise.needs == "core" and wanted <= THERE | set(sys.stdlib_module_names)


def needed(exercise: str, source: str) -> str:
    """Return as JSON the packages that an exercise and a piece of work import by themselves."""
    checks = load_catalogue()[exercise].checks.read_text("utf-8") if exercise else ""
    return json.dumps(list(dict.fromkeys([*imports(source), *imports(checks)])))


class _Telling(Printed):
    """Passes on what is printed while it is printed."""

    def __init__(self, tell: Callable[[str], object] | None):
        super().__init__()
        self._tell = tell

    def write(self, text: str) -> int:
        if self._tell is not None:
            self._tell(text[-2_000:])
        return super().write(text)


# ---------------------------------------------------------------------- running


def run(
    source: str,
    file: str = CELL,
    names: dict[str, Any] | None = None,
    tell: Callable[[str], object] | None = None,
) -> str:
    """Run code as a notebook does, and return as JSON what it showed.

    Parameters
    ----------
    source : str
    file : str
        What to call it in tracebacks.
    names : dict, optional
        Where it finds and leaves its names; an empty one if not given.
    tell : callable, optional
        Takes what is printed while it is printed.

    Returns
    -------
    str
        ``printed``; ``shown``, the value of the last line; ``problem``, None or what stopped it
        (``what``, ``lines`` of the code with ``number``, ``text`` and ``where``, ``advice``);
        ``wanted``.
    """
    out, shown, problem = _Telling(tell), "", None
    names = {"__name__": "__main__", "__file__": file} if names is None else names
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    _missing.take()
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
            _no_input(),
            warnings.catch_warnings(),
        ):
            shown = _executed(source, file, names)
    except BaseException as error:
        problem = explained(error, file)
    return json.dumps(
        {"printed": out.text, "shown": shown, "problem": problem, "wanted": _missing.take()}
    )


def _executed(source: str, file: str, names: dict[str, Any]) -> str:
    tree = ast.parse(source, file)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, file, "exec", dont_inherit=True), names)
        return ""
    del tree.body[-1]
    exec(compile(tree, file, "exec", dont_inherit=True), names)
    value = eval(compile(ast.Expression(last.value), file, "eval", dont_inherit=True), names)
    if value is None:
        return ""
    with np.printoptions(precision=4, suppress=True, threshold=200, linewidth=76):
        text = repr(value)
    return text if len(text) <= 4_000 else text[:4_000] + " …"


@contextlib.contextmanager
def _no_input():
    """`input()` waits for nobody."""
    before, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = before


def explained(error: BaseException, file: str = CELL) -> dict[str, Any]:
    """Describe an error by its text, the reader's own lines, and a word of advice.

    Parameters
    ----------
    error : BaseException
    file : str
        Lines of this file are the reader's own; those of libraries are left out.

    Returns
    -------
    dict
        ``what``, ``lines`` (the last is where it happened) and ``advice``.
    """
    told = traceback.TracebackException.from_exception(error)
    what = "".join(told.format_exception_only()).strip()
    lines = [
        {"number": frame.lineno, "text": (frame.line or "").strip(), "where": frame.name}
        for frame in told.stack
        if frame.filename == file
    ]
    if isinstance(error, SyntaxError) and error.filename == file:
        what = f"{type(error).__name__}: {error.msg}"
        text = (error.text or "").rstrip("\n")
        lines = [{"number": error.lineno or 1, "text": text, "where": "<module>"}]
    advice = next((said for kind, said in _ADVICE.items() if isinstance(error, kind)), "")
    return {"what": what, "lines": lines[-4:], "advice": advice}


# ---------------------------------------------------------------------- checking


def check(exercise: str, source: str, tell: Callable[[str], object] | None = None) -> str:
    """Check an answer with the exercise's own checks, and return as JSON what came out.

    Parameters
    ----------
    exercise : str
        Its id.
    source : str
        The answer, as a file would hold it.
    tell : callable, optional
        Takes the title of each check that is done.

    Returns
    -------
    str
        ``outcome``, ``points``, ``max_points``, ``results`` (``sign``, ``title``, ``outcome``,
        ``message``), ``printed``, ``problem`` (why there are no results, or ""), ``wanted``.
    """
    from octlessons.exercises.plugin import run_checks

    entry, out = load_catalogue()[exercise], Printed()
    kept: list[Student | StudentError] = []

    def provide(_: str) -> Student:
        if not kept:
            try:
                kept.append(load_student(source, f"{exercise}.py", None, out=out))
            except StudentError as error:
                kept.append(error)
        if isinstance(kept[0], Exception):
            raise kept[0]
        return kept[0]

    def told(**what: Any) -> None:
        if tell is not None and "result" in what:
            tell(what["result"].title)

    _missing.take()
    try:
        results = run_checks(entry, provide, tell=told)
    except OctlessonsError as error:
        return json.dumps({"problem": str(error), "wanted": _missing.take()})
    return _told(Report(exercise, results, out.text))


def _told(report: Report) -> str:
    """A report as JSON."""
    lines = [
        {"sign": r.sign, "title": r.title, "outcome": str(r.outcome), "message": message}
        for r, message in report.lines()
    ]
    for line in lines:
        if "ModuleNotFoundError" in line["message"]:
            line["message"] += "\n" + _ADVICE[ModuleNotFoundError]
    answer: dict[str, Any] = {
        "outcome": str(report.outcome),
        "points": report.points,
        "max_points": report.max_points,
        "results": lines,
        "printed": report.printed,
        "problem": "",
        "wanted": _missing.take(),
    }
    return json.dumps(answer)
