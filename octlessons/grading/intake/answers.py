"""Which file of a submission is the answer to which exercise, and its source as text."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import load_catalogue
from octlessons.exercises.source import (
    APART,
    Cell,
    is_untouched,
    joined,
    notebook_cells,
    percent_cells,
    python_source,
)
from octlessons.grading.intake.archives import OTHER_KINDS
from octlessons.grading.intake.entries import NOT_REGULAR, Budget, Entry, Files, Unreadable
from octlessons.grading.submission import Work
from octlessons.grading.text import sanitize
from octlessons.wording import listing

SOURCES = (".py", ".ipynb")

#: Tag of notebook cells that go before the answer to every exercise.
SETUP = "setup"

_MOST_CANDIDATES = 8  # files looked at for one exercise
_MOST_MARKED = 40  # files looked through for marked cells
_MOST_NAMED = 60  # names compared with that of a missing exercise

_WRITTEN = re.compile(rb"""("\s*)%%(?:writefile|file)[ ]+[^"\\\s]+\.py[ ]*("|\\n|\\r)""")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# "dark-part (1)", "dark-part-1", "dark-part - Copy", "dark-part - Kopie (2)"
_COPY = re.compile(
    r"(?P<stem>.*?[^- ])(?:-*\((?P<browser>\d{1,3})\)|-(?P<canvas>\d{1,3})"
    r"|-+(?:copy|kopie|copie|copia)(?:-*\(?\d{0,3}\)?)?)"
)


def read_answers(
    files: Files, exercises: Sequence[str], budget: Budget, *, newest: bool = False
) -> dict[str, Work]:
    """Find and read the answer to every exercise.

    A file belongs to an exercise by its name: ``ID.py`` or ``ID.ipynb``, in small or capital
    letters, with spaces or underscores for hyphens; failing that a copy (``ID (1).py``,
    ``ID-1.py``, ``ID - Copy.py``); failing that a name that ends so (``li_ID.py``). Of several,
    the one least deep in folders counts, the ``.py`` before the ``.ipynb``; but one that is not
    as it was given out goes before one that is. Without such a file, cells that are marked for
    the exercise count, and before them all cells tagged ``setup``; no other cell is part of it.
    Where there is only one exercise and only one Python file or notebook, that is it, whatever
    its name. With `newest`, ``ID-2.py`` is a later version than ``ID.py`` (as in Canvas).
    """
    search = _Search(files, exercises, budget, newest)
    return {exercise: search.work(exercise) for exercise in exercises}


def is_for(name: str, exercises: Iterable[str]) -> str | None:
    """Return the exercise that a file belongs to by its name, copies included."""
    found = _belongs(name, _by_plain_name(tuple(exercises)))
    return found[0] if found and found[1] < 3 else None


def ends_in(name: str, exercises: Iterable[str]) -> tuple[str, str] | None:
    """Split ``Ana Li_dark-part.py`` into ``Ana Li`` and ``dark-part.py``."""
    stem, suffix = _split(name)
    if suffix not in SOURCES or len(name) > 255 or is_for(name, exercises):
        return None
    for exercise in sorted(exercises, key=len, reverse=True):
        words = r"[\s_-]".join(map(re.escape, exercise.split("-")))
        if found := re.fullmatch(rf"(.*[^\s_-])[\s_-]+({words})", stem, re.IGNORECASE):
            return found[1], found[2] + suffix
    return None


class _Search:
    """The files of one submission, and what has been read of them."""

    def __init__(self, files: Files, exercises: Sequence[str], budget: Budget, newest: bool):
        self._files, self._ids, self._budget, self._newest = files, exercises, budget, newest
        self._named: dict[str, list[tuple[tuple, Entry]]] = {}
        self._others: list[Entry] = []
        plain = _by_plain_name(tuple(exercises))
        for entry in files.entries:
            if found := _belongs(entry.name, plain):
                rank = self._rank(entry, *found[1:])
                self._named.setdefault(found[0], []).append((rank, entry))
            elif not entry.problem.endswith(NOT_REGULAR):  # folders, mostly
                self._others.append(entry)
        self._marked: list[tuple[Entry, list[Cell]]] | None = None
        self._broken: list[str] = []

    def _rank(self, entry: Entry, rank: int, number: int) -> tuple:
        version = (rank == 3, -number, rank) if self._newest else (rank, number)
        notebook = entry.name.lower().endswith(".ipynb")
        return bool(entry.problem), *version, entry.depth, notebook, entry.path

    def work(self, exercise: str) -> Work:
        named = sorted(self._named.get(exercise, ()), key=lambda pair: pair[0])
        if named:
            return self._named_work(exercise, [entry for _, entry in named])
        for entry, cells in self._with_marks():
            chosen = _marked_for(cells, exercise)
            if chosen:
                setup = [cell for cell in cells if SETUP in cell.tags and cell not in chosen]
                return Work(exercise, entry.shown, joined(setup + chosen))
        sources = [entry for entry in self._files.entries if _split(entry.name)[1] in SOURCES]
        if len(self._ids) == 1 and len(sources) == 1 and not self._broken:
            return self._one(exercise, sources[0])
        problems = self._broken + self._files.problems
        if problems:
            return Work(exercise, "", None, sanitize(" ".join(problems[:3])))
        return Work(exercise, "", None, self._missing(exercise), missing=True)

    def _named_work(self, exercise: str, entries: list[Entry]) -> Work:
        works = []
        for entry in entries[:_MOST_CANDIDATES]:
            work = self._one(exercise, entry)
            if len(entries) == 1 or not _as_given_out(exercise, entry.name, work.source):
                return work
            works.append(work)
        return works[0]

    def _one(self, exercise: str, entry: Entry) -> Work:
        try:
            data = _without_utf_16(self._budget.read(entry))
            if entry.name.lower().endswith(".ipynb"):
                source = joined(_answer(_cells(data, entry.shown), exercise))
            else:
                source = python_source(data, entry.shown)
        except Unreadable as problem:
            return Work(exercise, entry.shown, None, f"{entry.shown} {problem}")
        except OctlessonsError as problem:
            return Work(exercise, entry.shown, None, sanitize(str(problem)))
        return Work(exercise, entry.shown, source)

    def _with_marks(self) -> list[tuple[Entry, list[Cell]]]:
        """All files whose cells can be marked; read when first asked for."""
        if self._marked is None:
            self._marked = []
            entries = [e for e in self._files.entries if _split(e.name)[1] in SOURCES]
            for entry in entries[:_MOST_MARKED]:
                notebook = entry.name.lower().endswith(".ipynb")
                try:
                    data = _without_utf_16(self._budget.read(entry))
                    if notebook:
                        cells = _cells(data, entry.shown)
                    elif b"# %%" in data or b"#%%" in data:
                        cells = percent_cells(python_source(data, entry.shown))
                    else:
                        continue
                except (Unreadable, OctlessonsError) as problem:
                    if notebook and entry in self._others:
                        whole = isinstance(problem, OctlessonsError)
                        self._broken.append(str(problem) if whole else f"{entry.shown} {problem}")
                else:
                    self._marked.append((entry, cells))
        return self._marked

    def _missing(self, exercise: str) -> str:
        text = f"There is no file for {exercise}; hand in {exercise}.py or {exercise}.ipynb."
        names: dict[str, str] = {}
        for entry in self._others[:_MOST_NAMED]:
            names.setdefault(_plain(_split(entry.name)[0])[:80], entry.shown)
        close = get_close_matches(_plain(exercise), list(names), 1, 0.7)
        lessons = [e.shown for e, _ in self._marked or () if e.name.lower().endswith(".ipynb")]
        others = [e.shown for e in self._others if e.name.lower().endswith(OTHER_KINDS)]
        found = names[close[0]] if close else ""
        if found.lower().endswith((".html", ".htm", ".pdf")):
            text += f" Found {found}, a print of the notebook: hand in the notebook itself."
        elif found:
            text += f" Found {found}: if that is it, rename it."
        elif others:
            text += f" Found {others[0]}, which cannot be opened here: hand in a zip file."
        elif lessons:
            text += (
                f" Found {listing(lessons[:3])}, of which no cell says that it is the answer to "
                f"{exercise}: put the answer into {exercise}.py, or into the notebook of that name."
            )
        elif names:
            text += f" Found {listing(list(names.values())[:3])}."
        return sanitize(text)


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return (stem, f".{suffix.lower()}") if dot else (name, "")


def _plain(stem: str) -> str:
    """A name as it is compared: small letters, hyphens."""
    return re.sub(r"[\s_-]", "-", unicodedata.normalize("NFC", stem[:255]).casefold().strip())


@lru_cache(maxsize=16)
def _by_plain_name(exercises: tuple[str, ...]) -> dict[str, str]:
    return {_plain(exercise): exercise for exercise in exercises}


def _belongs(name: str, plain: dict[str, str]) -> tuple[str, int, int] | None:
    """The exercise of a file, how far its name is from the usual one, the number of the copy."""
    stem, suffix = _split(name)
    if suffix not in SOURCES or len(name) > 255:
        return None
    if stem in plain.values():
        return stem, 0, 0
    stem = _plain(stem)
    if stem in plain:
        return plain[stem], 1, 0
    number = 0
    if copy := _COPY.fullmatch(stem):
        stem, number = copy["stem"], int(copy["browser"] or copy["canvas"] or 0)
        if stem in plain:
            return plain[stem], 2, number
    for exercise in sorted(plain, key=len, reverse=True):
        if stem.endswith(f"-{exercise}") and not stem.startswith("test-"):
            return plain[exercise], 3, number
    return None


def _without_utf_16(data: bytes) -> bytes:
    """Text that Windows saved with two bytes for each character, in UTF-8."""
    if data.startswith(_UTF_16) and not data.startswith(codecs.BOM_UTF32_LE):
        try:
            return codecs.BOM_UTF8 + data.decode("utf-16").encode("utf-8")
        except UnicodeError:
            return data
    return data


def _cells(data: bytes, name: str) -> list[Cell]:
    """The cells of a notebook; what ``%%writefile x.py`` writes is Python that was meant to run."""
    return notebook_cells(_WRITTEN.sub(rb"\1%%time\2", data), name)


def _answer(cells: Iterable[Cell], exercise: str) -> list[Cell]:
    """The cells of a notebook that is one exercise."""
    return [
        cell
        for cell in cells
        if APART not in cell.tags and (not cell.exercises or _is_marked(cell, exercise))
    ]


def _marked_for(cells: Iterable[Cell], exercise: str) -> list[Cell]:
    return [cell for cell in cells if APART not in cell.tags and _is_marked(cell, exercise)]


def _is_marked(cell: Cell, exercise: str) -> bool:
    return any(_plain(mark) == _plain(exercise) for mark in cell.exercises)


def _as_given_out(exercise: str, name: str, source: str | None) -> bool:
    """Whether nothing was done to a stub, as far as this copy of the course can tell."""
    if source is None:
        return False
    try:
        entry = load_catalogue()[exercise]
        if name.lower().endswith(".ipynb"):
            path = entry.notebook
            given = joined(_answer(notebook_cells(path.read_bytes(), path.name), exercise))
        else:
            path = entry.stub
            given = python_source(path.read_bytes(), path.name)
        return _lines(given) == _lines(source) and is_untouched(path)
    except (OctlessonsError, OSError):
        return False


def _lines(source: str) -> list[str]:
    return [line.rstrip() for line in source.split("\n") if line.strip()]
