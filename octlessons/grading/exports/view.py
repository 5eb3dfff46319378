"""What may be shown of a student's work: the one place where hidden checks lose their content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, Protocol

from octlessons.exercises.outcomes import CheckResult, Outcome
from octlessons.grading.exports.writing import one_line, safe
from octlessons.grading.late import LateMark
from octlessons.grading.records import NO_MARK, UNSAFE, Record, Timing
from octlessons.grading.submission import Submission, name_key

#: What a student reads where there is no mark.
NOT_MARKED = "Not marked yet, for a reason that lies with the grader. This is not a zero."

#: An outcome as a student reads it. Of hidden checks there are only the first and the third.
WORDS = {
    Outcome.PASSED: "passed",
    Outcome.NOT_ATTEMPTED: "not attempted",
    Outcome.FAILED: "not passed",
    Outcome.TIMED_OUT: "took too long",
    Outcome.ERROR: "stopped with an error",
}


class Graded(Protocol):
    """The part of a class run's result that is needed here."""

    @property
    def assignment(self) -> Any: ...
    @property
    def submissions(self) -> Sequence[Submission]: ...
    @property
    def records(self) -> Mapping[tuple[str, str], Record]: ...
    @property
    def timings(self) -> Mapping[tuple[str, str], Timing]: ...
    @property
    def isolation(self) -> str: ...


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
class ExerciseView:
    """What may be shown of an exercise: of a hidden check only whether it passed, and its points.

    `points` is None if there is no mark, and then there are no checks; `max_points` if it is not
    known, as nobody's work was marked. `problem` says what is wrong with the file.
    """

    id: str
    title: str
    standing: Standing
    points: int | None
    max_points: int | None
    checks: tuple[CheckResult, ...] = ()
    problem: str = ""
    printed: str = ""
    file: str = ""

    @property
    def hidden(self) -> tuple[int, int]:
        """How many hidden checks passed, and how many there are."""
        found = [check.outcome is Outcome.PASSED for check in self.checks if check.hidden]
        return sum(found), len(found)


@dataclass(frozen=True)
class StudentView:
    """What may be shown of a submission: all exercises of the assignment, in its order.

    `total` is before the policy on late work, and None if any exercise has no mark; `max_points` is
    None if that of any exercise is not known; `warning` is `UNSAFE`, or empty.
    """

    name: str
    student: str
    slug: str
    exercises: tuple[ExerciseView, ...]
    max_points: int | None
    total: int | None
    late: LateMark
    warning: str = ""

    @property
    def final(self) -> Fraction | None:
        """What counts in the end; None if any exercise has no mark."""
        return None if self.total is None else self.late.points

    @property
    def unmarked(self) -> tuple[ExerciseView, ...]:
        """The exercises without a mark."""
        return tuple(exercise for exercise in self.exercises if exercise.points is None)


def view_of(
    result: Graded, submission: Submission, most: Mapping[str, int] | None = None
) -> StudentView:
    """What may be shown of a submission; `most` is what `maxima` gives, where it is known."""
    most = maxima(result) if most is None else most
    tasks = result.assignment.tasks
    records = {task.id: result.records.get((submission.slug, task.id)) for task in tasks}
    exercises = tuple(
        _exercise(task, records[task.id], submission.works.get(task.id), most.get(task.id))
        for task in tasks
    )
    max_points = sum(most.values()) if len(most) == len(tasks) else None
    reached = [exercise.points for exercise in exercises if exercise.points is not None]
    late = result.assignment.late.apply(
        sum(reached), max_points or 0, submission.submitted, *names_of(submission)
    )
    apart = {result.isolation, *(record.isolation for record in records.values() if record)}
    return StudentView(
        name=one_line(submission.ids.get("full_name") or submission.name),
        student=one_line(submission.student or submission.name),
        slug=submission.slug,
        exercises=exercises,
        max_points=max_points,
        total=sum(reached) if len(reached) == len(exercises) else None,
        late=late,
        warning=UNSAFE if "none" in apart else "",
    )


def views_of(result: Graded) -> list[tuple[Submission, StudentView]]:
    """All submissions with what may be shown of them, sorted by name."""
    most = maxima(result)
    pairs = [(submission, view_of(result, submission, most)) for submission in result.submissions]
    return sorted(pairs, key=lambda pair: (pair[1].name.casefold(), pair[1].slug))


def maxima(result: Graded) -> dict[str, int]:
    """The points to be had in each exercise, by id, as far as any work on it is marked."""
    most: dict[str, int] = {}
    for (_, exercise), record in result.records.items():
        if record.outcome != NO_MARK:
            most[exercise] = max(record.max_points, most.get(exercise, 0))
    return {task.id: most[task.id] for task in result.assignment.tasks if task.id in most}


def warning_of(result: Graded, views: Sequence[StudentView]) -> str:
    """`UNSAFE` if anything of the class was not kept apart, else nothing."""
    unsafe = result.isolation == "none" or any(view.warning for view in views)
    return UNSAFE if unsafe else ""


def names_of(submission: Submission) -> tuple[str, ...]:
    """All that a student is known by."""
    return (submission.student, submission.name, *submission.ids.values())


def strangers(result: Graded) -> list[str]:
    """The names with an extension that fit no submission: typing errors, mostly."""
    known = {name_key(name) for person in result.submissions for name in names_of(person)}
    given = result.assignment.late.extensions
    return [one_line(name) for name in given if name_key(name) not in known]


def reason(result: Graded, slug: str, exercise: str) -> str:
    """Why an exercise has no mark, for the tutor."""
    record = result.records.get((slug, exercise))
    if record is None:
        return "it was not graded in this run"
    return one_line(record.no_mark) or "there were no checks"


def standing(record: Record | None) -> Standing:
    """How an exercise came out, in a word; of hidden checks it tells only whether they pass."""
    if record is None or record.outcome == NO_MARK:
        return Standing.NO_MARK
    if all(check.outcome is Outcome.PASSED for check in record.checks):
        return Standing.PASSED
    if record.points > 0:
        return Standing.PARTLY
    shown = {check.outcome for check in record.checks if not check.hidden}
    return Standing.NOT_ATTEMPTED if shown == {Outcome.NOT_ATTEMPTED} else Standing.FAILED


def _exercise(task: Any, record: Record | None, work: Any, most: int | None) -> ExerciseView:
    found = standing(record)
    if record is None or found is Standing.NO_MARK:
        return ExerciseView(task.id, one_line(task.title), found, None, most)
    checks: list[CheckResult] = []
    for check in record.checks:
        among = sum(earlier.hidden for earlier in checks) + 1
        checks.append(_hidden(check, among) if check.hidden else _shown(check))
    return ExerciseView(
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


def _shown(check: CheckResult) -> CheckResult:
    title, message = one_line(check.title or check.name), safe(check.message).strip()
    return replace(check, title=title, message=message)


def _hidden(check: CheckResult, among: int) -> CheckResult:
    # Nothing else of a hidden check may be taken over here.
    outcome = Outcome.PASSED if check.outcome is Outcome.PASSED else Outcome.FAILED
    points, most = check.points, check.max_points
    return CheckResult("", f"Hidden check {among}", outcome, "", points, most, hidden=True)
