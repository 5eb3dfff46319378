"""Gradescope's ``results.json``."""

from __future__ import annotations

from octlessons.exercises.outcomes import CheckResult, Outcome
from octlessons.grading.exports.view import NOT_MARKED, ExerciseView, StudentView
from octlessons.grading.exports.writing import json_number
from octlessons.grading.late import points_text


def gradescope_results(view: StudentView) -> dict:
    """The content of ``results.json``; of hidden checks students see how many passed, not which.

    Gradescope needs a score. If any exercise has no mark there is none, and no tests: it then says
    that the autograder failed, keeps no mark and lets the tutor run it again. A 0 would be wrong.
    """
    content = {"output_format": "text", "visibility": "visible", "stdout_visibility": "hidden"}
    if view.warning:
        content["warning"] = view.warning
    lines = [view.warning] if view.warning else []
    if view.final is None:
        lines += [f"{exercise.title}: {NOT_MARKED}" for exercise in view.unmarked]
        names = [exercise.id for exercise in view.unmarked]
        return {**content, "output": "\n".join(lines), "extra_data": {"no_mark": names}}
    lines += [_summary(exercise) for exercise in view.exercises]
    if view.late.note:
        lines.append(f"{view.late.note} {points_text(view.final)} of {view.max_points} count.")
    extra = {
        "total": view.total,
        "max_points": view.max_points,
        "days_late": view.late.days_late,
        "exercises": {exercise.id: exercise.standing for exercise in view.exercises},
    }
    tests = [
        _test(f"{number}.{among}", exercise, check)
        for number, exercise in enumerate(view.exercises, start=1)
        for among, check in enumerate(exercise.checks, start=1)
    ]
    return {
        **content,
        "score": json_number(view.final),
        "output": "\n".join(lines),
        "tests": tests,
        "extra_data": extra,
    }


def _summary(exercise: ExerciseView) -> str:
    text = f"{exercise.title}: {exercise.points} of {exercise.max_points} points"
    passed, there = exercise.hidden
    if there:
        text += f"; hidden checks: {passed} of {there} passed"
    return f"{text}\n{exercise.problem}" if exercise.problem else text


def _test(number: str, exercise: ExerciseView, check: CheckResult) -> dict:
    return {
        "number": number,
        "name": f"{exercise.title}: {check.title}",
        "name_format": "text",
        "score": check.points,
        "max_score": check.max_points,
        "status": "passed" if check.outcome is Outcome.PASSED else "failed",
        "output": check.message,
        "output_format": "text",
        "visibility": "hidden" if check.hidden else "visible",
        "tags": [exercise.id],
    }
