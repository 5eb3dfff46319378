"""Submissions in: a folder, an archive, a Moodle or Canvas download, one file; bytes only.

Nothing is unpacked to disk, imported or run, and no file of a submission can stop the others from
being read: what cannot be read becomes a sentence in `Work.problem`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime

from octlessons.errors import OctlessonsError
from octlessons.grading.intake.archives import (
    KINDS,
    OF_A_CLASS,
    OF_A_STUDENT,
    TOO_MANY,
    archive_files,
)
from octlessons.grading.intake.entries import (
    Budget,
    Files,
    Unreadable,
    disk_entry,
    open_regular,
    shown,
)
from octlessons.grading.intake.layouts import (
    TIMES,
    Student,
    file_part,
    files_part,
    folder_part,
    is_one_student,
    is_one_students_folder,
    one_student,
    students_in_archive,
    students_in_folder,
    times,
    times_in,
    who,
    without_wrapper,
)
from octlessons.grading.intake.works import SOURCES, read_works
from octlessons.grading.submission import Submission, Work

__all__ = ["iter_submissions", "read_submissions"]

#: What is said where reading a submission failed in a way that nobody thought of.
UNEXPECTED = "What was handed in could not be read"


def read_submissions(
    path: str | os.PathLike, exercise_ids: Sequence[str], *, single: bool = False
) -> list[Submission]:
    """Read the submissions of a class, or of one student.

    Parameters
    ----------
    path : path
        One of

        - a class folder: for each student a folder, or a ``.py``, ``.ipynb``, zip or tar file
          (``ana.zip``, ``Ana Li_dark-part.py``); or a zip or tar(.gz) of it
        - what Moodle or Canvas gives for "download all submissions", as it comes or unpacked
        - one student's ``.py``, ``.ipynb``, zip or tar file, or folder with exercises in it
          (`layouts.is_one_student` has the rule).

        In a class folder a file ``times.csv`` (columns ``student,submitted``) may say when
        students handed in.
    exercise_ids : sequence of str
        Exercises of the assignment; `works.read_works` says which file belongs to which.
    single : bool
        Whether a folder or archive is one student's, whatever it looks like.

    Returns
    -------
    list of Submission
        By slug; each with a `Work` for every exercise.

    Raises
    ------
    OctlessonsError
        If there are no submissions, or ``times.csv`` is wrong. Never for what a student did.
    """
    return list(iter_submissions(path, exercise_ids, single=single))


def iter_submissions(
    path: str | os.PathLike, exercise_ids: Sequence[str], *, single: bool = False
) -> Iterator[Submission]:
    """Read submissions one after the other, as `read_submissions` does; only one is held."""
    exercises = list(exercise_ids)
    try:
        file = os.path.realpath(path)  # who grades may name a link, who hands in may not
        kind = stat.S_IFMT(os.stat(file).st_mode)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OctlessonsError(f"{path} cannot be read: {reason}. Name the submissions.") from error
    name = os.path.basename(file)
    with ExitStack() as stack:
        moments: dict[str, datetime] = {}
        if kind == stat.S_IFDIR:
            if single or is_one_students_folder(file, exercises):
                students = [one_student(name, folder_part(file, exercises), is_file=False)]
            else:
                students, moments = students_in_folder(file, exercises), times_in(file)
        elif kind == stat.S_IFREG and name.lower().endswith(KINDS):
            students, moments = _of_archive(file, exercises, single, stack)
        elif kind == stat.S_IFREG and name.lower().endswith(SOURCES):
            owner = who(name, is_file=True)
            students = [one_student(name, file_part(disk_entry(owner.file, file)), is_file=True)]
        else:
            raise OctlessonsError(
                f"{path} is neither a folder nor a .py, .ipynb, .zip, .tar or .tar.gz file."
            )
        if not students:
            raise OctlessonsError(
                f"{path} holds no submissions: there should be a folder or a file for each student."
            )
        students.reverse()
        while students:  # what belongs to a student is let go of afterwards
            yield _submission(students.pop(), exercises, moments)


def _of_archive(
    file: str, exercises: Sequence[str], single: bool, stack: ExitStack
) -> tuple[list[Student], dict[str, datetime]]:
    """The students whose work an archive holds, and when they handed in."""
    name = os.path.basename(file)
    try:
        stream = stack.enter_context(open_regular(file))
        files = archive_files(stream, name, OF_A_CLASS, stack)
    except Unreadable as error:
        files = Files(problems=[f"{shown(name)} {error}"])
        return [one_student(name, files_part(files), is_file=True)], {}
    inside = without_wrapper(files.entries)
    paths = [entry.path for entry in inside]
    if single or is_one_student(paths, exercises, archive=True):
        if len(inside) > OF_A_STUDENT.entries:
            files = Files(problems=[f"{shown(name)} {TOO_MANY}"])
        return [one_student(name, files_part(files), is_file=True)], {}
    moments: dict[str, datetime] = {}
    for entry in inside:
        if entry.path == TIMES:
            try:
                moments = times(Budget().read(entry), f"{TIMES} in {file}")
            except Unreadable as error:
                raise OctlessonsError(f"{TIMES} in {file} {error}") from None
    return students_in_archive(files, exercises), moments


def _submission(
    student: Student, exercises: Sequence[str], moments: Mapping[str, datetime]
) -> Submission:
    owner, files, budget = student.who, Files(), Budget()
    with ExitStack() as stack:
        try:
            for part in student.parts:
                files.add(part(stack, budget))
            files.entries.sort(key=lambda entry: (entry.depth, entry.path))
            works = read_works(files, exercises, budget, newest="canvas" in dict(owner.ids))
        except Exception as error:  # one student's files must not stop the class
            problem = f"{UNEXPECTED} ({type(error).__name__}). Hand it in again as plain files."
            works = {name: Work(name, problem=problem, unexpected=True) for name in exercises}
    name = owner.name or student.slug
    called = (owner.student, name, owner.raw.strip(), student.slug)
    return Submission(
        name=name,
        slug=student.slug,
        works=works,
        submitted=next((moments[c.casefold()] for c in called if c.casefold() in moments), None),
        student=owner.student or name,
        ids={**dict(owner.ids), **({"late": "yes"} if student.late else {})},
    )
