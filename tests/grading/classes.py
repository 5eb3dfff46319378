"""A small made-up class, for tests of what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from octlessons.exercises.outcomes import CheckResult, Outcome
from octlessons.grading.late import LatePolicy
from octlessons.grading.records import Record, Timing
from octlessons.grading.submission import Submission, Work

#: What a hidden check knows and nobody but the tutor may read.
SECRETS = ("secret_name", "SECRET-TITLE", "SECRET-INPUT", "SECRET-EXPECTED", "SECRET-REASON")

HOSTILE = (
    '=HYPERLINK("http://evil.example","x")',
    "]]>&<script>alert(1)</script>",
    "two\nlines\rand\ttabs",
    "nul\x00 and \udc80 and \ufffe",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "Points Possible",
)


@dataclass(frozen=True)
class Task:
    id: str
    title: str


@dataclass(frozen=True)
class Assignment:
    title: str
    tasks: tuple[Task, ...]
    late: LatePolicy


@dataclass(frozen=True)
class Result:
    assignment: Assignment
    submissions: tuple[Submission, ...]
    records: dict[tuple[str, str], Record]
    timings: dict[tuple[str, str], Timing] = field(default_factory=dict)
    isolation: str = "bubblewrap"


DARK = Task("dark-part", "The dark part, whatever its number")
PAIRS = Task("count-the-pairs", "Count the pairs")
DUE = datetime(2026, 12, 1, 12, tzinfo=UTC)
LATE = LatePolicy(DUE, grace_minutes=10, percent_per_day=10)


def hidden(outcome: Outcome, points: int = 1) -> CheckResult:
    message = "" if outcome is Outcome.PASSED else "f(SECRET-INPUT) gives 1, not SECRET-EXPECTED"
    earned = points if outcome is Outcome.PASSED else 0
    return CheckResult(
        "test_secret_name", "SECRET-TITLE", outcome, message, earned, points, hidden=True
    )


def shown(
    outcome: Outcome, title: str = "It is a share", message: str = "", points: int = 1
) -> CheckResult:
    earned = points if outcome is Outcome.PASSED else 0
    return CheckResult("test_share", title, outcome, message, earned, points)


def record(slug: str, task: Task, *checks: CheckResult, **more) -> Record:
    values = {"isolation": "bubblewrap", "file": f"{task.id}.py", **more}
    return Record("0" * 64, slug, task.id, checks, **values)


def submission(name: str, slug: str, **more) -> Submission:
    works = {task.id: Work(task.id, f"{task.id}.py", "pass\n") for task in (DARK, PAIRS)}
    return Submission(name, slug, more.pop("works", works), **{"student": name, **more})


def small_class(**more) -> Result:
    """Five students: all right; late and partly; one exercise without mark; nothing; hostile."""
    wrong = "dark_part(an array of shape (8, 8)) gives 0.{}. Expected: 0.25.\nCount pixels."
    there = (
        submission("Ana Li", "ana", submitted=DUE, ids={"moodle": "11", "canvas": "21"}),
        submission("Bo", "bo", submitted=datetime(2026, 12, 2, 13, tzinfo=UTC)),
        submission("Cy", "cy", student="cy@example.org", ids={"full_name": "Cy Öz"}),
        submission(
            "Di",
            "di",
            submitted=DUE,
            works={
                DARK.id: Work(DARK.id, problem="There is no dark-part.py.", missing=True),
                PAIRS.id: Work(PAIRS.id, "count-the-pairs.ipynb", "pass\n"),
            },
        ),
    )
    right = [shown(Outcome.PASSED, "A number"), shown(Outcome.PASSED, points=2)]
    partly = [
        shown(Outcome.PASSED, "A number"),
        shown(Outcome.FAILED, message=wrong.format(5), points=2),
        hidden(Outcome.PASSED),
        hidden(Outcome.TIMED_OUT),
    ]
    missing = [shown(Outcome.NOT_ATTEMPTED, message="Nothing was handed in.", points=5)]
    pairs = [shown(Outcome.PASSED, points=4)]
    records = [
        record("ana", DARK, *right, hidden(Outcome.PASSED), hidden(Outcome.PASSED)),
        record("ana", PAIRS, *pairs),
        record("bo", DARK, *partly, printed="mine <b>\n"),
        record("bo", PAIRS, shown(Outcome.ERROR, message="Your code stopped.", points=4)),
        record("cy", DARK, no_mark="SECRET-REASON: the sandbox did not start"),
        record("cy", PAIRS, *pairs),
        record("di", DARK, *missing, file=""),
        record("di", PAIRS, shown(Outcome.FAILED, message=wrong.format(75), points=4)),
    ]
    values = {
        "assignment": Assignment("Workshop 1", (DARK, PAIRS), LATE),
        "submissions": there,
        "records": {(r.submission, r.exercise): r for r in records},
        "timings": {
            (r.submission, r.exercise): Timing(r.key, r.submission, r.exercise, 0.5 + i, 0.1)
            for i, r in enumerate(records)
        },
    }
    return Result(**{**values, **more})


def hostile_class() -> Result:
    """Names, messages and printed text that try to be something else."""
    task = Task("dark-part", "A < B & ]]>")
    people = tuple(
        submission(text, f"h{i}", submitted=DUE, ids={"moodle": text, "full_name": text})
        for i, text in enumerate(HOSTILE)
    )
    records = {
        (f"h{i}", task.id): record(
            f"h{i}",
            task,
            shown(Outcome.FAILED, title=text, message=text),
            hidden(Outcome.ERROR),
            printed=text,
            file=text,
        )
        for i, text in enumerate(HOSTILE)
    }
    return Result(Assignment("=Workshop <1>", (task,), LATE), people, records)
