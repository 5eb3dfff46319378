"""The student's page, and the same as JSON."""

from __future__ import annotations

from octlessons.grading.exports.gradescope import json_number
from octlessons.grading.exports.rendering import render
from octlessons.grading.exports.view import NOT_MARKED, Exercise, Graded, Work, one_line

SCHEMA = "octlessons/student-result/v1"


def student_html(result: Graded, work: Work) -> str:
    """Return the page of a student.

    Parameters
    ----------
    result : Graded
        For title and late policy.
    work : Work

    Returns
    -------
    str
        HTML that stands alone.
    """
    return render(
        "student.html",
        title=one_line(result.assignment.title),
        work=work,
        policy=result.assignment.late.sentences(),
        not_marked=NOT_MARKED,
        warning=work.warning,
        repeated=repeated,
    )


def student_result(result: Graded, work: Work) -> dict:
    """Return what the page says as plain data.

    Returns
    -------
    dict
        For JSON. Points that there are not, because there is no mark, are None.
    """
    content: dict = {"schema": SCHEMA, "assignment": one_line(result.assignment.title)}
    if work.warning:
        content["warning"] = work.warning
    return content | {
        "student": work.student,
        "name": work.name,
        "total": work.total,
        "max_points": work.max_points,
        "final": None if work.final is None else json_number(work.final),
        "late": {
            "days": work.late.days_late,
            "penalty_percent": json_number(work.late.penalty_percent),
            "note": work.late.note,
        },
        "exercises": [_exercise(exercise) for exercise in work.exercises],
    }


def repeated(exercise: Exercise) -> set[int]:
    """Return the numbers of the checks whose message stands at an earlier check already."""
    told = {exercise.problem.strip()} - {""}
    again = set()
    for check in exercise.checks:
        if check.message in told:
            again.add(check.number)
        elif check.message:
            told.add(check.message)
    return again


def _exercise(exercise: Exercise) -> dict:
    content = {
        "id": exercise.id,
        "title": exercise.title,
        "outcome": exercise.standing,
        "points": exercise.points,
        "max_points": exercise.max_points,
        "file": exercise.file,
        "problem": exercise.problem,
        "printed": exercise.printed,
    }
    if exercise.points is None:
        content["note"] = NOT_MARKED
    content["checks"] = [
        {
            "title": check.title,
            "outcome": check.word,
            "message": check.message,
            "points": check.points,
            "max_points": check.max_points,
            "hidden": check.hidden,
        }
        for check in exercise.checks
    ]
    return content
