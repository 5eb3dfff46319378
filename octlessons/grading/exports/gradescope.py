"""Gradescope's ``results.json``."""

from __future__ import annotations

from octlessons.grading.exports.view import NOT_MARKED, Check, Exercise, Work
from octlessons.grading.late import points_text


def gradescope_results(work: Work) -> dict:
    """Return the content of ``/autograder/results/results.json``.

    Gradescope needs a score, for the whole or for every test. If any exercise has no mark there is
    none, and no tests: Gradescope then reports that the autograder failed, keeps no mark and lets
    the tutor run it again, which is what happened and what should be done. A 0 would be wrong.

    Hidden checks have the visibility ``hidden``; students see how many of them passed, not which.

    Parameters
    ----------
    work : Work

    Returns
    -------
    dict
        For JSON.
    """
    content: dict = {
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
    }
    if work.warning:
        content["warning"] = work.warning
    lines = [work.warning] if work.warning else []
    if work.total is None:
        lines += [f"{exercise.title}: {NOT_MARKED}" for exercise in work.unmarked]
        names = [exercise.id for exercise in work.unmarked]
        return {**content, "output": "\n".join(lines), "extra_data": {"no_mark": names}}
    lines += [_summary(exercise) for exercise in work.exercises]
    if work.late.note:
        lines.append(f"{work.late.note} {points_text(work.final)} of {work.max_points} count.")
    extra = {
        "total": work.total,
        "max_points": work.max_points,
        "days_late": work.late.days_late,
        "exercises": {exercise.id: exercise.standing for exercise in work.exercises},
    }
    tests = [
        _test(number, exercise, check)
        for number, exercise in enumerate(work.exercises, start=1)
        for check in exercise.checks
    ]
    return {
        **content,
        "score": json_number(work.final),
        "output": "\n".join(lines),
        "tests": tests,
        "extra_data": extra,
    }


def json_number(value) -> int | float:
    """Return points as JSON has them: whole if they are, else with at most four decimals."""
    text = points_text(value)
    return float(text) if "." in text else int(text)


def _summary(exercise: Exercise) -> str:
    text = f"{exercise.title}: {exercise.points} of {exercise.max_points} points"
    passed, there = exercise.hidden
    if there:
        text += f"; hidden checks: {passed} of {there} passed"
    return f"{text}\n{exercise.problem}" if exercise.problem else text


def _test(number: int, exercise: Exercise, check: Check) -> dict:
    return {
        "number": f"{number}.{check.number}",
        "name": f"{exercise.title}: {check.title}",
        "name_format": "text",
        "score": check.points,
        "max_score": check.max_points,
        "status": "passed" if check.passed else "failed",
        "output": check.message,
        "output_format": "text",
        "visibility": "hidden" if check.hidden else "visible",
        "tags": [exercise.id],
    }
