"""A whole class: every exercise of every submission, once, in parallel, resumable.

The unit of work is a pure function of data that travel with it (`judge`), so it runs on the cores
of this machine, in shards of a matrix of machines, or on a Dask cluster, and gives the same records
everywhere.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from octlessons.errors import OctlessonsError
from octlessons.grading import sandbox
from octlessons.grading.assignment import Assignment
from octlessons.grading.cache_keys import record_key, versions
from octlessons.grading.panel import Panel
from octlessons.grading.records import Marked, Record, Timing
from octlessons.grading.store import Store
from octlessons.grading.submission import Submission
from octlessons.grading.units import Setting, Unit, seed_of

#: How often something that the grader itself failed at is tried.
ATTEMPTS = 3

# What students import besides what their stub does, ready before their time begins.
_COMMON = {
    "matplotlib": ("matplotlib.pyplot",),
    "scipy": ("scipy.ndimage", "scipy.optimize", "scipy.spatial", "scipy.stats"),
    "skimage": ("skimage.filters", "skimage.transform"),
    "sklearn": ("sklearn.cluster", "sklearn.decomposition", "sklearn.metrics"),
    "torch": ("torch",),
}
_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)

_DEADLY = (
    "What came back ended the grader's own process twice, or held it without end, so this exercise "
    "gets 0. Return what the docstring promises, in the size that it promises."
)
_TOO_SLOW = (
    "Not tried: the exercises before took more than {:g} seconds together. Does a function wait "
    "(`sleep`)?"
)


class Judges(Protocol):
    """Who marks: a `panel.Panel` here, or a `cluster.Cluster`."""

    def mark(self, units: Iterable[Unit]) -> Iterator[tuple[Unit, Marked | None]]:
        """Mark units, in any order; None for one that ended its judge."""

    def close(self) -> None:
        """Let go of what was started."""


@dataclass(frozen=True)
class ClassResult:
    """What a class came to.

    `records` and `timings` are by `Submission.slug` and id of the exercise; `graded` and `reused`
    count records made in this run and taken from earlier ones; `remarks` are sentences about files
    of earlier runs that did not count.
    """

    assignment: Assignment
    submissions: tuple[Submission, ...]
    records: Mapping[tuple[str, str], Record] = field(repr=False)
    timings: Mapping[tuple[str, str], Timing] = field(repr=False)
    isolation: str
    graded: int = 0
    reused: int = 0
    remarks: tuple[str, ...] = ()


def grade(
    submissions: Sequence[Submission],
    assignment: Assignment,
    out: str | os.PathLike,
    *,
    isolation: str = "auto",
    jobs: int | None = None,
    shard: tuple[int, int] | None = None,
    dask: str | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> ClassResult:
    """Mark a class.

    `out` is the folder of the results: what is there already with the same key is not marked again.
    `isolation` is as for `sandbox.choose`; `jobs` are processes, one per core if not given; `shard`
    marks only the i-th of n parts, i from 1; `dask` is the address of a scheduler whose workers
    mark. `progress` is called with how many units are done, and how many there are.

    Raises `OctlessonsError` if submissions cannot be kept apart here, a check file cannot be read,
    or there is no such part.
    """
    store = Store(Path(out))
    Path(out).mkdir(parents=True, exist_ok=True)
    isolation = sandbox.choose(isolation, [Path(out), *assignment.secrets])
    mine = _part(sorted(submissions, key=lambda submission: submission.slug), shard)
    units = list(_units(mine, assignment, isolation))
    found = {unit.place: store.find(unit.key, *unit.place) for unit in units}
    records = {place: record for place, record in found.items() if record is not None}
    pending = [unit for unit in units if unit.place not in records]
    reused = len(records)
    progress(reused, len(units))
    if pending:
        setting = _setting(assignment, pending, isolation, proven=dask is None)
        with closing(_judges(setting, len(pending), jobs, dask)) as judges:
            for marked in _all(pending, setting, judges):
                store.save(marked.record, None if marked.record.no_mark else marked.timing)
                records[marked.record.submission, marked.record.exercise] = marked.record
                progress(len(records), len(units))
    times = store.timings()
    return ClassResult(
        assignment,
        tuple(mine),
        records,
        {place: times[r.key] for place, r in records.items() if r.key in times},
        isolation,
        len(records) - reused,
        reused,
        tuple(store.remarks),
    )


def _part(submissions: list[Submission], shard: tuple[int, int] | None) -> list[Submission]:
    if shard is None:
        return submissions
    number, of = shard
    if not 1 <= number <= of:
        raise OctlessonsError(f"There is no part {number} of {of}: write --shard 1/{of} and so on.")
    return submissions[number - 1 :: of]


def _units(submissions, assignment: Assignment, isolation: str) -> Iterator[Unit]:
    for submission in submissions:
        student = submission.student or submission.name
        for task in assignment.tasks:
            work = submission.works[task.id]
            seed = seed_of(assignment.key, student, task.id)
            key = record_key(task, work, seed, isolation)
            yield Unit(key, submission.slug, student, work, task.id)


def _setting(
    assignment: Assignment, pending: Sequence[Unit], isolation: str, proven: bool
) -> Setting:
    """Choose what zygotes import: what the stubs do, and what some submissions do."""
    wanted = {unit.exercise for unit in pending}
    tasks = {task.id: task for task in assignment.tasks if task.id in wanted}
    names = {name for task in tasks.values() for name in task.preload}
    used = {name for unit in pending for name in _IMPORT.findall(unit.work.source or "")}
    for name in used & set(_COMMON):
        names |= set(_COMMON[name])
    return Setting(
        tasks,
        assignment.key,
        isolation,
        tuple(sorted({"numpy", *names})),
        max(task.limits.memory_mb for task in tasks.values()),
        versions(),
        proven,
        secrets.token_hex(8),
    )


def _judges(setting: Setting, n_units: int, jobs: int | None, dask: str | None) -> Judges:
    if dask is not None:
        from octlessons.grading.cluster import Cluster

        return Cluster(setting, dask)
    from joblib import cpu_count

    return Panel(setting, min(cpu_count() if jobs is None else max(1, jobs), n_units))


def _all(pending: Sequence[Unit], setting: Setting, judges: Judges) -> Iterator[Marked]:
    """Mark all units: what the grader failed at is tried again, what ran out of time once more.

    A unit that ended its judge is tried once more, alone; if it does so again, it was the unit.
    """
    spent: dict[str, float] = defaultdict(float)
    left = {unit.place: unit for unit in pending}
    reasons: dict[tuple[str, str], str] = {}
    again: list[tuple[Unit, Marked | None]] = []
    for attempt in range(ATTEMPTS):
        if not left:
            break
        time.sleep(0.2 * attempt)
        for unit, marked in judges.mark(_in_time(list(left.values()), setting, spent)):
            if unit.place not in left:
                continue  # a cluster may run a task twice; it counts once
            if marked is not None and marked.record.no_mark:
                reasons[unit.place] = marked.record.no_mark  # nor does its time count
                continue
            spent[unit.submission] += marked.timing.seconds if marked else 0.0
            del left[unit.place]
            if marked is None or marked.timed_out:
                again.append((unit, marked))
            else:
                yield marked
    for unit, first in again:
        if first is not None and _too_late(unit, setting, spent):
            yield first
            continue
        # Alone: whatever else the machine was busy with has ended.
        marked = _alone(unit, judges)
        if marked is None and first is not None:  # the first judge that it ended
            marked = _alone(unit, judges)
        if marked is None:
            marked = _alone(_without(unit, _DEADLY), judges)
        spent[unit.submission] += marked.timing.seconds if marked else 0.0
        yield marked or _unmarked(unit, setting, "its process ended")
    for place, unit in left.items():
        yield _unmarked(unit, setting, reasons.get(place, "its process ended"))


def _in_time(units: Iterable[Unit], setting: Setting, spent: Mapping[str, float]) -> Iterator[Unit]:
    """Units as they are, but without work once their submission has had all of its time."""
    for unit in units:
        late = _too_late(unit, setting, spent) and unit.work.source is not None
        most = setting.tasks[unit.exercise].limits.submission_seconds
        yield _without(unit, _TOO_SLOW.format(most)) if late else unit


def _too_late(unit: Unit, setting: Setting, spent: Mapping[str, float]) -> bool:
    return spent[unit.submission] > setting.tasks[unit.exercise].limits.submission_seconds


def _without(unit: Unit, why: str) -> Unit:
    """A unit with nothing to run: its checks say why, and its record counts for the same work."""
    return replace(unit, work=replace(unit.work, source=None, problem=why))


def _alone(unit: Unit, judges: Judges) -> Marked | None:
    marked = None
    for _ in range(ATTEMPTS):
        marked = next((marked for _, marked in judges.mark([unit])), None)
        if marked is None or not marked.record.no_mark:
            break
    return marked


def _unmarked(unit: Unit, setting: Setting, why: str) -> Marked:
    file, isolation = unit.work.file, setting.isolation
    record = Record(unit.key, *unit.place, isolation=isolation, no_mark=why, file=file)
    return Marked(record, Timing(unit.key, *unit.place, 0.0, 0.0))
