"""JUnit XML, for GitLab, Jenkins, CodeGrade and whatever else reads it."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from octlessons.exercises.outcomes import Outcome
from octlessons.grading.exports.view import NOT_MARKED, WORDS, ExerciseView, StudentView
from octlessons.grading.exports.writing import safe


def student_junit(view: StudentView) -> str:
    """Write the work of one student: a suite for each exercise, with what the code printed."""
    suites = [_suite(view, exercise, exercise.id, printed=True) for exercise in view.exercises]
    return _document(suites, view.slug, view.warning)


def class_junit(title: str, views: Sequence[StudentView], warning: str) -> str:
    """Write the class: a suite for each submission and exercise, hidden checks without content."""
    suites = [
        _suite(view, exercise, f"{view.slug}/{exercise.id}", printed=False)
        for view in views
        for exercise in view.exercises
    ]
    return _document(suites, title, warning)


def _suite(
    view: StudentView, exercise: ExerciseView, name: str, printed: bool
) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=safe(name))
    properties = ElementTree.SubElement(suite, "properties")
    known = {
        "student": view.student,
        "points": "" if exercise.points is None else str(exercise.points),
        "max_points": "" if exercise.max_points is None else str(exercise.max_points),
        "outcome": str(exercise.standing),
        "warning": view.warning,
    }
    for key, value in known.items():
        if value:
            ElementTree.SubElement(properties, "property", name=key, value=safe(value))
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for number, check in enumerate(exercise.checks, start=1):
        title = f"{number}. {check.title}"
        case = ElementTree.SubElement(suite, "testcase", classname=exercise.id, name=title)
        counts["tests"] += 1
        if check.outcome is not Outcome.PASSED:
            stopped = check.outcome in (Outcome.ERROR, Outcome.TIMED_OUT)
            counts["errors" if stopped else "failures"] += 1
            word = WORDS[check.outcome]
            message = check.message.partition("\n")[0] or word
            kind = "error" if stopped else "failure"
            what = ElementTree.SubElement(case, kind, message=message, type=word)
            what.text = check.message or word
    if exercise.points is None:
        case = ElementTree.SubElement(suite, "testcase", classname=exercise.id, name=exercise.title)
        ElementTree.SubElement(case, "skipped", message=NOT_MARKED)
        counts["tests"], counts["skipped"] = 1, 1
    for key, number in counts.items():
        suite.set(key, str(number))
    if printed and exercise.printed:
        ElementTree.SubElement(suite, "system-out").text = exercise.printed
    return suite


def _document(suites: Sequence[ElementTree.Element], name: str, warning: str) -> str:
    # The outermost element may not have properties, so its name says it.
    root = ElementTree.Element("testsuites", name=safe(f"{name} [{warning}]" if warning else name))
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.extend(suites)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'
