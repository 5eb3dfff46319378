"""Pages that need nothing but themselves; the student's, and the same as JSON."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from octlessons._optional import need
from octlessons.figures.style import DARK, LIGHT, PALETTE
from octlessons.grading.exports.view import NOT_MARKED, WORDS, ExerciseView, Graded, StudentView
from octlessons.grading.exports.writing import json_number, one_line
from octlessons.grading.late import points_text, time_text
from octlessons.wording import count

if TYPE_CHECKING:
    from jinja2 import Environment

SCHEMA = "octlessons/student-result/v1"


def render(template: str, **values) -> str:
    """Fill in a template: every value is escaped, a name that the template misses is an error."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    jinja2 = need("jinja2", "Pages of marks are made with jinja2")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"points": points_text, "time": time_text}
    environment.globals |= {"count": count, "light": LIGHT, "dark": DARK, "palette": PALETTE}
    return environment


def student_html(result: Graded, view: StudentView) -> str:
    """Return the page of a student: HTML that stands alone."""
    return render(
        "student.html",
        title=one_line(result.assignment.title),
        work=view,
        words=WORDS,
        policy=result.assignment.late.sentences(),
        not_marked=NOT_MARKED,
        warning=view.warning,
        repeated=repeated,
    )


def student_result(result: Graded, view: StudentView) -> dict:
    """Return what the page says, for JSON; points are None where there is no mark."""
    content: dict = {"schema": SCHEMA, "assignment": one_line(result.assignment.title)}
    if view.warning:
        content["warning"] = view.warning
    return content | {
        "student": view.student,
        "name": view.name,
        "total": view.total,
        "max_points": view.max_points,
        "final": None if view.final is None else json_number(view.final),
        "late": {
            "days": view.late.days_late,
            "penalty_percent": json_number(view.late.penalty_percent),
            "note": view.late.note,
        },
        "exercises": [_exercise(exercise) for exercise in view.exercises],
    }


def repeated(exercise: ExerciseView) -> set[int]:
    """Return the places, from 1, of checks whose message stands at an earlier one already."""
    told = {exercise.problem.strip()} - {""}
    again = set()
    for number, check in enumerate(exercise.checks, start=1):
        if check.message in told:
            again.add(number)
        elif check.message:
            told.add(check.message)
    return again


def _exercise(exercise: ExerciseView) -> dict:
    content: dict = {
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
            "outcome": WORDS[check.outcome],
            "message": check.message,
            "points": check.points,
            "max_points": check.max_points,
            "hidden": check.hidden,
        }
        for check in exercise.checks
    ]
    return content
