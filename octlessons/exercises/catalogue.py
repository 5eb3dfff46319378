"""The catalogue: every exercise by its id, and where its files lie."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.wording import listing

#: Environment variable with the folder of the course, where it is not found by itself.
COURSE_VARIABLE = "OCTLESSONS_COURSE"

NEEDS = ("core", "book", "deep")

_KEYS = {"id", "chapter", "title", "minutes", "points", "needs", "objectives", "hints"}
_MORE = {"further", "after"}


@dataclass(frozen=True)
class Exercise:
    """What the catalogue says of an exercise, and its files.

    Attributes
    ----------
    id, title : str
        The id is the same in the file names, the page and the command line.
    chapter : str
        Name of the chapter's page, without suffix: ``"03-k-means-on-pixels"``.
    minutes, points : int
        Planned time; sum of the points of its checks.
    needs : {"core", "book", "deep"}
        Which installation its checks need.
    objectives, hints : tuple of str
        What who has solved it can do; one to three hints, each saying more than the one before.
    root : Path
        Folder of the course.
    further : bool
        For whoever wants more: not counted in the time of its chapter.
    after : str
        A harder task for whoever has passed, or "".
    """

    id: str
    chapter: str
    title: str
    minutes: int
    points: int
    needs: str
    objectives: tuple[str, ...]
    hints: tuple[str, ...]
    root: Path
    further: bool = False
    after: str = ""

    @property
    def place(self) -> str:
        """Number of the chapter, ``"3"``, or its name where it has none."""
        number = self.chapter.split("-", 1)[0]
        return str(int(number)) if number.isdigit() else self.chapter

    @property
    def heading(self) -> str:
        """``"Chapter 3"``, or the page's name where it has no number."""
        return f"Chapter {self.place}" if self.place.isdigit() else self.place.capitalize()

    @property
    def stub(self) -> Path:
        """The file that a student edits."""
        return self.root / "exercises" / self.chapter / f"{self.id}.py"

    @property
    def notebook(self) -> Path:
        """The same as a notebook."""
        return self.stub.with_suffix(".ipynb")

    @property
    def solution(self) -> Path:
        """The source of stub and notebook; not there in every copy of the course."""
        return self.root / "solutions" / self.chapter / f"{self.id}.py"

    @property
    def checks(self) -> Path:
        """The file of its checks."""
        return self.root / "tests" / "exercises" / self.chapter / f"test_{self.id}.py"


@dataclass(frozen=True)
class Catalogue:
    """All exercises, in the order of the course; iteration gives them.

    Attributes
    ----------
    root, exercises : Path, tuple of Exercise
        Folder of the course, and what is in it.
    """

    root: Path
    exercises: tuple[Exercise, ...]

    def __iter__(self) -> Iterator[Exercise]:
        return iter(self.exercises)

    def __len__(self) -> int:
        return len(self.exercises)

    def __contains__(self, name: object) -> bool:
        return any(exercise.id == name for exercise in self)

    def __getitem__(self, name: str) -> Exercise:
        """Return the exercise with this id, or with this file; an error names the nearest."""
        wanted = str(name).strip().replace("\\", "/").rsplit("/", 1)[-1].casefold()
        wanted = wanted.removesuffix(".py").removesuffix(".ipynb").replace("_", "-")
        for exercise in self:
            if exercise.id == wanted:
                return exercise
        ids = [exercise.id for exercise in self]
        close = get_close_matches(wanted, ids, 3, 0.6)
        hint = f" Did you mean {listing(close, 'or')}?" if close else ""
        raise OctlessonsError(
            f"There is no exercise called {name!r}.{hint} `octlessons check --list` lists all."
        )

    def of_chapter(self, chapter: str) -> tuple[Exercise, ...]:
        """Return the exercises of a chapter, given by the name of its page."""
        return tuple(exercise for exercise in self if exercise.chapter == chapter)


def find_course() -> Path:
    """Return the folder of the course: the one with ``exercises/catalogue.toml`` in it.

    Looked for in ``$OCTLESSONS_COURSE``, then in the working folder and those above it, then
    around the package (a checkout), then in the package itself (an installed wheel).
    """
    here = Path.cwd()
    package = Path(__file__).resolve().parents[1]
    named = os.environ.get(COURSE_VARIABLE)
    places = [Path(named)] if named else [here, *here.parents, package.parent, package / "course"]
    for place in places:
        if (place / "exercises" / "catalogue.toml").is_file():
            return place.resolve()
    where = named or "this folder and those above it"
    raise OctlessonsError(
        f"There is no exercises/catalogue.toml in {where}. Go into the folder of the course, or "
        f"name it in the environment variable {COURSE_VARIABLE}."
    )


def load_catalogue(root: str | os.PathLike | None = None) -> Catalogue:
    """Read the catalogue of the course.

    Parameters
    ----------
    root : path, optional
        Folder of the course; `find_course` looks for it otherwise.

    Raises
    ------
    OctlessonsError
        If there is no catalogue, or an entry is wrong: the sentence says which and how.
    """
    folder = find_course() if root is None else Path(root).resolve()
    path = folder / "exercises" / "catalogue.toml"
    try:
        state = path.stat()
    except OSError as error:
        raise OctlessonsError(f"{path} cannot be read: {error.strerror or error}.") from error
    return _read(path, folder, state.st_mtime_ns, state.st_size)


@cache
def _read(path: Path, root: Path, changed: int, size: int) -> Catalogue:
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("exercise", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OctlessonsError(f"{path} is not valid TOML: {error}.") from error
    exercises = [_exercise(entry, root, path) for entry in entries]
    ids = [exercise.id for exercise in exercises]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise OctlessonsError(f"{path} has {listing(twice)} more than once: ids are unique.")
    return Catalogue(root, tuple(sorted(exercises, key=lambda exercise: exercise.chapter)))


def _exercise(entry: dict, root: Path, path: Path) -> Exercise:
    name = entry.get("id", "an entry without id")

    def refuse(why: str):
        raise OctlessonsError(f"{path}: {name} {why}.")

    missing, unknown = sorted(_KEYS - set(entry)), sorted(set(entry) - _KEYS - _MORE)
    if missing or unknown:
        refuse(f"lacks {listing(missing)}" if missing else f"has unknown keys: {listing(unknown)}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        refuse("is not written in small letters, digits and hyphens")
    if entry["needs"] not in NEEDS:
        refuse(f"needs {entry['needs']!r}; that is one of {listing(NEEDS, 'or')}")
    if not 3 <= entry["minutes"] <= 90:
        refuse(f"takes {entry['minutes']} minutes; exercises take 3 to 90")
    if entry["points"] < 1:
        refuse("has no points")
    if not 1 <= len(entry["hints"]) <= 3 or not all(hint.strip() for hint in entry["hints"]):
        refuse("needs one to three hints, none empty")
    if not entry["objectives"]:
        refuse("has no objectives")
    return Exercise(
        **{key: entry[key] for key in ("id", "chapter", "title", "minutes", "points", "needs")},
        objectives=tuple(entry["objectives"]),
        hints=tuple(hint.strip() for hint in entry["hints"]),
        root=root,
        further=bool(entry.get("further", False)),
        after=entry.get("after", "").strip(),
    )
