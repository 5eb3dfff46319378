"""What may be shown of a student's work: the one place where hidden checks lose their content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Protocol

from octlessons.exercises.outcomes import Outcome
from octlessons.grading.late import LateMark
from octlessons.grading.records import NO_MARK, UNSAFE, Record, Timing
from octlessons.grading.submission import Submission

#: What a student reads where the grader failed.
NOT_MARKED = "Not marked yet: the grader failed, you did not. This is not a zero."

# What XML 1.0 and UTF-8 have no place for; cleaned text has none of it.
_BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Graded(Protocol):
    """The part of a class run's result that is needed here."""

    assignment: Any
    submissions: Sequence[Submission]
    records: Mapping[tuple[str, str], Record]
    timings: Mapping[tuple[str, str], Timing]
    isolation: str


class Standing(StrEnum):
    """How an exercise came out, in one word."""

    PASSED = "passed"
    PARTLY = "partly passed"
    FAILED = "not passed"
    NOT_ATTEMPTED = "not attempted"
    NO_MARK = NO_MARK

    @property
    def sign(self) -> str:
        """One character for it; the word always stands beside it."""
        return dict(zip(Standing, "✓◐✗○?", strict=True))[self]

    @property
    def css(self) -> str:
        """Name of its class in the pages."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Check:
    """What may be shown of a check.

    Attributes
    ----------
    number : int
        From 1 in its exercise.
    title : str
        Of a hidden check, only "Hidden check" and its number among them.
    word : str
        Its outcome; of a hidden check only whether it passed.
    sign : str
    message : str
        Empty if passed, and of every hidden check.
    points, max_points : int
    passed, hidden : bool
    stopped : bool
        Whether it stopped with an error or for want of time; False for a hidden one.
    """

    number: int
    title: str
    word: str
    sign: str
    message: str
    points: int
    max_points: int
    passed: bool
    hidden: bool
    stopped: bool = False


@dataclass(frozen=True)
class Exercise:
    """What may be shown of an exercise.

    Attributes
    ----------
    id, title : str
    standing : Standing
    points : int or None
        None if there is no mark.
    max_points : int or None
        None if nobody's work on it was marked, so that it is not known.
    checks : tuple of Check
        Empty if there is no mark.
    problem : str
        What is wrong with the file, or that there is none.
    printed, file : str
    """

    id: str
    title: str
    standing: Standing
    points: int | None
    max_points: int | None
    checks: tuple[Check, ...] = ()
    problem: str = ""
    printed: str = ""
    file: str = ""

    @property
    def hidden(self) -> tuple[int, int]:
        """How many hidden checks passed, and how many there are."""
        found = [check.passed for check in self.checks if check.hidden]
        return sum(found), len(found)


@dataclass(frozen=True)
class Work:
    """What may be shown of a submission.

    Attributes
    ----------
    name, student, slug : str
    exercises : tuple of Exercise
        All of the assignment, in its order.
    max_points : int or None
        None if that of any exercise is not known.
    total : int or None
        Before the policy on late work; None if any exercise has no mark.
    late : LateMark
        Of the total; without one, of what is marked so far.
    warning : str
        `UNSAFE`, or empty.
    """

    name: str
    student: str
    slug: str
    exercises: tuple[Exercise, ...]
    max_points: int | None
    total: int | None
    late: LateMark
    warning: str = ""

    @property
    def final(self) -> Fraction | None:
        """What counts in the end; None if any exercise has no mark."""
        return None if self.total is None else self.late.points

    @property
    def unmarked(self) -> tuple[Exercise, ...]:
        """The exercises without a mark."""
        return tuple(exercise for exercise in self.exercises if exercise.points is None)


def work_of(result: Graded, submission: Submission, most: Mapping[str, int] | None = None) -> Work:
    """Return what may be shown of a submission.

    Parameters
    ----------
    result : Graded
    submission : Submission
    most : mapping of str to int, optional
        What `maxima` gives, where it is known already.

    Returns
    -------
    Work
        An exercise without a record counts as one without a mark.
    """
    most = maxima(result) if most is None else most
    tasks = result.assignment.tasks
    records = {task.id: result.records.get((submission.slug, task.id)) for task in tasks}
    exercises = tuple(
        _exercise(task, records[task.id], submission.works.get(task.id), most.get(task.id))
        for task in tasks
    )
    known = len(most) == len(tasks)
    max_points = sum(most.values()) if known else None
    reached = [exercise.points for exercise in exercises if exercise.points is not None]
    late = result.assignment.late.apply(
        sum(reached),
        max_points or 0,
        submission.submitted,
        submission.student,
        *names_of(submission),
    )
    apart = {result.isolation, *(record.isolation for record in records.values() if record)}
    return Work(
        name=one_line(submission.ids.get("full_name") or submission.name),
        student=one_line(submission.student or submission.name),
        slug=submission.slug,
        exercises=exercises,
        max_points=max_points,
        total=sum(reached) if len(reached) == len(exercises) else None,
        late=late,
        warning=UNSAFE if "none" in apart else "",
    )


def maxima(result: Graded) -> dict[str, int]:
    """Return the points to be had in each exercise, as the records tell.

    Returns
    -------
    dict of str to int
        By id, in the order of the assignment; without the exercises of which no work is marked.
    """
    most: dict[str, int] = {}
    for (_, exercise), record in result.records.items():
        if record.outcome != NO_MARK:
            most[exercise] = max(record.max_points, most.get(exercise, 0))
    return {task.id: most[task.id] for task in result.assignment.tasks if task.id in most}


def works_of(result: Graded) -> list[tuple[Submission, Work]]:
    """Return all submissions with what may be shown of them, sorted by name."""
    most = maxima(result)
    pairs = [(submission, work_of(result, submission, most)) for submission in result.submissions]
    return sorted(pairs, key=lambda pair: (pair[1].name.casefold(), pair[1].slug))


def warning_of(result: Graded, works: Sequence[Work]) -> str:
    """Return `UNSAFE` if anything of the class was not kept apart, else nothing."""
    unsafe = result.isolation == "none" or any(work.warning for work in works)
    return UNSAFE if unsafe else ""


def names_of(submission: Submission) -> tuple[str, ...]:
    """Return all that a student is known by."""
    return (submission.student, submission.name, *submission.ids.values())


def standing(record: Record | None) -> Standing:
    """Say in a word how an exercise came out; of hidden checks it tells only whether they pass."""
    if record is None or record.outcome == NO_MARK:
        return Standing.NO_MARK
    if all(check.outcome is Outcome.PASSED for check in record.checks):
        return Standing.PASSED
    if record.points > 0:
        return Standing.PARTLY
    shown = {check.outcome for check in record.checks if not check.hidden}
    return Standing.NOT_ATTEMPTED if shown == {Outcome.NOT_ATTEMPTED} else Standing.FAILED


def safe(text: str) -> str:
    """Return text that XML, HTML, JSON and UTF-8 can hold."""
    return _BAD.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Return safe text without line breaks."""
    return " ".join(safe(text).split())


def _exercise(task, record: Record | None, work, most: int | None) -> Exercise:
    found = standing(record)
    if record is None or found is Standing.NO_MARK:
        return Exercise(task.id, one_line(task.title), found, None, most)
    checks, hidden = [], 0
    for number, check in enumerate(record.checks, start=1):
        hidden += check.hidden
        checks.append(_hidden(number, hidden, check) if check.hidden else _shown(number, check))
    return Exercise(
        id=task.id,
        title=one_line(task.title),
        standing=found,
        points=record.points,
        max_points=most,
        checks=tuple(checks),
        problem=safe(work.problem) if work is not None and work.source is None else "",
        printed=safe(record.printed),
        file=one_line(record.file),
    )


def _shown(number: int, check) -> Check:
    words = {
        Outcome.PASSED: ("✓", "passed"),
        Outcome.NOT_ATTEMPTED: ("○", "not attempted"),
        Outcome.FAILED: ("✗", "not passed"),
        Outcome.TIMED_OUT: ("⌛", "took too long"),
        Outcome.ERROR: ("!", "stopped with an error"),
    }
    sign, word = words[check.outcome]
    return Check(
        number=number,
        title=one_line(check.title or check.name),
        word=word,
        sign=sign,
        message=safe(check.message).strip(),
        points=check.points,
        max_points=check.max_points,
        passed=check.outcome is Outcome.PASSED,
        hidden=False,
        stopped=check.outcome in (Outcome.ERROR, Outcome.TIMED_OUT),
    )


def _hidden(number: int, among: int, check) -> Check:
    # Nothing else of a hidden check may be taken over here.
    passed = check.outcome is Outcome.PASSED
    return Check(
        number=number,
        title=f"Hidden check {among}",
        word="passed" if passed else "not passed",
        sign="✓" if passed else "✗",
        message="",
        points=check.points,
        max_points=check.max_points,
        passed=passed,
        hidden=True,
    )
