"""`grades.csv`: the class in one table, for the tutor."""

from __future__ import annotations

from collections.abc import Sequence

from octlessons.grading.exports.cells import csv_text
from octlessons.grading.exports.view import Graded, Work, one_line

# Excel takes a CSV file for the local 8-bit encoding unless it begins with this mark; LibreOffice,
# pandas (encoding="utf-8-sig") and R's readr drop it.
_BOM = "\ufeff"


def grades_csv(result: Graded, works: Sequence[Work], warning: str) -> str:
    """Write one row for each submission.

    An exercise without a mark is an empty cell, never 0; so are then total, penalty and final
    mark, and the note says why.

    Parameters
    ----------
    result : Graded
    works : sequence of Work
    warning : str
        Goes into a column of its own, the first.

    Returns
    -------
    str
    """
    exercises = [task.id for task in result.assignment.tasks]
    first = [warning] if warning else []
    header = ["student", "name", *exercises, "total", "max"]
    header += ["late days", "penalty", "final", "note"]
    rows = []
    for work in works:
        taken = None if work.total is None else work.total - work.late.points
        rows.append(
            [
                *first,
                work.student,
                work.name,
                *(exercise.points for exercise in work.exercises),
                work.total,
                work.max_points,
                work.late.days_late,
                taken,
                work.final,
                _note(result, work),
            ]
        )
    return _BOM + csv_text([*first, *header], rows)


def reason(result: Graded, slug: str, exercise: str) -> str:
    """Say why an exercise has no mark, for the tutor."""
    record = result.records.get((slug, exercise))
    if record is None:
        return "it was not graded in this run"
    return one_line(record.no_mark) or "there were no checks"


def _note(result: Graded, work: Work) -> str:
    notes = [
        f"no mark for {exercise.id}, grade it again: {reason(result, work.slug, exercise.id)}"
        for exercise in work.unmarked
    ]
    return " / ".join([*notes, *filter(None, [work.late.note])])
