"""Classroom 50's ``result.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from octlessons.exercises.outcomes import Outcome
from octlessons.grading.exports.view import StudentView

SCHEMA = "classroom50/result/v1"

#: Schema of a file that must not be taken for a result.
NO_RESULT = "octlessons/no-mark/v1"


@dataclass(frozen=True)
class Place:
    """What Classroom 50's runner tells about a submission; `moment` is when it was handed in."""

    classroom: str = ""
    assignment: str = ""
    submission: str = ""
    commit: str = ""
    release: str = ""
    review: str = ""
    moment: datetime | None = None


def classroom50_result(view: StudentView, place: Place) -> dict:
    """The content of ``result.json``: whole points, before any policy on late work.

    If any exercise has no mark it is no result (`NO_RESULT`) and has no score: should it be taken
    all the same, the runner refuses it and reports an error, not a 0.
    """
    head = asdict(place)
    moment = head.pop("moment")
    head["review"] = place.review or place.commit
    head["datetime"] = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
    if view.warning:
        head["warning"] = view.warning
    if view.total is None:
        names = [exercise.id for exercise in view.unmarked]
        return {"schema": NO_RESULT, **head, "no-mark": names}
    tests = [
        {
            # Names tell the rows apart, so each has its number.
            "test-name": f"{exercise.id} {number}: {check.title}"[:200],
            "passed": check.outcome is Outcome.PASSED,
            "score": check.points,
            "max-score": check.max_points,
        }
        for exercise in view.exercises
        for number, check in enumerate(exercise.checks, start=1)
    ]
    if view.warning:
        tests.append({"test-name": view.warning, "passed": False, "score": 0, "max-score": 0})
    return {
        "schema": SCHEMA,
        **head,
        "score": view.total,
        "max-score": view.max_points,
        "tests": tests,
    }
