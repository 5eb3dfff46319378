"""Mistakes that are known by what they give, so that a check can name the one that was made.

A check file holds, beside its checks, a function that works the result out in its own way, and
small functions that make a known mistake. Their docstrings are what the student is told::

    @reference("grade")
    def expected(guesses, truth, names): ...

    @mistake("grade")
    def every_class_alike(guesses, truth, names):
        \"""This is the mean of the classes' shares: count every scan alike.\"""
        return np.mean([...]), ...

    @symptom("grade")
    def percent(found, guesses, truth, names):
        \"""This is a percentage: a share lies between 0 and 1.\"""
        return found[0] > 1

When a check fails, `recognised` tries them on the arguments of the last call. All of this runs
beside the checks, so in the grader it never comes near a submission.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from octlessons.exercises.plain import alike, copied

_MARK = "_octlessons_known"


def reference(name: str, same: Callable[[Any, Any], bool] = alike) -> Callable:
    """Mark a function of a check file that gives what the student's function should give.

    Parameters
    ----------
    name : str
        Name of the student's function. Its parameters are those of the reference.
    same : callable
        ``same(found, wanted)`` tells whether two results count as the same; by their values if not
        given. Clusterings take `octlessons.testing.same_partition`.
    """
    return _marked("reference", name, same)


def mistake(name: str) -> Callable:
    """Mark a function of a check file that makes a mistake known to happen in `name`.

    It takes what the student's function takes and returns what the mistake gives, with ``...`` for
    parts that it does not touch. It counts only where it differs from the reference. Its docstring
    is for the student: what was done, and what to do instead.
    """
    return _marked("mistake", name)


def symptom(name: str) -> Callable:
    """Mark a function that recognises a mistake in `name` where no value can be foretold.

    It takes the student's result before the arguments, and tells whether the mistake was made.
    """
    return _marked("symptom", name)


def _marked(kind: str, name: str, same: Callable = alike) -> Callable:
    def mark(function: Callable) -> Callable:
        setattr(function, _MARK, (kind, name, same))
        return function

    return mark


def known(module, name: str) -> dict[str, list[Callable]]:
    """Return references, mistakes and symptoms of a function in a check file, in their order."""
    found: dict[str, list[Callable]] = {"reference": [], "mistake": [], "symptom": []}
    for function in list(vars(module).values()) if module is not None else ():
        kind, of, _ = getattr(function, _MARK, ("", "", None))
        if of == name:
            found[kind].append(function)
    return found


def wanted(student, call) -> Any:
    """Return what a call should have given, as a tuple of one; empty where nobody knows."""
    for function in known(getattr(student, "known", None), call.name)["reference"]:
        with contextlib.suppress(Exception):
            return (_called(function, call),)
    return ()


def recognised(student, call=None) -> str:
    """Return the sentence about the mistake that explains a call, or "".

    Parameters
    ----------
    student : the fixture
        With its last call, and in ``student.known`` the module of the checks.
    call : Call, optional
        The last one if not given.
    """
    call, module = call or getattr(student, "last_call", None), getattr(student, "known", None)
    if call is None or module is None:
        return ""
    functions = known(module, call.name)
    right = wanted(student, call)
    same = getattr(functions["reference"][0], _MARK)[2] if functions["reference"] else alike
    for function in functions["symptom"]:
        with contextlib.suppress(Exception):
            if _called(function, call, copied(call.result)):
                return said(function)
    found = []
    for function in functions["mistake"] if right else ():
        with contextlib.suppress(Exception):
            wrong = _called(function, call)
            if _fits(call.result, wrong, same) and not _fits(right[0], wrong, same):
                found.append(function)
    if len(found) > 1:  # the one that also explains what came before
        calls = [one for one in getattr(student, "calls", ()) if one.name == call.name]
        explained = [sum(_explains(function, one, same) for one in calls) for function in found]
        found = [found[explained.index(max(explained))]]
    return said(found[0]) if found else ""


def _explains(function: Callable, call, same: Callable) -> bool:
    with contextlib.suppress(Exception):
        return _fits(call.result, _called(function, call), same)
    return False


def explained_stop(student, message: str) -> str:
    """Return the sentence about a mistake that stops with the same error, or "".

    `message` is the sentence about the stop, with the name of the error.
    """
    call, module = getattr(student, "asked", None), getattr(student, "known", None)
    for function in known(module, call.name)["mistake"] if call else ():
        try:
            _called(function, call)
        except Exception as error:
            if f"stopped with {type(error).__name__}" in message:
                return said(function)
    return ""


def said(function: Callable) -> str:
    """The docstring of a mistake as one line."""
    return " ".join((inspect.getdoc(function) or "").split())


def _called(function: Callable, call, *before):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*before, *copied(call.args), **copied(call.kwargs))


def _fits(found, wrong, same: Callable) -> bool:
    """Whether a result is what a mistake gives, in the parts that the mistake speaks of."""
    if wrong is ...:
        return True
    if isinstance(wrong, tuple) and any(part is ... for part in wrong):
        if not isinstance(found, list | tuple) or len(found) != len(wrong):
            return False
        return all(_fits(a, b, same) for a, b in zip(found, wrong, strict=True))
    return same(found, wrong)
