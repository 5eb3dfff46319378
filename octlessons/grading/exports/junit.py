"""JUnit XML, for GitLab, Jenkins, CodeGrade and whatever else reads it."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from octlessons.grading.exports.view import NOT_MARKED, Exercise, Work, safe


def student_junit(work: Work) -> str:
    """Write the work of one student: a suite for each exercise, with what the code printed."""
    suites = [_suite(work, exercise, exercise.id, printed=True) for exercise in work.exercises]
    return _document(suites, work.slug, work.warning)


def class_junit(title: str, works: Sequence[Work], warning: str) -> str:
    """Write the class: a suite for each submission and exercise.

    Hidden checks have no content here either, because reports of this kind are often open to
    everybody who sees the pipeline; the records have all of it.
    """
    suites = [
        _suite(work, exercise, f"{work.slug}/{exercise.id}", printed=False)
        for work in works
        for exercise in work.exercises
    ]
    return _document(suites, title, warning)


def _suite(work: Work, exercise: Exercise, name: str, printed: bool) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=safe(name))
    properties = ElementTree.SubElement(suite, "properties")
    known = {
        "student": work.student,
        "points": "" if exercise.points is None else str(exercise.points),
        "max_points": "" if exercise.max_points is None else str(exercise.max_points),
        "outcome": str(exercise.standing),
        "warning": work.warning,
    }
    for key, value in known.items():
        if value:
            ElementTree.SubElement(properties, "property", name=key, value=safe(value))
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for check in exercise.checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=exercise.id, name=f"{check.number}. {check.title}"
        )
        counts["tests"] += 1
        if not check.passed:
            kind = "error" if check.stopped else "failure"
            counts["errors" if check.stopped else "failures"] += 1
            first = check.message.partition("\n")[0]
            what = ElementTree.SubElement(case, kind, message=first or check.word, type=check.word)
            what.text = check.message or check.word
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
