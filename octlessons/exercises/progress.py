"""What a student has passed, and how many hints they have seen; kept beside the exercises."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from octlessons._files import locked, write_atomically
from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import Exercise
from octlessons.exercises.outcomes import Outcome, Report


class Progress:
    """Passed exercises and hints shown, in ``exercises/.progress.json``.

    A missing or damaged file counts as an empty one: nothing is lost but the ticks, and checking
    again brings them back.
    """

    def __init__(self, root: Path):
        self.path = root / "exercises" / ".progress.json"
        self._passed: set[str] = set()
        self._hints: dict[str, int] = {}
        self.kept = True  #: whether the last thing to remember could be written
        self._read()

    def _read(self) -> None:
        """Add what the file holds: another terminal may have written it since."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            data = json.loads(self.path.read_text("utf-8"))
            hints = {str(name): int(n) for name, n in data["hints"].items()}
            self._passed |= {str(name) for name in data["passed"]}
            self._hints |= {name: max(n, self._hints.get(name, 0)) for name, n in hints.items()}

    def has_passed(self, exercise: Exercise) -> bool:
        """Whether the exercise was passed once."""
        return exercise.id in self._passed

    def record(self, report: Report) -> None:
        """Remember that an exercise was passed."""
        if report.outcome is Outcome.PASSED and report.exercise not in self._passed:
            self._passed.add(report.exercise)
            self._save()

    def next_hint(self, exercise: Exercise, number: int | None = None) -> tuple[int, str]:
        """Give number (from 1) and text of the hint asked for, or of the next; the last stays."""
        if number is None:
            number = self._hints.get(exercise.id, 0) + 1
        number = max(1, min(number, len(exercise.hints)))
        if number > self._hints.get(exercise.id, 0):
            self._hints[exercise.id] = number
            self._save()
        return number, exercise.hints[number - 1]

    def _save(self) -> None:
        # In a folder that cannot be written to, the ticks last as long as the session.
        self.kept = False
        with (
            contextlib.suppress(OctlessonsError, OSError),
            locked(self.path.with_name(".progress.lock")),
        ):
            self._read()
            text = json.dumps({"passed": sorted(self._passed), "hints": self._hints}, indent=1)
            write_atomically(self.path, text + "\n")
            self.kept = True
