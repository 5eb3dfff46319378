"""The class as CSV: ``grades.csv`` for the tutor, ``moodle.csv`` and ``canvas.csv`` to upload.

An exercise without a mark is an empty cell, never 0; both platforms leave what is there then.
"""

from __future__ import annotations

from collections.abc import Sequence

from octlessons.grading.exports.view import NOT_MARKED, Graded, StudentView, reason
from octlessons.grading.exports.writing import Cell, csv_text, one_line
from octlessons.grading.late import points_text
from octlessons.grading.submission import Submission

# Excel takes a CSV file for the local 8-bit encoding unless it begins with this mark; LibreOffice,
# pandas (encoding="utf-8-sig") and R's readr drop it.
_BOM = "\ufeff"

# Moodle's importer refuses a worksheet without Identifier, Grade and Last modified (grade), and
# finds them by these English names.
_MOODLE = "Identifier,Full name,Email address,Grade,Last modified (grade),Feedback comments"
_POSSIBLE = "Points Possible"

Pairs = Sequence[tuple[Submission, StudentView]]


def grades_csv(result: Graded, views: Sequence[StudentView], warning: str) -> str:
    """One row for each submission; a slug tells apart whom names do not; a warning goes first."""
    first = [warning] if warning else []
    header = [*first, "student", "name", "slug", *(task.id for task in result.assignment.tasks)]
    header += ["total", "max", "late days", "penalty", "final", "note"]
    rows: list[list[Cell]] = []
    for view in views:
        notes = [
            f"no mark for {exercise.id}, grade it again: {reason(result, view.slug, exercise.id)}"
            for exercise in view.unmarked
        ]
        taken = None if view.total is None else view.total - view.late.points
        row: list[Cell] = [*first, view.student, view.name, view.slug]
        row += [exercise.points for exercise in view.exercises]
        row += [view.total, view.max_points, view.late.days_late, taken, view.final]
        rows.append([*row, " / ".join([*notes, *filter(None, [view.late.note])])])
    return _BOM + csv_text(header, rows)


def moodle_csv(pairs: Pairs) -> str:
    """Moodle's offline grading worksheet, for "Upload grading worksheet".

    Moodle finds the student by ``Participant 1234567``, the number in the name of the downloaded
    folder; a row without one is passed over.
    """
    rows: list[list[Cell]] = []
    for submission, view in pairs:
        number = one_line(submission.ids.get("moodle", ""))
        identifier = f"Participant {number}" if number else ""
        address = view.student if "@" in view.student else ""
        rows.append([identifier, view.name, address, view.final, "", _feedback(view)])
    return csv_text(_MOODLE.split(","), rows)


def canvas_csv(result: Graded, pairs: Pairs, warning: str) -> str:
    """A gradebook with one assignment, for "Import" in Canvas.

    Canvas finds the student by its own number, else by login, else by name. The warning is part of
    the assignment's title, so that Canvas asks before it takes such marks.
    """
    title = one_line(result.assignment.title) + (f" [{warning}]" if warning else "")
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title]
    possible = pairs[0][1].max_points if pairs else None
    rows: list[list[Cell]] = [[f"    {_POSSIBLE}", "", "", "", "", possible]]
    for submission, view in pairs:
        number = one_line(submission.ids.get("canvas", ""))
        login = view.student if "@" in view.student else ""
        # Canvas takes any row with these words in its first cell for the one above.
        name = view.name.replace(_POSSIBLE, _POSSIBLE.replace(" ", "-"))
        rows.append([name, number, "", login, "", view.final])
    return csv_text(header, rows)


def _feedback(view: StudentView) -> str:
    """In a line what the work came to: points for each exercise, and late days."""
    parts = [view.warning] if view.warning else []
    for exercise in view.exercises:
        if exercise.points is None:
            parts.append(f"{exercise.title}: not marked yet")
        else:
            parts.append(f"{exercise.title}: {exercise.points} of {exercise.max_points} points")
    if view.final is None:
        parts.append(NOT_MARKED)
    else:
        parts.append(f"Together: {points_text(view.final)} of {view.max_points} points")
    return " / ".join([*parts, *filter(None, [view.late.note])])
