"""What grading finds out: one record per submission and exercise, as plain JSON.

A record holds nothing that differs between two runs of the same work (no times, no folders), so
the same submission gives the same bytes at any position and any parallelism. Measured times are
kept apart, in `Timing`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from octlessons.exercises.outcomes import CheckResult, Outcome, worst

SCHEMA = "octlessons/record/v1"

#: What every result of a run without isolation says.
UNSAFE = "NOT SAFE: graded without isolation"

#: What stands for an exercise that could not be marked because the grader itself failed.
NO_MARK = "no mark"


@dataclass(frozen=True)
class CheckRecord(CheckResult):
    """What one check came to, as it is kept.

    Its message is clean text: no control characters. Title and message of a hidden check are for
    the tutor only; they may hold inputs and expected values.

    Attributes
    ----------
    hidden : bool
        Whether students may not see title and message.
    """

    hidden: bool = False


@dataclass(frozen=True)
class Record:
    """What one exercise of one submission came to.

    Attributes
    ----------
    key : str
        SHA-256 of everything that decides the marks: source, checks, versions, limits, seed.
    submission : str
        `Submission.slug`.
    exercise : str
        Id of the exercise.
    checks : tuple of CheckRecord
        Empty only if there is no mark.
    printed : str
        What the code printed, clean text. Printed by hidden checks' calls, it is left out.
    isolation : str
        How the code was kept apart: ``"bubblewrap"``, ``"container"``, ``"confined"``, or
        ``"none"``.
    no_mark : str
        Why the grader could not mark it; empty if it did. Such a record is never a zero: the
        exercise is to be graded again.
    file : str
        Name of the file or cell that was graded, clean text; empty if there was none.
    """

    key: str
    submission: str
    exercise: str
    checks: tuple[CheckRecord, ...] = ()
    printed: str = ""
    isolation: str = ""
    no_mark: str = ""
    file: str = ""

    @property
    def outcome(self) -> Outcome | str:
        """The worst outcome of the checks, or ``"no mark"``."""
        if self.no_mark or not self.checks:
            return NO_MARK
        return worst(check.outcome for check in self.checks)

    @property
    def points(self) -> int:
        """Points reached, before any policy on late work."""
        return sum(check.points for check in self.checks)

    @property
    def max_points(self) -> int:
        """Points to be had."""
        return sum(check.max_points for check in self.checks)

    def to_json(self) -> str:
        """Return the record as JSON text, the same for equal records."""
        content = {"schema": SCHEMA, **asdict(self)}
        content |= {"outcome": self.outcome, "points": self.points, "max_points": self.max_points}
        if self.isolation == "none":
            content["warning"] = UNSAFE
        return json.dumps(content, indent=1, ensure_ascii=True, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Record:
        """Read a record back.

        Raises
        ------
        ValueError
            If it is not one.
        """
        try:
            content: dict[str, Any] = json.loads(text)
            if content.pop("schema") != SCHEMA:
                raise ValueError("another schema")
            for derived in ("outcome", "points", "max_points"):
                content.pop(derived)
            content.pop("warning", None)
            checks = tuple(
                CheckRecord(**{**check, "outcome": Outcome(check["outcome"])})
                for check in content.pop("checks")
            )
            return cls(**content, checks=checks)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a record: {error}") from error


@dataclass(frozen=True)
class Timing:
    """How long one exercise of one submission took; kept beside the records.

    Attributes
    ----------
    key : str
        Of the record.
    submission, exercise : str
    seconds : float
        By the clock, from the start of its process to the last check.
    cpu_seconds : float
        Processor time of the submission's own process.
    """

    key: str
    submission: str
    exercise: str
    seconds: float
    cpu_seconds: float
