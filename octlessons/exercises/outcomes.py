"""What a check can come to, and the report on an exercise."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

#: What stands for checks after one that ran out of time.
NOT_TRIED = "Not tried, because a check before ran out of time."


class Outcome(StrEnum):
    """How a check, or an exercise, came out; the later, the worse."""

    PASSED = "passed"
    NOT_ATTEMPTED = "not attempted"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    ERROR = "error"


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return what several checks come to together; without any, an error.

    *Not attempted* only if nothing was: where a part passes and a part is missing, *failed*.
    """
    found = list(outcomes)
    result = max(found, key=list(Outcome).index, default=Outcome.ERROR)
    partly = result is Outcome.NOT_ATTEMPTED and Outcome.PASSED in found
    return Outcome.FAILED if partly else result


_SIGNS = dict(zip(Outcome, "✓·✗⌛!", strict=True))


class NotAttempted(Exception):
    """The student's function is missing, or still says that it is to be written."""


class TimedOut(Exception):
    """The student's code took longer than it may."""


class StudentError(Exception):
    """The student's code stopped with an error; the message says where."""


@dataclass(frozen=True)
class CheckResult:
    """One check of an exercise.

    Attributes
    ----------
    name, title, outcome : str, str, Outcome
        Name of the test function, the first line of its docstring (what it looks at, for the
        student to read), and how it came out.
    message : str
        What was called, what came back, what was expected, the likely cause; empty if passed.
    points, max_points : int
    hidden : bool
        Whether students may not see title and message, which can hold inputs and answers.
    case : str
        The call that failed, as Python to paste, where that was asked for.
    """

    name: str
    title: str
    outcome: Outcome
    message: str = ""
    points: int = 0
    max_points: int = 1
    hidden: bool = False
    case: str = ""

    @property
    def sign(self) -> str:
        """One character for the outcome."""
        return _SIGNS[self.outcome]


@dataclass(frozen=True)
class Report:
    """All checks of an exercise on one piece of work.

    Attributes
    ----------
    exercise : str
        Its id.
    results : tuple of CheckResult
    printed, seconds : str, float
        What the student's code printed, and how long it all took.
    """

    exercise: str
    results: tuple[CheckResult, ...]
    printed: str = ""
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of the checks; *not attempted* only if nothing was."""
        return worst(result.outcome for result in self.results)

    @property
    def points(self) -> int:
        """Points reached."""
        return sum(result.points for result in self.results)

    @property
    def max_points(self) -> int:
        """Points to be had."""
        return sum(result.max_points for result in self.results)

    @property
    def first_problem(self) -> CheckResult | None:
        """The first check that did not pass, if any."""
        return next((r for r in self.results if r.outcome is not Outcome.PASSED), None)

    def lines(self) -> Iterator[tuple[CheckResult, str]]:
        """Give each check with its message, without what was said before."""
        said = {""}
        for result in self.results:
            came, _, why = result.message.partition("\n")
            parts = [part for part in (came, why) if part not in said]
            yield result, "\n".join(parts if came not in said else ())
            said |= {came, why}

    def __str__(self) -> str:
        lines = [f"{self.exercise}: {self.outcome} ({self.points} of {self.max_points} points)"]
        for result, message in self.lines():
            lines.append(f"  {result.sign} {result.title}")
            lines += [f"      {line}" for line in message.splitlines()]
        if self.printed.strip():
            lines += ["  Your code printed:", *(f"      {s}" for s in self.printed.splitlines())]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        style = "white-space:pre-wrap;margin:.2em 0 .6em 1.5em"
        items = ""
        for result, message in self.lines():
            said = f'<pre style="{style}">{html.escape(message)}</pre>' if message else ""
            items += f"<li>{result.sign} {html.escape(result.title)}{said}</li>"
        head = f"<strong>{html.escape(self.exercise)}: {self.outcome}</strong>"
        points = f"({self.points} of {self.max_points} points)"
        return f'<p>{head} {points}</p><ul style="list-style:none;padding-left:0">{items}</ul>'
