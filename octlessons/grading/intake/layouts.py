"""Whose files are whose: class folders, downloads from Moodle and Canvas, one student's work."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import load_catalogue
from octlessons.grading.intake.archives import KINDS, OTHER_KINDS, UNSAFE, opened
from octlessons.grading.intake.entries import (
    NOT_REGULAR,
    SYMBOLIC_LINK,
    Budget,
    Entry,
    Files,
    Unreadable,
    disk_entry,
    folder_files,
    is_ignored,
    open_regular,
    shown,
    unreadable,
)
from octlessons.grading.intake.works import SOURCES, ends_in, is_for
from octlessons.grading.text import clean

#: A file beside the students' folders that says when they handed in: ``student,submitted``.
TIMES = "times.csv"

_WORK = (*SOURCES, *KINDS, *OTHER_KINDS)
#: The folder with the exercises in a copy of the course.
EXERCISES = "exercises"

_LONGEST = 400  # characters of a name in which a pattern is looked for

# "Ana Li_1234567_assignsubmission_file_", as a folder or before a file's name
_MOODLE_FOLDER = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_[a-z]+_?", re.DOTALL)
_MOODLE_FILE = re.compile(
    r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_(?P<file>.+)", re.DOTALL
)
# "lianna_LATE_12345_67890_dark-part-1.py", "anon_aB3de_67890_x.py", "lianna_12345_text.html"
_CANVAS = re.compile(
    r"(?:(?P<name>.+?)_(?P<late>LATE_)?(?P<id>\d+)|(?P<late_anon>LATE_)?anon_(?P<anon>[^\W_]+))"
    r"_(?:\d+_(?P<file>.+)|(?P<page>text\.html|link\.html))",
    re.DOTALL,
)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

#: Gives the files of a student, given what to close at the end and how much may be read.
Part = Callable[[ExitStack, Budget], Files]


@dataclass(frozen=True)
class Who:
    """Whose a folder or file is, by its name.

    Attributes
    ----------
    raw : str
        The name without what says nothing about the student.
    name : str
        For people to read, clean.
    student : str
    ids : tuple of (str, str)
    file : str
        What the student called the file, where that is known.
    """

    raw: str
    name: str
    student: str
    ids: tuple[tuple[str, str], ...] = ()
    file: str = ""
    late: bool = False

    @property
    def key(self) -> tuple:
        """The same for everything of one student."""
        return self.ids, self.raw


@dataclass
class Student:
    """One student, and where the files are.

    Attributes
    ----------
    who : Who
    parts : list of Part
    late : bool
        Whether the download marks any of it as late.
    slug : str
    """

    who: Who
    parts: list[Part] = field(default_factory=list)
    late: bool = False
    slug: str = ""


def who(name: str, *, is_file: bool, exercises: Sequence[str] = ()) -> Who:
    """Tell from the name of a folder or file whose it is.

    Parameters
    ----------
    name : str
    is_file : bool
    exercises : sequence of str
        Where given, ``Ana Li_dark-part.py`` is Ana Li's.

    Returns
    -------
    Who
    """
    short = len(name) <= _LONGEST
    moodle = short and (_MOODLE_FILE if is_file else _MOODLE_FOLDER).fullmatch(name)
    if moodle:
        raw, number = f"{moodle['name']}_{moodle['id']}", moodle["id"]
        full = _shown_name(moodle["name"]) or number
        file = moodle["file"] if is_file else ""
        return Who(raw, full, number, (("moodle", number), ("full_name", full)), file)
    canvas = short and is_file and _CANVAS.fullmatch(name)
    if canvas:
        number = canvas["id"] or canvas["anon"]
        raw = "_".join(part for part in (canvas["name"] or "anon", number) if part)
        shown_as = _shown_name(canvas["name"] or f"anon {number}")
        file = canvas["file"] or canvas["page"]
        late = bool(canvas["late"] or canvas["late_anon"])
        return Who(raw, shown_as, number, (("canvas", number),), file, late)
    file = name if is_file else ""
    if is_file and short and (parts := ends_in(name, exercises)):
        name, file = parts
    elif is_file:
        suffix = next((end for end in _WORK if name.lower().endswith(end)), "")
        name = name[: len(name) - len(suffix)] or name
    full = _shown_name(name)
    address = _ADDRESS.search(full)
    return Who(name, full, address[0] if address else full, (), file)


def _shown_name(name: str) -> str:
    return clean(name, 200, one_line=True).strip()


# ---------------------------------------------------------------------- one or many


def is_one_student(paths: Iterable[str], exercises: Sequence[str], *, archive: bool) -> bool:
    """Decide whether files are one student's or a class's, by their paths.

    They are a class's if a name at the top is one that Moodle or Canvas gives. Otherwise they are
    one student's if an exercise lies at the top, in a folder ``exercises`` or in one named after
    its chapter; unless the same exercise lies in two other folders. Otherwise a folder is a
    class's; an archive is only if two of its folders hold Python files or notebooks, or two
    archives lie in it.

    Parameters
    ----------
    paths : iterable of str
        With ``/`` between folders.
    exercises : sequence of str
    archive : bool

    Returns
    -------
    bool
    """
    tops, folders, holders, archives, at_top = set(), set(), {}, 0, False
    chapters = {exercise: chapter(exercise) for exercise in exercises}
    for path in paths:
        parts = path.split("/")
        first, found = parts[0], is_for(parts[-1], exercises)
        if first not in tops and is_from_download(first):
            return False
        tops.add(first)
        if len(parts) == 1:
            at_top = at_top or found is not None
            archives += first.lower().endswith(KINDS)
            continue
        if parts[-1].lower().endswith(_WORK):
            folders.add(first)
        if found and first in (EXERCISES, chapters[found]):
            at_top = True
        elif found:
            holders.setdefault(found, set()).add(first)
    if at_top:
        return not any(len(where) > 1 for where in holders.values())
    return archive and len(folders) < 2 and archives < 2


def is_from_download(name: str) -> bool:
    """Whether Moodle or Canvas gave this name to a folder or file."""
    return any(who(name, is_file=is_file).ids for is_file in (False, True))


def chapter(exercise: str) -> str | None:
    """The name of the chapter of an exercise, if the course has it."""
    try:
        return load_catalogue()[exercise].chapter
    except OctlessonsError:
        return None


def is_one_students_folder(folder: str, exercises: Sequence[str]) -> bool:
    """Decide as `is_one_student` does, looking into folders only where the answer needs it."""
    if who(os.path.basename(folder), is_file=False).ids:
        return True
    try:
        with os.scandir(folder) as listing:
            items = [item for item in listing if not is_ignored(item.name)]
    except OSError:
        return False
    inner = {item.name for item in items if item.is_dir(follow_symlinks=False)}
    tops = [item.name for item in items if item.name not in inner]
    signs = {EXERCISES, *map(chapter, exercises)}
    if not signs & inner and not any(is_for(name, exercises) for name in tops):
        return False
    deep = [
        f"{name}/{entry.path}"
        for name in sorted(inner)
        for entry in folder_files(os.path.join(folder, name), ()).entries
    ]
    return is_one_student([*tops, *inner, *deep], exercises, archive=False)


# ---------------------------------------------------------------------- the parts of a class


def folder_part(folder: str, exercises: Sequence[str]) -> Part:
    """The files in a student's folder, and in archives in it."""
    wanted = [f"{exercise}{suffix}" for exercise in exercises for suffix in SOURCES]

    def find(stack: ExitStack, budget: Budget) -> Files:
        return opened(folder_files(folder, wanted), 1, budget, stack)

    return find


def file_part(entry: Entry, *, rounds: int = 2) -> Part:
    """One file, and what is in it if it is an archive."""

    def find(stack: ExitStack, budget: Budget) -> Files:
        return opened(Files([entry]), rounds, budget, stack)

    return find


def files_part(files: Files) -> Part:
    """Files that are known already, and what is in archives among them."""

    def find(stack: ExitStack, budget: Budget) -> Files:
        return opened(Files(list(files.entries), list(files.problems)), 1, budget, stack)

    return find


def students_in_folder(folder: str, exercises: Sequence[str]) -> list[Student]:
    """Group what lies in a class folder by student.

    Returns
    -------
    list of Student
        By slug.

    Raises
    ------
    OctlessonsError
        If the folder cannot be read.
    """
    students: dict[tuple, Student] = {}
    try:
        with os.scandir(folder) as listing:
            items = sorted(listing, key=lambda item: item.name)
    except OSError as error:
        raise OctlessonsError(f"{folder} cannot be read: {error.strerror or error}.") from error
    for item in items:
        if is_ignored(item.name):
            continue
        link = item.is_symlink()
        is_folder = item.is_dir()
        owner = who(item.name, is_file=not is_folder, exercises=exercises)
        if not is_folder and not owner.ids and not item.name.lower().endswith(_WORK):
            continue
        if link:
            problem = f"{shown(item.name)} {SYMBOLIC_LINK}"
            part = files_part(Files(problems=[problem]))
        elif is_folder:
            part = folder_part(item.path, exercises)
        elif item.is_file(follow_symlinks=False):
            part = file_part(disk_entry(owner.file, item.path))
        else:
            part = file_part(unreadable(owner.file, NOT_REGULAR))
        _add(students, owner, part)
    return _with_slugs(students)


def students_in_archive(files: Files, exercises: Sequence[str]) -> list[Student]:
    """Group the files of a class's archive by student.

    Returns
    -------
    list of Student
        By slug.
    """
    students: dict[tuple, Student] = {}
    folders: dict[str, Files] = {}
    alone: list[Entry] = []
    for entry in without_wrapper(files.entries):
        first, _, rest = entry.path.partition("/")
        if entry.problem == UNSAFE:
            continue
        if rest:
            folders.setdefault(first, Files()).entries.append(replace(entry, path=rest))
        elif entry.problem == NOT_REGULAR and not first.lower().endswith(_WORK):
            folders.setdefault(first, Files())  # a folder's own entry; there may be no other
        else:
            alone.append(entry)
    for entry in alone:
        owner = who(entry.path, is_file=True, exercises=exercises)
        if entry.path not in folders and (owner.ids or entry.path.lower().endswith(_WORK)):
            _add(students, owner, file_part(replace(entry, path=owner.file)))
    for name, inside in folders.items():
        _add(students, who(name, is_file=False), files_part(inside))
    return _with_slugs(students)


def without_wrapper(entries: list[Entry]) -> list[Entry]:
    """The entries without the one folder that everything lies in, if there is one."""
    tops = {entry.path.partition("/")[0] for entry in entries}
    if len(tops) != 1 or not any("/" in entry.path for entry in entries):
        return entries
    if is_from_download(next(iter(tops))):
        return entries
    return [
        replace(entry, path=entry.path.partition("/")[2]) for entry in entries if "/" in entry.path
    ]


def _add(students: dict[tuple, Student], owner: Who, part: Part) -> None:
    student = students.setdefault(owner.key, Student(owner))
    student.parts.append(part)
    student.late |= owner.late


# ---------------------------------------------------------------------- slugs


def slug(raw: str, length: int = 10) -> str:
    """Return a file name for a student that is safe everywhere.

    Names that had to be changed, or look as if they had been, end in a hash of the name as it
    was, so two names never become the same, whatever the case.

    Parameters
    ----------
    raw : str
    length : int
        Of the hash.

    Returns
    -------
    str
        ``[a-z0-9._-]``, at most 80 characters.
    """
    ascii_name = unicodedata.normalize("NFKD", raw[:200]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9._-]+", "-", ascii_name.lower()).strip("-._")
    device = re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name)
    if device:
        name = f"student-{name}"
    room = 79 - length
    if name == raw and name and len(name) <= room and not re.search(r"-[0-9a-f]{10,}$", name):
        return name
    digest = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:length]
    return f"{name[:room].strip('-._') or 'student'}-{digest}"


def _with_slugs(students: dict[tuple, Student]) -> list[Student]:
    found = list(students.values())
    for student in found:
        student.slug = slug(student.who.raw)
    same: dict[str, list[Student]] = {}
    for student in found:
        same.setdefault(student.slug, []).append(student)
    for group in same.values():
        if len(group) > 1:  # a plain folder called like one of Moodle's, say
            for student in group:
                student.slug = slug(f"{student.who.raw}\n{student.who.ids}", 40)
    return sorted(found, key=lambda student: student.slug)


def one_student(name: str, part: Part, *, is_file: bool) -> Student:
    """The student whose work is all there is."""
    owner = who(name, is_file=is_file)
    return Student(owner, [part], owner.late, slug(owner.raw))


# ---------------------------------------------------------------------- times


def times(data: bytes, where: str) -> dict[str, datetime]:
    """Read when students handed in.

    Parameters
    ----------
    data : bytes
        A CSV file with the columns ``student`` and ``submitted``: the name of the folder, the
        name, the number or the address, and a time as in ``2026-12-01T11:58:03+01:00``.
    where : str
        What to call it in errors.

    Returns
    -------
    dict of str to datetime
        By student, in small letters.

    Raises
    ------
    OctlessonsError
        If a line is wrong.
    """
    found: dict[str, datetime] = {}
    number = 1
    try:
        lines = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        if not {"student", "submitted"} <= set(lines.fieldnames or ()):
            raise ValueError("the columns student and submitted are needed")
        for line in lines:
            number = lines.line_num
            name = (line["student"] or "").strip().casefold()
            moment = datetime.fromisoformat((line["submitted"] or "").strip())
            if moment.tzinfo is None:
                raise ValueError("the time lacks its zone, such as Z or +01:00")
            if found.setdefault(name, moment) != moment:
                raise ValueError(f"{shown(name)} is there twice")
    except (ValueError, csv.Error) as error:
        raise OctlessonsError(f"{where}, line {number}: {error}.") from error
    return found


def times_in(folder: str) -> dict[str, datetime]:
    """Read the times beside the students' folders, if they are there."""
    file = os.path.join(folder, TIMES)
    if not os.path.lexists(file):
        return {}
    try:
        with open_regular(file) as stream:
            return times(stream.read(), file)
    except Unreadable as error:
        raise OctlessonsError(f"{file} {error}") from None
