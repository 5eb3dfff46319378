"""Whose files are whose: class folders, downloads from Moodle and Canvas, one student's work.

A folder, a zip file of it, and a download mean the same: all become `Top`s, what lies at the top,
and one rule (`hand_ins`) says who handed in what.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import load_catalogue
from octlessons.grading.intake.answers import SOURCES, ends_in, is_for
from octlessons.grading.intake.archives import OTHER_KINDS, UNSAFE, ZIP, opened, visible
from octlessons.grading.intake.entries import (
    NOT_REGULAR,
    SYMBOLIC_LINK,
    Budget,
    Entry,
    Files,
    disk_entry,
    folder_files,
    is_ignored,
    is_junk,
    shown,
    unreadable,
)
from octlessons.grading.intake.times import TIMES
from octlessons.grading.submission import name_key
from octlessons.grading.text import sanitize
from octlessons.wording import listing

_WORK = (*SOURCES, ZIP, *OTHER_KINDS)
_EXERCISES = "exercises"  # the folder of exercises in a copy of the course
_LONGEST = 400  # characters of a name in which a pattern is looked for

# "Ana Li_1234567_assignsubmission_file_", as a folder or before a file's name
_MOODLE_FOLDER = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_[a-z]+_?", re.DOTALL)
_MOODLE_FILE = re.compile(
    r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_(?P<file>.+)", re.DOTALL
)
# "lianna_LATE_12345_67890_dark-part-1.py", "anon_aB3de_67890_x.py", "lianna_12345_text.html"
_CANVAS = re.compile(
    r"(?:(?P<name>.+?)_(?:LATE_)?(?P<id>\d+)|(?:LATE_)?anon_(?P<anon>[^\W_]+))"
    r"_(?:\d+_(?P<file>.+)|(?P<page>text\.html|link\.html))",
    re.DOTALL,
)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

Notice = Callable[[str], object]

#: Gives the files of a student, given what to close at the end and how much may be read.
Part = Callable[[ExitStack, Budget], Files]


@dataclass(frozen=True)
class Who:
    """Whose a folder or file is, by its name.

    `raw` is the name without what says nothing about the student, `name` the same for people,
    `student` what identifies; `ids` are numbers of Moodle or Canvas, `file` is the file's own name.
    """

    raw: str
    name: str
    student: str
    ids: tuple[tuple[str, str], ...] = ()
    file: str = ""


@dataclass
class HandIn:
    """What one student handed in; `slug` is a file name for it that is safe everywhere."""

    who: Who
    parts: list[Part] = field(default_factory=list)
    slug: str = ""


@dataclass(frozen=True)
class Top:
    """What lies at the top of a folder or archive: the `entry` of a file, or a folder.

    Of a folder, ``files()`` gives the files in it, and ``below()`` what lies at its top.
    """

    name: str
    entry: Entry | None = None
    files: Callable[[], Files] | None = None
    below: Callable[[], list[Top]] = list

    def part(self, file: str) -> Part:
        """Reads it, archives opened; a file is called `file` then."""
        if self.files is not None:
            inside = self.files
            return lambda stack, budget: opened(visible(inside()), 1, budget, stack)
        entry = replace(self.entry, path=file) if self.entry else unreadable(file, NOT_REGULAR)
        return lambda stack, budget: opened(Files([entry]), 2, budget, stack)


def who(name: str, *, is_file: bool, exercises: Sequence[str] = ()) -> Who:
    """Tell from the name of a folder or file whose it is: ``Ana Li_dark-part.py`` is Ana Li's."""
    short = len(name) <= _LONGEST
    moodle = (_MOODLE_FILE if is_file else _MOODLE_FOLDER).fullmatch(name) if short else None
    if moodle:
        raw, number = f"{moodle['name']}_{moodle['id']}", moodle["id"]
        full = _shown_name(moodle["name"]) or number
        file = moodle["file"] if is_file else ""
        return Who(raw, full, number, (("moodle", number), ("full_name", full)), file)
    canvas = _CANVAS.fullmatch(name) if short and is_file else None
    if canvas:
        number = canvas["id"] or canvas["anon"]
        raw = "_".join(part for part in (canvas["name"] or "anon", number) if part)
        shown_as = _shown_name(canvas["name"] or f"anon {number}")
        return Who(raw, shown_as, number, (("canvas", number),), canvas["file"] or canvas["page"])
    file = name if is_file else ""
    if is_file and short and (parts := ends_in(name, exercises)):
        name, file = parts
    elif is_file:
        suffix = next((end for end in _WORK if name.lower().endswith(end)), "")
        name = name[: len(name) - len(suffix)].removesuffix(".tar") or name
    full = _shown_name(name)
    address = _ADDRESS.search(full)
    return Who(name, full, address[0] if address else full, (), file)


def _shown_name(name: str) -> str:
    return sanitize(name, 200, one_line=True).strip()


def tops_of_folder(folder: str, exercises: Sequence[str]) -> list[Top]:
    """What lies at the top of a folder on disk; an `OctlessonsError` if it cannot be read."""
    try:
        with os.scandir(folder) as found:
            items = sorted(found, key=lambda item: item.name)
    except OSError as error:
        raise OctlessonsError(f"{folder} cannot be read: {error.strerror or error}.") from error
    return [_top_on_disk(item, exercises) for item in items]


def _top_on_disk(item: os.DirEntry, exercises: Sequence[str]) -> Top:
    if item.is_symlink() and item.is_dir():
        problem = Files(problems=[f"{shown(item.name)} {SYMBOLIC_LINK}"])
        return folder_of(item.name, problem)
    if item.is_symlink():
        return Top(item.name, unreadable(item.name, SYMBOLIC_LINK))
    if item.is_dir():
        return folder_on_disk(item.path, exercises)
    regular = item.is_file(follow_symlinks=False)
    made = disk_entry(item.name, item.path) if regular else unreadable(item.name, NOT_REGULAR)
    return Top(item.name, made)


def tops_of_files(files: Files) -> list[Top]:
    """What lies at the top of an archive."""
    folders: dict[str, Files] = {}
    alone: list[Entry] = []
    for entry in files.entries:
        first, _, rest = entry.path.partition("/")
        if entry.problem == UNSAFE:
            continue
        if rest:
            folders.setdefault(first, Files()).entries.append(replace(entry, path=rest))
        elif entry.problem == NOT_REGULAR and not first.lower().endswith(_WORK):
            folders.setdefault(first, Files())  # a folder's own entry; there may be no other
        else:
            alone.append(entry)
    tops = [Top(entry.path, entry) for entry in alone if entry.path not in folders]
    tops += [folder_of(name, inside) for name, inside in folders.items()]
    return sorted(tops, key=lambda top: top.name)


def folder_of(name: str, inside: Files) -> Top:
    """A folder or archive whose files are known."""
    return Top(name, files=lambda: inside, below=lambda: tops_of_files(inside))


def folder_on_disk(path: str, exercises: Sequence[str]) -> Top:
    """A folder that is looked into when it is asked."""
    wanted = [f"{exercise}{suffix}" for exercise in exercises for suffix in SOURCES]
    return Top(
        os.path.basename(path),
        files=lambda: folder_files(path, wanted),
        below=lambda: tops_of_folder(path, exercises),
    )


def hand_ins(
    place: Top, owner: Who, exercises: Sequence[str], notice: Notice, *, single: bool = False
) -> tuple[list[HandIn], list[Top]]:
    """Say who handed in what lies in a folder or archive, and give a class's tops, too.

    It is a class's if a name at the top is one that Moodle or Canvas gives. Otherwise it is one
    student's if an exercise lies at the top, in a folder ``exercises`` or in one named after its
    chapter; unless the same exercise lies in two other folders. Otherwise it is a class's, with a
    folder or file for each student. A folder around a class, as zip programs make one, plays no
    part. Where there are signs of both, nothing is guessed.

    `owner` is whose it is by its name, should it be one student's; with `single` it certainly is.
    `notice` gets a sentence for the tutor about everything that is nobody's. An `OctlessonsError`
    asks the tutor where it could be one student's or a class's.
    """
    if single or owner.ids:
        return [one_hand_in(place, owner)], []
    tops = place.below()
    seen = [top for top in tops if not is_ignored(top.name)]
    sign, others = _signs(seen, exercises)
    if sign and others:
        raise OctlessonsError(
            f"{shown(place.name)} holds {shown(sign)}, as one student's work does, and "
            f"{shown(min(others))}, as a class does. If it is one student's, add --single; if it "
            f"is a class, put {shown(sign)} into a folder with its student's name."
        )
    if sign:
        return [one_hand_in(place, owner)], []
    folder = seen[0].name if len(seen) == 1 and seen[0].files else ""
    verdict = _is_class(seen[0], exercises) if folder else False
    if folder and (verdict or folder == owner.raw):
        notice(f"All of it lies in the folder {shown(folder)}: what is in that is graded.")
        return hand_ins(seen[0], who(folder, is_file=False), exercises, notice)
    if verdict is None:
        notice(
            f"All of it lies in the folder {shown(folder)}, which is graded as one student's. If "
            "it holds a class, unpack it and name that folder."
        )
    return _of_class(tops, exercises, notice), tops


def one_hand_in(place: Top, owner: Who) -> HandIn:
    """All of a folder, archive or file as one student's."""
    return HandIn(owner, [place.part(owner.file)], slug(owner.raw))


def _signs(tops: Sequence[Top], exercises: Sequence[str]) -> tuple[str, list[str]]:
    """A file that shows that it is one student's, if there is one, and all that speaks against."""
    chapters = {exercise: chapter(exercise) for exercise in exercises}
    loose = {top.name: is_for(top.name, exercises) for top in tops if not top.files}
    sign = next((file for file, exercise in loose.items() if exercise), "")
    named = any(top.files and top.name in (_EXERCISES, *chapters.values()) for top in tops)
    if not (sign or named) or any(_from_download(top.name) for top in tops):
        return "", []
    others: dict[str, dict[str, str]] = {}  # by exercise and folder, where it lies
    for top in tops:
        for path in _paths(top):
            exercise = is_for(path.rsplit("/", 1)[-1], exercises)
            if exercise and top.name in (_EXERCISES, chapters[exercise]):
                sign = sign or f"{top.name}/{path}"
            elif exercise:
                others.setdefault(exercise, {}).setdefault(top.name, f"{top.name}/{path}")
    if any(len(where) > 1 for where in others.values()):
        return "", []
    owned = {file: parts[0] for file in loose if (parts := ends_in(file, exercises))}
    of_class = [path for where in others.values() for path in where.values()]
    of_class += [file for file in loose if file.lower().endswith(ZIP)]
    of_class += owned if len(set(owned.values())) > 1 else []
    return sign, of_class


def _is_class(folder: Top, exercises: Sequence[str], deeper: int = 3) -> bool | None:
    """Whether what lies in the only folder there is is a class's; None if it does not show."""
    try:
        tops = [top for top in folder.below() if not is_ignored(top.name)] if folder.files else []
    except OctlessonsError:  # a student's folder may be of any kind
        return False
    if not tops or _from_download(folder.name) or _signs(tops, exercises)[0]:
        return False
    if any(_from_download(top.name) for top in tops):
        return True
    if len(tops) == 1:
        return _is_class(tops[0], exercises, deeper - 1) if deeper else None
    holders: dict[str, set[str]] = {}
    for top in tops:
        for path in _paths(top):
            holders.setdefault(path.rsplit("/", 1)[-1], set()).add(top.name)
    if any(len(found) > 1 for found in holders.values()):
        return True
    loose = [top.name for top in tops if not top.files]
    owned = [parts[0] for name in loose if (parts := ends_in(name, exercises))]
    ends = (*SOURCES, ZIP) if len(exercises) == 1 else (ZIP,)
    handed_in = {name for name in loose if name.lower().endswith(ends)} | set(owned)
    several = len(handed_in) > 1 or len(owned) > len(set(owned))
    return True if several else None


def _paths(top: Top) -> list[str]:
    """The files in a folder that may be somebody's work."""
    entries = visible(top.files()).entries if top.files else []
    return [entry.path for entry in entries if entry.name.lower().endswith(_WORK)]


def _from_download(name: str) -> bool:
    """Whether Moodle or Canvas gave this name to a folder or file."""
    return any(who(name, is_file=is_file).ids for is_file in (False, True))


def chapter(exercise: str) -> str | None:
    """The name of the chapter of an exercise, if the course has it."""
    try:
        return load_catalogue()[exercise].chapter
    except OctlessonsError:
        return None


def _of_class(tops: Sequence[Top], exercises: Sequence[str], notice: Notice) -> list[HandIn]:
    """Group by student, and say what is left out.

    What Moodle or Canvas gave one number is one student's. Otherwise loose files ``NAME_ID.py``
    for different exercises are one hand-in. Whatever else has the same name is a hand-in of its
    own: anybody can call a file so, and nobody is to lose by it.
    """
    groups: dict[tuple, list[tuple[Top, Who]]] = {}
    out = []
    for top in tops:
        owner = who(top.name, is_file=not top.files, exercises=exercises)
        if is_ignored(top.name):
            out += [top.name] if top.files and not is_junk(top.name) else []
        elif top.files or owner.ids or top.name.lower().endswith(_WORK):
            groups.setdefault((owner.ids, owner.raw), []).append((top, owner))
        elif top.name != TIMES:
            out.append(top.name)
    if out:
        notice(
            f"Left out, as nothing there is read as a student's work: {listing(map(shown, out))}. "
            "Rename what is a student's."
        )
    found: list[HandIn] = []
    for members in groups.values():
        parts = [members] if members[0][1].ids else _apart(members, exercises)
        names = [" and ".join(top.name for top, _ in part) for part in parts]
        if len(parts) > 1:
            notice(
                f"{len(parts)} hand-ins have the name {members[0][1].name}: "
                f"{listing(map(shown, names))}. They are marked apart: find out whose each is."
            )
        for part, name in zip(parts, names, strict=True):
            owner = part[0][1]
            made = HandIn(owner, slug=slug(owner.raw))
            if len(parts) > 1:
                made.who = replace(owner, name=f"{owner.name} ({_shown_name(name)})"[:200])
                made.slug = slug(f"{owner.raw}\n{name}")
            made.parts = [top.part(one.file) for top, one in part]
            found.append(made)
    _tell_alike(found, notice)
    return _with_slugs(found)


def _apart(members: list[tuple[Top, Who]], exercises: Sequence[str]) -> list[list]:
    loose, rest = [], []
    taken: set[str | None] = set()
    for top, owner in members:
        exercise = is_for(owner.file, exercises) if owner.file != top.name else None
        if exercise and exercise not in taken:
            taken.add(exercise)
            loose.append((top, owner))
        else:
            rest.append([(top, owner)])
    return [*([loose] if loose else []), *rest]


def _tell_alike(found: Sequence[HandIn], notice: Notice) -> None:
    """Name students whom a person would take for one."""
    same: dict[str, dict[str, None]] = {}
    for made in found:
        if not made.who.ids:
            same.setdefault(name_key(made.who.raw), {})[made.who.raw] = None
    for names in same.values():
        if len(names) > 1:
            notice(
                f"{listing(map(shown, names))}: one student or {len(names)}? They are marked "
                "apart; in grades.csv the slug tells them from one another."
            )


def slug(raw: str, length: int = 10) -> str:
    """A safe file name for a student, ``[a-z0-9._-]``, at most 80 characters.

    Names that had to be changed, or look as if, end in a hash: two never become the same.
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


def _with_slugs(found: list[HandIn]) -> list[HandIn]:
    same: dict[str, list[HandIn]] = {}
    for made in found:
        same.setdefault(made.slug, []).append(made)
    for group in same.values():
        if len(group) > 1:  # a plain folder called like one of Moodle's, say
            for made in group:
                made.slug = slug(f"{made.who.raw}\n{made.who.ids}", 40)
    return sorted(found, key=lambda made: made.slug)
