"""What grading finds out: one record per submission and exercise, as plain JSON.

A record holds nothing that differs between two runs of the same work (no times, no folders), so
the same submission gives the same bytes at any position and any parallelism. Measured times are
kept apart, in `Timing`. What a check came to is an `exercises.outcomes.CheckResult`, from the judge
to the page.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from octlessons.exercises.outcomes import CheckResult, Outcome, worst

_FAMILY = "octlessons/record/"
SCHEMA = f"{_FAMILY}v2"

#: What every result of a run without isolation says.
UNSAFE = "NOT SAFE: graded without isolation"

#: What stands for an exercise that could not be marked because the grader itself failed.
NO_MARK = "no mark"


class OtherVersion(ValueError):
    """A record that another version of the package has written."""


@dataclass(frozen=True)
class Record:
    """What one exercise of one submission came to.

    `key` is a hash of everything that decides the marks (`cache_keys`), `submission` a
    `Submission.slug`. `checks` are empty only if there is no mark; title and message of a hidden
    one are for the tutor only. `printed` is what the code printed, but in hidden checks.
    `isolation` says how the code was kept apart. `no_mark` says why the grader could not mark it:
    such a record is never a zero, and the exercise is to be graded again. `file` is what was
    graded. All texts are clean: no control characters.
    """

    key: str
    submission: str
    exercise: str
    checks: tuple[CheckResult, ...] = ()
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
        content["sum"] = _sum(content)
        return json.dumps(content, indent=1, ensure_ascii=True, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Record:
        """Read a record back; `ValueError` says why it is not one, or no longer what it was."""
        try:
            content: dict[str, Any] = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"it is not whole ({type(error).__name__})") from error
        if not isinstance(content, dict):
            raise ValueError("it holds no record")
        if str(content.get("schema")).startswith(_FAMILY) and content["schema"] != SCHEMA:
            raise OtherVersion("it is of another version")
        try:
            if content.pop("sum") != _sum(content):
                raise ValueError("it was changed by hand")
            checks = tuple(
                CheckResult(**check | {"outcome": Outcome(check["outcome"])})
                for check in content["checks"]
            )
            names = {field.name for field in fields(cls)}
            kept = {name: value for name, value in content.items() if name in names}
            return cls(**kept | {"checks": checks})
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError("it was changed by hand") from error


def _sum(content: dict) -> str:
    """A checksum of a record: what has another was not written here."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Timing:
    """How long one exercise of one submission took, by the clock and of the processor.

    Kept beside the records, whose `key` it has.
    """

    key: str
    submission: str
    exercise: str
    seconds: float
    cpu_seconds: float

    def __post_init__(self) -> None:
        for value in (self.key, self.submission, self.exercise):
            if not isinstance(value, str):
                raise ValueError("a name that is none")
        for seconds in (self.seconds, self.cpu_seconds):
            number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
            if not number or not 0 <= seconds < math.inf:
                raise ValueError("a time that is none")


@dataclass(frozen=True)
class Marked:
    """A record, and how long it took."""

    record: Record
    timing: Timing

    @property
    def timed_out(self) -> bool:
        """Whether any check ran out of time."""
        return any(check.outcome is Outcome.TIMED_OUT for check in self.record.checks)
