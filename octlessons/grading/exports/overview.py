"""`overview.html`: how the class did, for the tutor. The one page that knows hidden checks."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from octlessons.exercises.outcomes import Outcome
from octlessons.grading.exports.page import render
from octlessons.grading.exports.view import (
    Graded,
    Standing,
    StudentView,
    maxima,
    reason,
    standing,
    strangers,
)
from octlessons.grading.exports.writing import one_line, safe

_NUMBER = re.compile(r"[-+−]?\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
_SEVERAL = re.compile(r"…(?:[\s,;:×x()\[\]]*…)+")
_LONGEST = 600
_MOST_MISTAKES = 5
_MOST_BARS = 21
_FEW = 8  # exercises whose sections are open, and whose table is no wider than the text


@dataclass(frozen=True)
class Mistake:
    """A message, how many students got it (numbers aside), titles of the checks that say it.

    With a `hidden` check among them it is not for students.
    """

    example: str
    students: int
    checks: tuple[str, ...]
    hidden: bool


@dataclass(frozen=True)
class Bar:
    """One line of a distribution: a label, a number, its share of the largest in per cent."""

    label: str
    number: int
    width: float


def overview_html(
    result: Graded,
    views: Sequence[StudentView],
    warning: str,
    notices: Sequence[str] = (),
    *,
    similarity: bool = False,
) -> str:
    """The page of the class: HTML that stands alone but for links to what lies beside it."""
    finals = [view.final for view in views if view.final is not None]
    most = maxima(result)
    tasks = result.assignment.tasks
    unmarked = [
        (view, exercise, reason(result, view.slug, exercise.id))
        for view in views
        for exercise in view.unmarked
    ]
    return render(
        "overview.html",
        title=one_line(result.assignment.title),
        isolation=one_line(result.isolation),
        warning=warning,
        works=views,
        policy=result.assignment.late.sentences(),
        notices=[one_line(sentence) for sentence in notices],
        strangers=strangers(result),
        exercises=[_exercise(result, task, views, most.get(task.id)) for task in tasks],
        max_points=sum(most.values()) if len(most) == len(tasks) else None,
        few=len(tasks) <= _FEW,
        totals=distribution(finals, sum(most.values())),
        median=median(finals) if finals else None,
        marked=len(finals),
        unmarked=unmarked,
        similarity=similarity,
    )


def mistakes(result: Graded, exercise: str) -> list[Mistake]:
    """The commonest messages of an exercise, at most five; those that differ in numbers are one."""
    texts: dict[str, Counter[str]] = defaultdict(Counter)
    students: dict[str, set[str]] = defaultdict(set)
    checks: dict[str, dict[str, bool]] = defaultdict(dict)
    for submission in result.submissions:
        record = result.records.get((submission.slug, exercise))
        for check in record.checks if record else ():
            text = safe(check.message).strip()
            known = check.outcome in (Outcome.PASSED, Outcome.NOT_ATTEMPTED)
            if not text or known or text.startswith("Not tried"):
                continue
            kind = without_numbers(text)
            texts[kind][text] += 1
            students[kind].add(submission.slug)
            checks[kind][one_line(check.title or check.name)] = check.hidden
    found = []
    order = {kind: (-len(students[kind]), -texts[kind].total(), kind) for kind in students}
    for kind in sorted(students, key=lambda kind: order[kind])[:_MOST_MISTAKES]:
        example = min(texts[kind], key=lambda text: (-texts[kind][text], text))
        if len(example) > _LONGEST:
            example = example[:_LONGEST] + " […]"
        titles = checks[kind]
        found.append(
            Mistake(example, len(students[kind]), tuple(sorted(titles)), any(titles.values()))
        )
    return found


def without_numbers(text: str) -> str:
    """A message with an ellipsis for every number, and one for several in a row.

    >>> without_numbers("f(array of shape (3, 4)) gives 0.25. Expected: -2e-3.")
    'f(array of shape (…)) gives …. Expected: ….'
    """
    return _SEVERAL.sub("…", _NUMBER.sub("…", text))


def distribution(points: Sequence, most: int) -> list[Bar]:
    """Count points between 0 and `most`: a line for each number, or for equal spans."""
    step = 1
    while most // step + 1 > _MOST_BARS:
        step = {1: 2, 2: 5, 5: 10}.get(step, step * 2)
    counts = Counter(min(int(value), most) // step for value in points)
    largest = max(counts.values(), default=1)
    bars = []
    for i in range(most // step + 1):
        first, last = i * step, min((i + 1) * step - 1, most)
        label = str(first) if first == last else f"{first}–{last}"
        bars.append(Bar(label, counts[i], round(100 * counts[i] / largest, 1)))
    return bars


def _exercise(result: Graded, task, views: Sequence[StudentView], most: int | None) -> dict:
    records = [result.records.get((view.slug, task.id)) for view in views]
    standings = Counter(standing(record) for record in records)
    reached = [
        record.points for record in records if standing(record) is not Standing.NO_MARK and record
    ]
    timings = [result.timings.get((view.slug, task.id)) for view in views]
    seconds = [timing.seconds for timing in timings if timing is not None]
    shares = [
        (found, standings[found], round(100 * standings[found] / max(1, len(views)), 2))
        for found in Standing
    ]
    return {
        "id": task.id,
        "title": one_line(task.title),
        "max_points": most,
        "shares": shares,
        "bars": distribution(reached, most or 0),
        "median": median(reached) if reached else None,
        "marked": len(reached),
        "mistakes": mistakes(result, task.id),
        "time": (median(seconds), max(seconds)) if seconds else None,
    }
