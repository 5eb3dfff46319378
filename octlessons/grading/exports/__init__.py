"""Results as files: for the student, for the class, and for the systems that take marks in.

What a student or another system reads is made from `view.StudentView`: what hidden checks hold
cannot get into it, because it is not there. Only the tutor's overview is made from the records.
An exercise that the grader failed to mark is never a zero: cells stay empty, scores are left out.
But for the times in the overview, two runs of the same class give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from octlessons._files import write_atomically
from octlessons.grading.exports.classroom50 import Place, classroom50_result
from octlessons.grading.exports.gradescope import gradescope_results
from octlessons.grading.exports.junit import class_junit, student_junit
from octlessons.grading.exports.overview import overview_html
from octlessons.grading.exports.page import student_html, student_result
from octlessons.grading.exports.spreadsheets import canvas_csv, grades_csv, moodle_csv
from octlessons.grading.exports.view import (
    Graded,
    Standing,
    StudentView,
    strangers,
    view_of,
    views_of,
    warning_of,
)
from octlessons.grading.exports.writing import json_text
from octlessons.grading.records import UNSAFE
from octlessons.grading.submission import Submission

__all__ = [
    "UNSAFE",
    "Graded",
    "Place",
    "Standing",
    "StudentView",
    "classroom50_result",
    "gradescope_results",
    "strangers",
    "view_of",
    "views_of",
    "write_results",
    "write_student",
]


def write_results(result: Graded, out: Path, notices: Sequence[str] = ()) -> list[Path]:
    """Write the files of all students, and those of the class; give their paths.

    The overview names the `notices`, and links to ``similarity.html`` if it is there.
    """
    out = Path(out)
    pairs = views_of(result)
    views = [view for _, view in pairs]
    warning = warning_of(result, views)
    written = []
    for submission, view in pairs:
        written += _write_student(result, submission, view, out, None)
    similarity = (out / "similarity.html").is_file()
    files = {
        "grades.csv": grades_csv(result, views, warning),
        "moodle.csv": moodle_csv(pairs),
        "canvas.csv": canvas_csv(result, pairs, warning),
        "junit.xml": class_junit(result.assignment.title, views, warning),
        "overview.html": overview_html(result, views, warning, notices, similarity=similarity),
    }
    return written + _write(out, files)


def write_student(
    result: Graded, submission: Submission, out: Path, place: Place | None = None
) -> list[Path]:
    """Write the files of one student, into ``students/SLUG`` of the folder of results."""
    return _write_student(result, submission, view_of(result, submission), Path(out), place)


def _write_student(
    result: Graded, submission: Submission, view: StudentView, out: Path, place: Place | None
) -> list[Path]:
    place = place or Place(submission=submission.slug, moment=submission.submitted)
    files = {
        "index.html": student_html(result, view),
        "result.json": json_text(student_result(result, view)),
        "gradescope.json": json_text(gradescope_results(view)),
        "classroom50.json": json_text(classroom50_result(view, place)),
        "junit.xml": student_junit(view),
    }
    return _write(out / "students" / submission.slug, files)


def _write(folder: Path, files: dict[str, str]) -> list[Path]:
    for name, text in files.items():
        write_atomically(folder / name, text)
    return [folder / name for name in files]
