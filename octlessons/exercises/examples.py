"""The worked examples of docstrings as checks of their own, the first that a student sees."""

from __future__ import annotations

import ast
import doctest
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from octlessons.exercises.mistakes import recognised
from octlessons.exercises.outcomes import NotAttempted, StudentError, TimedOut
from octlessons.exercises.plain import alike, described


def worked_examples(stub: str) -> Iterator[tuple[str, Callable]]:
    """Give a check for each function of a stub that has an example: name and function.

    Parameters
    ----------
    stub : str
        Text of the stub as it was given out: what a student may have changed does not count.
    """
    for node in ast.parse(stub).body if stub else ():
        text = (ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None) or ""
        lines = doctest.DocTestParser().get_examples(text)
        if lines and "NotImplementedError" in ast.unparse(node):
            yield f"test_example_of_{node.name}", _check(node.name, lines, stub)


def _check(name: str, lines: list[doctest.Example], stub: str) -> Callable:
    def check(student) -> None:
        _run(student, lines, stub)

    check.__doc__ = f"The example in the docstring of `{name}`."
    return check


def _run(student, lines: list[doctest.Example], stub: str) -> None:
    """Go through an example; lists and tuples may stand for arrays."""
    problems: list[str] = []
    before = len(student.calls)
    for arrays in ((), (list,), (list, tuple)):
        names = _names(student, stub, arrays)
        for line in lines:
            if problem := _problem(line, names):
                problems.append(problem)
                break
        else:
            return
    problem = next((one for one in problems if "` stops with " not in one), problems[0])
    because = next(filter(None, (recognised(student, c) for c in list(student.calls)[before:])), "")
    raise AssertionError(f"{problem}\n{because}" if because else problem)


def _problem(line: doctest.Example, names: dict[str, Any]) -> str:
    """What is wrong with a line of an example; "" if nothing."""
    source, want = line.source.strip(), line.want.strip()
    try:
        if not want:
            exec(compile(source, "<example>", "exec"), names)
            return ""
        found = eval(compile(source, "<example>", "eval"), names)
    except (NotAttempted, StudentError, TimedOut):
        raise
    except Exception as error:
        return (
            f"`{source}` stops with {type(error).__name__}: {error}. Expected: {want or 'it runs'}."
        )
    try:
        right = alike(found, ast.literal_eval(want))
    except (ValueError, SyntaxError):
        right = repr(found) == want
    return "" if right else f"`{source}` gives {described(found)}. Expected: {want}."


def _names(student, stub: str, arrays: tuple[type, ...]) -> dict[str, Any]:
    """The names of a stub, with the student's functions where it leaves something to be written."""
    names: dict[str, Any] = {"__name__": "example", "np": np}
    exec(compile(stub, "<stub>", "exec", dont_inherit=True), names)
    for node in ast.parse(stub).body:
        if isinstance(node, ast.FunctionDef) and "NotImplementedError" in ast.unparse(node):
            given = inspect.signature(names[node.name])
            names[node.name] = _of(student, node.name, given, arrays)
    return names


def _of(student, name: str, given: inspect.Signature, arrays: tuple[type, ...]) -> Callable:
    def call(*args, **kwargs):
        places = given.bind(*args, **kwargs).args  # as checks call: parameters may be renamed
        result = getattr(student, name)(*places)
        return _as_arrays(result, arrays) if arrays else result

    return call


def _as_arrays(value, kinds: tuple[type, ...]):
    if isinstance(value, tuple) and any(
        isinstance(item, list | tuple | np.ndarray) for item in value
    ):
        return tuple(_as_arrays(item, kinds) for item in value)
    return np.asarray(value) if isinstance(value, kinds) else value
