"""Where the right and the wrong answers of an exercise lie, and what a wrong one must be told."""

from __future__ import annotations

from pathlib import Path

from octlessons.exercises.catalogue import Exercise

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
