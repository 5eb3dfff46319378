"""What is to be marked and how: exercises, their checks, limits, the policy on late work.

All of it comes from the catalogue of the course and, where given, a small TOML file beside it::

    title = "Workshop 1"
    exercises = ["dark-part", "count-the-pairs"]  # all of the catalogue's without it
    hidden = "hidden"                             # folder of hidden checks, CHAPTER/test_ID.py
    key = "a long secret"                         # every student gets other data

    [limits]            # of every check
    cpu_seconds = 10    # processor time
    wall_seconds = 60   # by the clock, for one call
    memory_mb = 2048

    [limits.dark-part]
    cpu_seconds = 20

    [late]
    due = 2026-12-01T12:00:00Z
    percent_per_day = 10

Check files are read once, when the assignment is loaded: what is hashed is what runs.
"""

from __future__ import annotations

import ast
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import Catalogue, Exercise, load_catalogue
from octlessons.grading.late import LatePolicy
from octlessons.wording import listing

_KEYS = ("title", "exercises", "hidden", "key", "limits", "late")
_LIMITS = ("cpu_seconds", "wall_seconds", "memory_mb")


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes
    ----------
    cpu_seconds : float
        Processor time of one check, all its calls together; and of running the file.
    wall_seconds : float
        Time by the clock of one call: for code that waits instead of computing.
    memory_mb : int
        Memory beyond what the libraries take.
    """

    cpu_seconds: float = 10.0
    wall_seconds: float = 60.0
    memory_mb: int = 2048


@dataclass(frozen=True)
class Task:
    """One exercise of an assignment.

    Attributes
    ----------
    id, title : str
    checks : mapping of str to bytes
        The public check file and what lies beside it for it (``bands.json``), by file name.
    hidden_checks : mapping of str to bytes
        The same of the hidden overlay; empty if it has none.
    limits : Limits
    preload : tuple of str
        Modules that the stub imports.
    stub : str
        Source that students begin with.
    chapter : str
        Name of its chapter's page.
    """

    id: str
    title: str
    checks: Mapping[str, bytes] = field(repr=False)
    hidden_checks: Mapping[str, bytes] = field(repr=False)
    limits: Limits
    preload: tuple[str, ...] = ()
    stub: str = field(default="", repr=False)
    chapter: str = ""


@dataclass(frozen=True)
class Assignment:
    """What a class is marked on.

    Attributes
    ----------
    title : str
    tasks : tuple of Task
    key : str
        Secret of the course, for data that differ from student to student.
    late : LatePolicy
    root : Path
        Folder of the course.
    secrets : tuple of Path
        Files and folders that no submission may see.
    """

    title: str
    tasks: tuple[Task, ...]
    key: str = field(default="", repr=False)
    late: LatePolicy = field(default_factory=LatePolicy)
    root: Path = Path()
    secrets: tuple[Path, ...] = ()

    @property
    def ids(self) -> list[str]:
        """Ids of the exercises, in order."""
        return [task.id for task in self.tasks]


def load_assignment(
    config: str | os.PathLike | None = None,
    exercises: Sequence[str] = (),
    hidden: str | os.PathLike | None = None,
) -> Assignment:
    """Read an assignment.

    Parameters
    ----------
    config : path, optional
        TOML file, as described above. The course is looked for beside it first.
    exercises : sequence of str
        Ids; instead of those in the file.
    hidden : path, optional
        Folder of hidden checks; instead of the one in the file.

    Returns
    -------
    Assignment

    Raises
    ------
    OctlessonsError
        If the file is wrong, an exercise does not exist, or a check file is missing: the sentence
        says which.
    """
    table: dict = {}
    path = None if config is None else Path(config)
    if path is not None:
        table = _read(path)
    beside = path is not None and (path.parent / "exercises" / "catalogue.toml").is_file()
    catalogue = load_catalogue(path.parent if beside else None)
    chosen = list(exercises) or table.get("exercises") or [entry.id for entry in catalogue]
    twice = sorted({name for name in chosen if chosen.count(name) > 1})
    if twice:
        raise OctlessonsError(f"{listing(twice)}: named more than once among the exercises.")
    overlay = _overlay(hidden, table.get("hidden"), path)
    limits = table.get("limits", {})
    where = str(path) if path is not None else "the limits"
    own = {name: value for name, value in limits.items() if isinstance(value, dict)}
    unknown = sorted(name for name in own if name not in catalogue)
    if unknown:
        raise OctlessonsError(f"{where}, [limits.{unknown[0]}]: there is no such exercise.")
    general = _limits(
        {k: v for k, v in limits.items() if k not in own}, Limits(), f"{where}, [limits]"
    )
    tasks = tuple(
        _task(
            catalogue[name],
            overlay,
            _limits(own.get(name, {}), general, f"{where}, [limits.{name}]"),
        )
        for name in chosen
    )
    if overlay is not None and not any(task.hidden_checks for task in tasks):
        raise OctlessonsError(
            f"{overlay} holds no check for {listing(chosen, 'or')}: hidden checks are in files "
            "named CHAPTER/test_ID.py, as in tests/exercises."
        )
    late = table.get("late")
    return Assignment(
        title=table.get("title") or _title(catalogue, tasks),
        tasks=tasks,
        key=table.get("key", ""),
        late=LatePolicy() if late is None else LatePolicy.from_toml(late, f"{where}, [late]"),
        root=catalogue.root,
        secrets=tuple(
            place
            for place in (
                *(catalogue.root / name for name in ("exercises", "tests", "solutions")),
                overlay,
                path,
            )
            if place is not None
        ),
    )


def _read(path: Path) -> dict:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise OctlessonsError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OctlessonsError(f"{path} is not valid TOML: {error}.") from error
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        raise OctlessonsError(
            f"{path} has no setting called {listing(unknown, 'or')}; there are {listing(_KEYS)}."
        )
    kinds = {"title": str, "exercises": list, "hidden": str, "key": str, "limits": dict}
    for name, kind in kinds.items():
        if name in table and not isinstance(table[name], kind):
            raise OctlessonsError(f"{path}: {name} is to be {_WORDS[kind]}.")
    if not all(isinstance(name, str) for name in table.get("exercises", ())):
        raise OctlessonsError(f"{path}: exercises is to be a list of ids in quotation marks.")
    return table


_WORDS = {str: "text in quotation marks", list: "a list in square brackets", dict: "a table"}


def _overlay(given, named: str | None, config: Path | None) -> Path | None:
    if given is None and named is None:
        return None
    folder = Path(given) if given is not None else config.parent / named
    if not folder.is_dir():
        raise OctlessonsError(f"There is no folder {folder} for the hidden checks.")
    return folder


def _limits(table: Mapping, before: Limits, where: str) -> Limits:
    unknown = sorted(set(table) - set(_LIMITS))
    if unknown:
        raise OctlessonsError(
            f"{where} has no setting called {listing(unknown, 'or')}; there are {listing(_LIMITS)}."
        )
    for name, value in table.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < 1e6 or (name == "memory_mb" and value < 64):
            raise OctlessonsError(f"{where}: {name} = {value!r} is no limit that can be kept.")
    made = replace(before, **table)
    return replace(
        made,
        memory_mb=int(made.memory_mb),
        wall_seconds=max(made.wall_seconds, made.cpu_seconds),
    )


def _task(exercise: Exercise, overlay: Path | None, limits: Limits) -> Task:
    stub = _text(exercise.stub)
    return Task(
        id=exercise.id,
        title=exercise.title,
        checks=_checks(exercise.checks),
        hidden_checks=_hidden(exercise, overlay),
        limits=limits,
        preload=_imports(stub),
        stub=stub,
        chapter=exercise.chapter,
    )


def _checks(path: Path) -> dict[str, bytes]:
    try:
        found = {path.name: path.read_bytes()}
        bands = path.with_name("bands.json")
        if bands.is_file() and b"band(" in found[path.name]:
            found[bands.name] = bands.read_bytes()
    except OSError as error:
        raise OctlessonsError(
            f"The checks {path} cannot be read: {error.strerror or error}."
        ) from error
    return found


def _hidden(exercise: Exercise, overlay: Path | None) -> dict[str, bytes]:
    if overlay is None:
        return {}
    for path in (
        overlay / exercise.chapter / exercise.checks.name,
        overlay / exercise.checks.name,
    ):
        if path.is_file():
            return _checks(path)
    return {}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _imports(stub: str) -> tuple[str, ...]:
    """Modules that a stub imports: the course's own text, not a student's."""
    try:
        tree = ast.parse(stub)
    except SyntaxError:
        return ()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return tuple(sorted(names))


def _title(catalogue: Catalogue, tasks: tuple[Task, ...]) -> str:
    if len(tasks) == 1:
        return tasks[0].title
    return "All exercises" if len(tasks) == len(catalogue) else f"{len(tasks)} exercises"
