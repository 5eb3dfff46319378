"""Submissions in: a folder, a zip file, a Moodle or Canvas download, one file; bytes only.

Nothing is unpacked to disk, imported or run, and no file of a submission can stop the others from
being read: what cannot be read becomes a sentence in `Work.problem`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime

from octlessons.errors import OctlessonsError
from octlessons.grading.intake.answers import SOURCES, read_answers
from octlessons.grading.intake.archives import (
    OF_A_CLASS,
    OF_A_STUDENT,
    TOO_MANY,
    ZIP,
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
    HandIn,
    Top,
    folder_of,
    folder_on_disk,
    hand_ins,
    one_hand_in,
    who,
)
from octlessons.grading.intake.times import TIMES, moments_of, read_times
from octlessons.grading.submission import Submission, Work

__all__ = ["iter_submissions", "read_submissions"]

#: What is said where reading a submission failed in a way that nobody thought of.
UNEXPECTED = "What was handed in could not be read"


def read_submissions(
    path: str | os.PathLike,
    exercise_ids: Sequence[str],
    *,
    single: bool = False,
    notice: Callable[[str], object] = str,
) -> list[Submission]:
    """Read the submissions of a class, or of one student; each has a `Work` for every exercise.

    A `path` is a class folder, with a folder or a ``.py``, ``.ipynb`` or zip file for each student;
    a zip file of it, which means the same; what Moodle or Canvas gives for "download all
    submissions", as it comes or unpacked; or one student's file, or folder with exercises in it
    (`layouts.hand_ins` has the rule; with `single` it is one student's, whatever it looks like). In
    a class folder ``times.csv`` (columns ``student,submitted``) may say when students handed in.
    `answers.read_answers` says which file belongs to which exercise.

    `notice` gets a sentence for the tutor about everything that fits nobody: files left out, two
    hand-ins under one name, lines of ``times.csv``. An `OctlessonsError` says that there are no
    submissions, ``times.csv`` is wrong, or a folder may be one student's or a class's; never what a
    student did in a folder or file of their own.
    """
    return list(iter_submissions(path, exercise_ids, single=single, notice=notice))


def iter_submissions(
    path: str | os.PathLike,
    exercise_ids: Sequence[str],
    *,
    single: bool = False,
    notice: Callable[[str], object] = str,
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
        tops: list[Top] = []
        if kind == stat.S_IFDIR:
            place, owner = folder_on_disk(file, exercises), who(name, is_file=False)
            found, tops = hand_ins(place, owner, exercises, notice, single=single)
        elif kind == stat.S_IFREG and name.lower().endswith(ZIP):
            found, tops = _of_archive(file, exercises, single, notice, stack)
        elif kind == stat.S_IFREG and name.lower().endswith(SOURCES):
            found = [one_hand_in(Top(name, disk_entry(name, file)), who(name, is_file=True))]
        else:
            raise OctlessonsError(
                f"{path} is neither a folder nor a .py, .ipynb or .zip file. Unpack another "
                "archive, and name its folder."
            )
        if not found:
            raise OctlessonsError(
                f"{path} holds no submissions: there should be a folder or a file for each student."
            )
        moments = _moments(os.fspath(path), tops, found, notice)
        found.reverse()
        while found:  # what belongs to a student is let go of afterwards
            made = found.pop()
            yield _submission(made, exercises, moments.get(_student(made)))


def _of_archive(
    file: str,
    exercises: Sequence[str],
    single: bool,
    notice: Callable[[str], object],
    stack: ExitStack,
) -> tuple[list[HandIn], list[Top]]:
    """Who handed in what an archive holds, and what lies at a class's top."""
    owner = who(os.path.basename(file), is_file=True)
    try:
        files = archive_files(stack.enter_context(open_regular(file)), OF_A_CLASS, stack)
        place = folder_of(owner.raw, files)
        found, tops = hand_ins(place, owner, exercises, notice, single=single)
        if len(found) < 2 and len(files.entries) > OF_A_STUDENT[0]:
            raise Unreadable(TOO_MANY)
    except Unreadable as error:
        problem = Files(problems=[f"{shown(os.path.basename(file))} {error}"])
        return [one_hand_in(folder_of(owner.raw, problem), owner)], []
    if not found and files.entries:  # nothing in it is anybody's, so all is what one student sent
        found = [one_hand_in(place, owner)]
    return found, tops


def _student(made: HandIn) -> str:
    """The same for all that one student handed in."""
    return repr((made.who.ids, made.who.raw))


def _moments(
    path: str, tops: Sequence[Top], found: Sequence[HandIn], notice: Callable[[str], object]
) -> dict[str, datetime]:
    """When students handed in, as ``times.csv`` at a class's top has it."""
    entry = next((top.entry for top in tops if top.name == TIMES), None)
    if entry is None:
        return {}
    where = os.path.join(path, TIMES)
    try:
        times = read_times(Budget().read(entry), where)
    except Unreadable as error:
        raise OctlessonsError(f"{where} {error}") from None
    students = {
        _student(made): (
            *(made.who.raw, made.who.name, made.who.student, made.slug),
            *dict(made.who.ids).values(),
        )
        for made in found
    }
    return moments_of(times, students, notice)


def _submission(made: HandIn, exercises: Sequence[str], submitted: datetime | None) -> Submission:
    owner, files, budget = made.who, Files(), Budget()
    with ExitStack() as stack:
        try:
            for part in made.parts:
                found = part(stack, budget)
                files.entries += found.entries
                files.problems += found.problems
            files.entries.sort(key=lambda entry: (entry.depth, entry.path))
            works = read_answers(files, exercises, budget, newest="canvas" in dict(owner.ids))
        except Exception as error:  # one student's files must not stop the class
            problem = f"{UNEXPECTED} ({type(error).__name__}). Hand it in again as plain files."
            works = {name: Work(name, problem=problem, unexpected=True) for name in exercises}
    name = owner.name or made.slug
    return Submission(
        name=name,
        slug=made.slug,
        works=works,
        submitted=submitted,
        student=owner.student or name,
        ids=dict(owner.ids),
    )
