"""Results as files: for the student, for the class, and for the systems that take marks in.

Whatever a student or another system gets to read is made from `view.StudentView`, which leaves out
what hidden checks hold: their names, titles, messages, inputs and expected values cannot get into a
page or a file, because they are not there. Only the overview, which is for the tutor, is made
from the records themselves.

An exercise that the grader failed to mark is never a zero: cells stay empty, scores are left out.
Nothing in these files tells when they were made, so two runs of the same class give the same
bytes; the overview alone has times.
"""

from octlessons.grading.exports.classroom50 import Place, classroom50_result
from octlessons.grading.exports.files import write_results, write_student
from octlessons.grading.exports.gradescope import gradescope_results
from octlessons.grading.exports.view import (
    Graded,
    Standing,
    StudentView,
    strangers,
    view_of,
    views_of,
)
from octlessons.grading.records import UNSAFE

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
