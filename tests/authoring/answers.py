"""Where the right and the wrong answers of an exercise lie, and what a wrong one must be told."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

from octlessons.exercises.catalogue import Exercise
from octlessons.exercises.mistakes import known, said
from octlessons.exercises.source import read_source
from octlessons.exercises.student import Student, load_student

_SAYS = "# says: "


def right_answers(exercise: Exercise) -> list[Path]:
    """Return differently written answers that must pass."""
    return _answers(exercise, "right_answers")


def wrong_answers(exercise: Exercise) -> list[Path]:
    """Return plausible wrong answers."""
    return _answers(exercise, "wrong_answers")


def told(path: Path) -> str:
    """Return what the message for a wrong answer must contain, from its first line."""
    first = path.read_text("utf-8").split("\n", 1)[0]
    if not first.startswith(_SAYS):
        raise ValueError(f"{path} does not begin with '{_SAYS}…', a part of the expected message")
    return first.removeprefix(_SAYS).strip()


def _answers(exercise: Exercise, kind: str) -> list[Path]:
    return sorted((exercise.root / "tests" / kind / exercise.chapter / exercise.id).glob("*.py"))


def known_mistakes(exercise: Exercise) -> Iterator[tuple[str, str, Student]]:
    """Give work that makes each mistake a check file knows: name, sentence and functions.

    What a mistake leaves open (``...``), and functions that it does not touch, are as the check
    file's own references have them, and as the solution where it has none.
    """
    spec = importlib.util.spec_from_file_location("known_checks", exercise.checks)
    checks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checks)
    solution = load_student(read_source(exercise.solution), exercise.solution.name, None)
    for name in [n for n in vars(solution)["_namespace"] if not n.startswith("_")]:
        functions = known(checks, name)
        for wrong in functions["mistake"]:
            made = _filled(wrong, functions["reference"][0])
            namespace = vars(solution)["_namespace"] | {name: made}
            yield wrong.__name__, said(wrong), Student(namespace, wrong.__name__, None)


def _filled(wrong: Callable, right: Callable) -> Callable:
    def function(*args):
        result = wrong(*args)
        if isinstance(result, tuple) and any(part is ... for part in result):
            whole = right(*args)
            return tuple(b if a is ... else a for a, b in zip(result, whole, strict=True))
        return result

    return function
