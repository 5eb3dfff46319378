"""What is to be marked and how: exercises, their checks, limits, the policy on late work.

All of it comes from the catalogue of the course and, where given, a small TOML file beside it, with
the settings `_KEYS`; ``[limits.ID]`` has the limits of one exercise. The tutors' page has them all.

Check files are read once, when the assignment is loaded: what is hashed is what runs.
"""

from __future__ import annotations

import ast
import contextlib
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import Catalogue, Exercise, load_catalogue
from octlessons.grading.late import LatePolicy
from octlessons.wording import listing

_KEYS = ("title", "exercises", "hidden", "key", "limits", "late")


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    `cpu_seconds` for one check, all its calls together, and for running the file; `wall_seconds`
    for one check and `submission_seconds` for all exercises, by the clock; memory beyond what the
    libraries take.
    """

    cpu_seconds: float = 10.0
    wall_seconds: float = 60.0
    submission_seconds: float = 600.0
    memory_mb: int = 2048


@dataclass(frozen=True)
class Task:
    """One exercise of an assignment.

    `checks` has the public check file and what lies beside it for it, by name, `hidden_checks` the
    same of the overlay; `preload` the stub's imports. The course's own `solution`, for a second
    opinion on a check, is empty where it is not here; `chapter` is a page's name.
    """

    id: str
    title: str
    checks: Mapping[str, bytes] = field(repr=False)
    hidden_checks: Mapping[str, bytes] = field(repr=False)
    limits: Limits
    preload: tuple[str, ...] = ()
    stub: str = field(default="", repr=False)
    chapter: str = ""
    solution: str = field(default="", repr=False)


@dataclass(frozen=True)
class Assignment:
    """What a class is marked on.

    `key` is the secret for data that differ from student to student; `root` the course's folder;
    `secrets` what no submission may see.
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
    """Read an assignment from a TOML file, as described above, and the course beside it, or found.

    `exercises` (ids) and `hidden` (a folder) replace those in the file. An `OctlessonsError` says
    what is wrong with the file, or which exercise or check is missing.
    """
    path = None if config is None else Path(config)
    table = {} if path is None else _read(path)
    beside = path is not None and (path.parent / "exercises" / "catalogue.toml").is_file()
    catalogue = load_catalogue(path.parent if path and beside else None)
    chosen = list(exercises) or table.get("exercises", [entry.id for entry in catalogue])
    twice = sorted({name for name in chosen if chosen.count(name) > 1})
    if twice:
        raise OctlessonsError(f"{listing(twice)}: named more than once among the exercises.")
    overlay = _overlay(hidden, table.get("hidden"), path)
    where = "the settings" if path is None else str(path)
    limits = _all_limits(table.get("limits", {}), catalogue, where)
    checks = _hidden(catalogue, overlay)
    tasks = tuple(
        _task(catalogue[name], checks.get(name, {}), limits.get(name, limits[""]))
        for name in chosen
    )
    if overlay is not None and not any(task.hidden_checks for task in tasks):
        raise OctlessonsError(
            f"{overlay} holds no check for {listing(chosen, 'or')}: hidden checks are in files "
            "named CHAPTER/test_ID.py, as in tests/exercises."
        )
    places = [catalogue.root / name for name in ("exercises", "tests", "solutions")]
    return Assignment(
        title=table.get("title") or _title(catalogue, tasks),
        tasks=tasks,
        key=table.get("key", ""),
        late=LatePolicy.from_toml(table.get("late", {}), f"{where}, [late]"),
        root=catalogue.root,
        secrets=(*places, *(place for place in (overlay, path) if place is not None)),
    )


def _read(path: Path) -> dict:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise OctlessonsError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OctlessonsError(f"{path} is not valid TOML: {error}.") from error
    _refuse_unknown(table, _KEYS, str(path))
    kinds = {"title": str, "exercises": list, "hidden": str, "key": str, "limits": dict}
    for name, kind in kinds.items():
        if name in table and not isinstance(table[name], kind):
            raise OctlessonsError(f"{path}: {name} is to be {_WORDS[kind]}.")
    ids = table.get("exercises", [""])
    if not ids or not all(isinstance(name, str) for name in ids):
        raise OctlessonsError(
            f"{path}: exercises is to be a list of ids in quotation marks; leave it out for all."
        )
    return table


def _refuse_unknown(table: Mapping, known: Sequence[str], where: str) -> None:
    if unknown := sorted(set(table) - set(known)):
        raise OctlessonsError(
            f"{where} has no setting called {listing(unknown, 'or')}; there are {listing(known)}."
        )


_WORDS = {str: "text in quotation marks", list: "a list in square brackets", dict: "a table"}


def _overlay(
    given: str | os.PathLike | None, named: str | None, config: Path | None
) -> Path | None:
    if given is None and named is None:
        return None
    beside = Path() if config is None else config.parent
    folder = Path(given) if given is not None else beside / str(named)
    if not folder.is_dir():
        raise OctlessonsError(f"There is no folder {folder} for the hidden checks.")
    return folder


def _all_limits(table: Mapping, catalogue: Catalogue, where: str) -> dict[str, Limits]:
    """The limits of each exercise that has its own, and under "" those of the others."""
    own = {name: value for name, value in table.items() if isinstance(value, dict)}
    rest = {name: value for name, value in table.items() if name not in own}
    general = _limits(rest, Limits(), f"{where}, [limits]")
    found = {"": general}
    for name, values in own.items():
        if name not in catalogue:
            raise OctlessonsError(f"{where}, [limits.{name}]: there is no such exercise.")
        found[name] = _limits(values, general, f"{where}, [limits.{name}]")
    return found


def _limits(table: Mapping, before: Limits, where: str) -> Limits:
    _refuse_unknown(table, [one.name for one in fields(Limits)], where)
    for name, value in table.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < 1e6 or (name == "memory_mb" and value < 64):
            raise OctlessonsError(f"{where}: {name} = {value!r} is no limit that can be kept.")
    made = replace(before, **table)
    seconds = ("cpu_seconds", "wall_seconds", "submission_seconds")
    for less, more in pairwise(seconds):
        if getattr(made, more) < getattr(made, less):
            if more in table:
                raise OctlessonsError(f"{where}: {more} is less than {less}, which cannot be.")
            made = replace(made, **{more: getattr(made, less)})
    return replace(made, memory_mb=int(made.memory_mb))


def _task(exercise: Exercise, hidden: Mapping[str, bytes], limits: Limits) -> Task:
    stub = _text(exercise.stub)
    return Task(
        id=exercise.id,
        title=exercise.title,
        checks=_checks(exercise.checks),
        hidden_checks=hidden,
        limits=limits,
        preload=_imports(stub),
        stub=stub,
        chapter=exercise.chapter,
        solution=_text(exercise.solution),
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
    for line, points in _points(found[path.name]):
        if not isinstance(points, int) or isinstance(points, bool) or points < 0:
            raise OctlessonsError(
                f"{path}, line {line}: points({points!r}) is no whole number of points."
            )
    return found


def _points(source: bytes) -> Iterator[tuple[int, object]]:
    """Where a check file says ``points(…)``, and what; a file that is no Python says nothing."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        marks = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if marks and node.func.attr == "points" and node.args:  # type: ignore[attr-defined]
            with contextlib.suppress(ValueError):  # worked out when it runs
                yield node.lineno, ast.literal_eval(node.args[0])  # type: ignore[attr-defined]


def _hidden(catalogue: Catalogue, overlay: Path | None) -> dict[str, dict[str, bytes]]:
    """The hidden checks of each exercise that has some; a file that fits none is an error."""
    if overlay is None:
        return {}
    there = {path for path in overlay.rglob("test_*.py") if path.is_file()}
    found = {}
    for exercise in catalogue:
        name = exercise.checks.name
        for path in (overlay / exercise.chapter / name, overlay / name):
            if path in there:
                there.remove(path)
                found[exercise.id] = _checks(path)
                break
    if found and there:
        raise OctlessonsError(
            f"{min(there)} fits no exercise: hidden checks are in files named CHAPTER/test_ID.py, "
            "one for each exercise."
        )
    return found


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
