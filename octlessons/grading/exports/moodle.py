"""`moodle.csv`: for "Upload grading worksheet" of a Moodle assignment."""

from __future__ import annotations

from collections.abc import Sequence

from octlessons.grading.exports.cells import csv_text
from octlessons.grading.exports.view import NOT_MARKED, Work, one_line
from octlessons.grading.late import points_text
from octlessons.grading.submission import Submission

# The importer refuses a worksheet without the columns Identifier, Grade and Last modified (grade),
# and finds them by these English names.
_HEADER = (
    "Identifier",
    "Full name",
    "Email address",
    "Grade",
    "Last modified (grade)",
    "Feedback comments",
)


def moodle_csv(pairs: Sequence[tuple[Submission, Work]]) -> str:
    """Write Moodle's offline grading worksheet.

    Moodle finds the student by ``Participant 1234567``, the number in the name of the downloaded
    folder; a row without one is passed over. It skips an empty grade and leaves what is there, so
    work without a mark gets an empty one, never 0. The maximum of Moodle's assignment must be the
    maximum here. A second upload needs the tick "Allow updating records that have been modified
    more recently in Moodle than in the spreadsheet".

    Parameters
    ----------
    pairs : sequence of (Submission, Work)

    Returns
    -------
    str
    """
    rows = []
    for submission, work in pairs:
        number = one_line(submission.ids.get("moodle", ""))
        address = one_line(submission.ids.get("email", "")) or work.student
        rows.append(
            [
                f"Participant {number}" if number else "",
                work.name,
                address if "@" in address else "",
                work.final,
                "",
                feedback(work),
            ]
        )
    return csv_text(_HEADER, rows)


def feedback(work: Work) -> str:
    """Say in a line what the work came to: points for each exercise, and late days."""
    parts = [work.warning] if work.warning else []
    for exercise in work.exercises:
        if exercise.points is None:
            parts.append(f"{exercise.title}: not marked yet")
        else:
            parts.append(f"{exercise.title}: {exercise.points} of {exercise.max_points} points")
    if work.total is None:
        parts.append(NOT_MARKED)
    else:
        parts.append(f"Together: {points_text(work.final)} of {work.max_points} points")
    return " / ".join([*parts, *filter(None, [work.late.note])])
