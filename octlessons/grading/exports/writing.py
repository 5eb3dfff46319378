"""Writes all files of a class run into the folder of results."""

from __future__ import annotations

import json
from pathlib import Path

from octlessons._files import write_atomically
from octlessons.grading.exports.canvas import canvas_csv
from octlessons.grading.exports.classlist import grades_csv
from octlessons.grading.exports.classroom50 import Place, classroom50_result
from octlessons.grading.exports.gradescope import gradescope_results
from octlessons.grading.exports.junit import class_junit, student_junit
from octlessons.grading.exports.moodle import moodle_csv
from octlessons.grading.exports.overview import overview_html
from octlessons.grading.exports.page import student_html, student_result
from octlessons.grading.exports.view import Graded, Work, warning_of, work_of, works_of
from octlessons.grading.submission import Submission


def write_results(result: Graded, out: Path) -> list[Path]:
    """Write the files of all students, and those of the class.

    Parameters
    ----------
    result : Graded
        A class run's result.
    out : Path
        The folder of results. If it has ``likeness.html``, the overview links to it.

    Returns
    -------
    list of Path
        What was written, each whole or not at all.
    """
    out = Path(out)
    pairs = works_of(result)
    works = [work for _, work in pairs]
    warning = warning_of(result, works)
    written = []
    for submission, work in pairs:
        written += _write_student(result, submission, work, out, None)
    files = {
        "grades.csv": grades_csv(result, works, warning),
        "moodle.csv": moodle_csv(pairs),
        "canvas.csv": canvas_csv(result, pairs, warning),
        "junit.xml": class_junit(result.assignment.title, works, warning),
        "overview.html": overview_html(
            result, works, warning, likeness=(out / "likeness.html").is_file()
        ),
    }
    return written + _write(out, files)


def write_student(
    result: Graded, submission: Submission, out: Path, place: Place | None = None
) -> list[Path]:
    """Write the files of one student, into ``students/SLUG`` of the folder of results.

    Parameters
    ----------
    result : Graded
    submission : Submission
    out : Path
        The folder of results.
    place : Place, optional
        What Classroom 50's runner tells. Without it these fields stay empty.

    Returns
    -------
    list of Path
        What was written.
    """
    return _write_student(result, submission, work_of(result, submission), Path(out), place)


def _write_student(
    result: Graded, submission: Submission, work: Work, out: Path, place: Place | None
) -> list[Path]:
    place = place or Place(submission=submission.slug, moment=submission.submitted)
    files = {
        "index.html": student_html(result, work),
        "result.json": _json(student_result(result, work)),
        "gradescope.json": _json(gradescope_results(work)),
        "classroom50.json": _json(classroom50_result(work, place)),
        "junit.xml": student_junit(work),
    }
    return _write(out / "students" / submission.slug, files)


def _json(content: dict) -> str:
    return json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _write(folder: Path, files: dict[str, str]) -> list[Path]:
    for name, text in files.items():
        write_atomically(folder / name, text)
    return [folder / name for name in files]
