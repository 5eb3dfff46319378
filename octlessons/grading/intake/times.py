"""``times.csv``: when students handed in, as a tutor or a spreadsheet writes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from unicodedata import normalize

from octlessons.errors import OctlessonsError
from octlessons.grading.intake.entries import shown
from octlessons.grading.submission import name_key
from octlessons.wording import count, listing

#: The file beside the students' folders, with the columns ``student`` and ``submitted``.
TIMES = "times.csv"

_COLUMNS = ("student", "submitted")
_AS_IN = "write it as in 2026-12-01T11:58:03+01:00"
_MOST_NAMED = 10


def read_times(data: bytes, where: str) -> list[tuple[str, str, datetime | None]]:
    """Read the table: for each line where it stands, a name, and a time or None.

    Commas, semicolons or tabs part the columns; other columns and empty lines are passed over. An
    `OctlessonsError` says which line cannot be understood.
    """
    try:
        utf_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = data.decode("utf-16" if utf_16 else "utf-8").lstrip("\ufeff")
        lines = text.splitlines()
    except UnicodeDecodeError as error:
        raise OctlessonsError(f"{where} is not UTF-8 text: save it as “CSV UTF-8”.") from error
    first = next((line for line in lines if line.strip(" ,;\t")), "")
    table = csv.reader(
        io.StringIO("\n".join(lines), newline=""), delimiter=max(",;\t", key=first.count)
    )
    found: list[tuple[str, str, datetime | None]] = []
    seen: dict[str, datetime] = {}
    places: list[int] | None = None
    try:
        for line in table:
            place = f"{where}, line {table.line_num}"
            cells = [cell.strip() for cell in line]
            if not any(cells):
                continue
            if places is None:
                places = _columns(cells, place)
                continue
            name, text = (cells[i] if i < len(cells) else "" for i in places)
            moment = _moment(text, place) if text else None
            if moment is not None and seen.setdefault(_exact(name), moment) != moment:
                raise OctlessonsError(f"{place}: {shown(name)} is there twice; keep one.")
            found.append((place, name, moment))
    except csv.Error as error:
        raise OctlessonsError(f"{where}, line {table.line_num}: {error}.") from error
    if places is None:
        raise OctlessonsError(f"{where}, line 1: the columns {listing(_COLUMNS)} are missing.")
    return found


def moments_of(
    times: Sequence[tuple[str, str, datetime | None]],
    students: Mapping[str, Sequence[str]],
    notice: Callable[[str], object],
) -> dict[str, datetime]:
    """When each student handed in; and say which lines are nobody's.

    A name written exactly as a student's counts for that one; else names are compared as people do
    (`name_key`), and a line that then fits several students counts for none. `students` has by key
    all that a student is known by.
    """
    exact: dict[str, set[str]] = {}
    alike: dict[str, set[str]] = {}
    for student, names in students.items():
        for name in filter(None, names):
            exact.setdefault(_exact(name), set()).add(student)
            alike.setdefault(name_key(name), set()).add(student)
    found: dict[str, datetime] = {}
    for place, name, moment in times:
        fits = exact.get(_exact(name)) or alike.get(name_key(name), set())
        if moment is None:
            notice(f"{place}: there is no time for {shown(name)}, so it says nothing.")
        elif len(fits) > 1:
            notice(f"{place}: {shown(name)} fits {len(fits)} students, so it counts for none.")
        elif not fits:
            close = get_close_matches(name_key(name)[:80], [key[:80] for key in alike], 1, 0.7)
            meant = f" Is {shown(close[0])} meant?" if close else ""
            notice(f"{place}: {shown(name)} fits no student.{meant}")
        elif found.setdefault(next(iter(fits)), moment) != moment:
            raise OctlessonsError(f"{place}: {shown(name)} has another time already; keep one.")
    without = sorted(students[student][0] for student in students.keys() - found.keys())
    if times and without:
        names = listing([shown(name) for name in without[:_MOST_NAMED]])
        more = f" and {len(without) - _MOST_NAMED} more" if len(without) > _MOST_NAMED else ""
        notice(f"{TIMES} has no time for {count(len(without), 'student')}: {names}{more}.")
    return found


def _exact(name: str) -> str:
    return normalize("NFC", name).strip()


def _columns(cells: list[str], place: str) -> list[int]:
    names = [cell.casefold() for cell in cells]
    if any(names.count(column) != 1 for column in _COLUMNS):
        there = listing([f"“{shown(cell)}”" for cell in cells if cell])
        raise OctlessonsError(
            f"{place}: the columns {listing(_COLUMNS)} are needed, once each; there is {there}."
        )
    return [names.index(column) for column in _COLUMNS]


def _moment(text: str, place: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise OctlessonsError(f"{place}: “{shown(text)}” is no time; {_AS_IN}.") from error
    if moment.tzinfo is None:
        raise OctlessonsError(f"{place}: the time lacks its zone, such as Z; {_AS_IN}.")
    if not 1970 < moment.year < 9000:
        raise OctlessonsError(f"{place}: {shown(text)} is beyond the calendar; {_AS_IN}.")
    return moment
