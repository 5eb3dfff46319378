"""`canvas.csv`: for "Import" in Canvas's gradebook."""

from __future__ import annotations

from collections.abc import Sequence

from octlessons.grading.exports.cells import Cell, csv_text
from octlessons.grading.exports.view import Graded, Work, one_line
from octlessons.grading.submission import Submission

_POSSIBLE = "Points Possible"


def canvas_csv(result: Graded, pairs: Sequence[tuple[Submission, Work]], warning: str) -> str:
    """Write a gradebook with one assignment.

    Canvas finds the student by its own number, else by login, else by name; and the assignment by
    its title. An empty grade leaves what is there, so work without a mark gets an empty one,
    never 0. The warning is part of the title, so that Canvas asks before it takes such marks.

    Parameters
    ----------
    result : Graded
    pairs : sequence of (Submission, Work)
    warning : str

    Returns
    -------
    str
    """
    title = one_line(result.assignment.title) + (f" [{warning}]" if warning else "")
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title]
    possible = pairs[0][1].max_points if pairs else None
    rows: list[list[Cell]] = [[f"    {_POSSIBLE}", "", "", "", "", possible]]
    for submission, work in pairs:
        number = one_line(submission.ids.get("canvas", ""))
        login = work.student if "@" in work.student else ""
        # Canvas takes any row with these words in its first cell for the one above.
        name = work.name.replace(_POSSIBLE, _POSSIBLE.replace(" ", "-"))
        rows.append([name, number, "", login, "", work.final])
    return csv_text(header, rows)
