"""A whole class: every exercise of every submission, once, in parallel, resumable.

The unit of work is a pure function (`judge.judge` on data that travel with it), so it runs on the
cores of this machine, in shards of a matrix of machines, or on a Dask cluster, and gives the same
records everywhere.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.grading import sandbox
from octlessons.grading.assignment import Assignment, Task
from octlessons.grading.judge import Marked, Unit, judge, seed_of
from octlessons.grading.keys import record_key, versions
from octlessons.grading.records import Record, Timing
from octlessons.grading.sandbox.warm import Infrastructure, Warm
from octlessons.grading.store import Store
from octlessons.grading.submission import Submission

#: How often something that the grader itself failed at is tried.
ATTEMPTS = 3

# A batch is a run of pytest; it ends early, so that little is lost when a run is interrupted.
_BATCH, _BATCH_SECONDS = 48, 4.0

# What students import besides what their stub does, ready before their time begins.
_COMMON = {
    "matplotlib": ("matplotlib.pyplot",),
    "scipy": ("scipy.ndimage", "scipy.optimize", "scipy.spatial", "scipy.stats"),
    "skimage": ("skimage.filters", "skimage.transform"),
    "sklearn": ("sklearn.cluster", "sklearn.decomposition", "sklearn.metrics"),
    "torch": ("torch",),
}
_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class ClassResult:
    """What a class came to.

    Attributes
    ----------
    assignment : Assignment
    submissions : tuple of Submission
    records : mapping of (str, str) to Record
        By `Submission.slug` and id of the exercise.
    timings : mapping of (str, str) to Timing
    isolation : str
    graded, reused : int
        Records made in this run, and taken from earlier ones.
    """

    assignment: Assignment
    submissions: tuple[Submission, ...]
    records: Mapping[tuple[str, str], Record] = field(repr=False)
    timings: Mapping[tuple[str, str], Timing] = field(repr=False)
    isolation: str
    graded: int = 0
    reused: int = 0


@dataclass(frozen=True)
class Setting:
    """What all batches of a run have in common; it travels to other machines.

    Attributes
    ----------
    course_key : str
    isolation : str
    preload : tuple of str
    memory_mb : int
    out : str
        Folder where processes of this machine keep what they have marked at once; empty if the
        results travel.
    versions : tuple of (str, str)
        That the records' keys hold.
    proven : bool
        Whether the isolation has shown that it holds on the machine that marks.
    """

    course_key: str = field(repr=False)
    isolation: str
    preload: tuple[str, ...]
    memory_mb: int
    out: str
    versions: tuple[tuple[str, str], ...]
    proven: bool


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

    Parameters
    ----------
    submissions : sequence of Submission
    assignment : Assignment
    out : path
        Folder of the results. What is there already with the same key is not marked again.
    isolation : str
        As for `sandbox.choose`.
    jobs : int, optional
        Processes; one per core if not given.
    shard : (int, int), optional
        Mark only the i-th of n parts, i from 1.
    dask : str, optional
        Address of a Dask scheduler whose workers mark.
    progress : callable
        Called with how many units are done, and how many there are.

    Returns
    -------
    ClassResult

    Raises
    ------
    OctlessonsError
        If submissions cannot be kept apart here, a check file cannot be read, or the shard is not
        one.
    """
    store = Store(Path(out))
    Path(out).mkdir(parents=True, exist_ok=True)
    isolation = sandbox.choose(isolation, [Path(out), *assignment.secrets])
    mine = _part(sorted(submissions, key=lambda submission: submission.slug), shard)
    units = list(_units(mine, assignment, isolation))
    records, pending = {}, []
    for unit in units:
        known = store.find(unit.key, unit.submission, unit.task.id)
        if known is None:
            pending.append(unit)
        else:
            records[_place(unit)] = known
    reused = len(records)
    progress(reused, len(units))
    setting = _setting(assignment, pending, isolation, out=None if dask else Path(out))
    for marked in _all(pending, setting, jobs, dask):
        if store.find(marked.record.key, *_named(marked)) is None:
            store.save(marked.record, None if marked.record.no_mark else marked.timing)
        records[_named(marked)] = marked.record
        progress(len(records), len(units))
    times = store.timings()
    timings = {place: times[r.key] for place, r in records.items() if r.key in times}
    return ClassResult(
        assignment, tuple(mine), records, timings, isolation, len(records) - reused, reused
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
            yield Unit(key, submission.slug, student, work, task)


def _place(unit: Unit) -> tuple[str, str]:
    return unit.submission, unit.task.id


def _named(marked: Marked) -> tuple[str, str]:
    return marked.record.submission, marked.record.exercise


def _setting(
    assignment: Assignment, pending: Sequence[Unit], isolation: str, out: Path | None
) -> Setting:
    """Choose what the warm process imports: what the stubs do, and what some submissions do."""
    tasks: dict[str, Task] = {unit.task.id: unit.task for unit in pending}
    names = {name for task in tasks.values() for name in task.preload}
    used = {name for unit in pending for name in _IMPORT.findall(unit.work.source or "")}
    for name in used & set(_COMMON):
        names |= set(_COMMON[name])
    return Setting(
        assignment.key,
        isolation,
        tuple(sorted({"numpy", *names})),
        max((task.limits.memory_mb for task in tasks.values()), default=0),
        "" if out is None else str(out.resolve()),
        tuple(versions().items()),
        proven=out is not None,
    )


def _all(
    pending: Sequence[Unit], setting: Setting, jobs: int | None, dask: str | None
) -> Iterator[Marked]:
    """Mark all units: what the grader failed at is tried again, what ran out of time once more."""
    late: list[Unit] = []
    left = {_place(unit): unit for unit in pending}
    failed: dict[tuple[str, str], Marked] = {}
    for attempt in range(ATTEMPTS):
        failed.clear()
        for marked in _spread(list(left.values()), setting, jobs, dask):
            place = _named(marked)
            if marked.record.no_mark:
                failed[place] = marked
                continue
            if place not in left:
                continue  # a cluster may run a task twice; it counts once
            unit = left.pop(place)
            if marked.timed_out:
                late.append(unit)
            else:
                yield marked
        if not left:
            break
        if attempt + 1 < ATTEMPTS:
            time.sleep(0.2 * (attempt + 1))
    for unit in late:
        # Alone: whatever else the machine was busy with has ended.
        yield from _alone(unit, setting)
    for place, unit in left.items():
        why = failed[place].record.no_mark if place in failed else "its process ended"
        yield _unmarked(unit, setting, why)


def _alone(unit: Unit, setting: Setting) -> Iterator[Marked]:
    for attempt in range(ATTEMPTS):
        (marked,) = mark_batch([unit], setting)
        if not marked.record.no_mark or attempt + 1 == ATTEMPTS:
            yield marked
            return


def _unmarked(unit: Unit, setting: Setting, why: str) -> Marked:
    record = Record(
        unit.key,
        unit.submission,
        unit.task.id,
        isolation=setting.isolation,
        no_mark=why,
        file=unit.work.file,
    )
    return Marked(record, Timing(unit.key, unit.submission, unit.task.id, 0.0, 0.0))


def _spread(
    units: list[Unit], setting: Setting, jobs: int | None, dask: str | None
) -> Iterator[Marked]:
    """Mark units in batches on all processes, each at least once tried."""
    from joblib import Parallel, cpu_count, delayed

    jobs = cpu_count() if jobs is None else max(1, jobs)
    if dask is None and (jobs == 1 or len(units) == 1):
        yield from _here(units, setting)
        return
    size = max(1, min(_BATCH, len(units) // (4 * jobs)))
    while units:
        reached = set()
        with ExitStack() as stack:
            if dask is not None:
                stack.enter_context(_dask(dask))
            run = Parallel(
                n_jobs=-1 if dask is not None else jobs,
                return_as="generator_unordered",
                batch_size=1,
                pre_dispatch="2*n_jobs",
            )
            batches = (delayed(mark_batch)(batch, setting) for batch in _batches(units, size))
            try:
                for batch in run(batches):
                    for marked in batch:
                        reached.add(_named(marked))
                        yield marked
            except BrokenProcessPool:
                return  # a process of the grader ended; what it had not marked is tried again
        units = [unit for unit in units if _place(unit) not in reached]


def _here(units: list[Unit], setting: Setting) -> Iterator[Marked]:
    while units:
        marked = mark_batch(units[:_BATCH], setting)
        yield from marked
        units = units[len(marked) :]


def _batches(units: Sequence[Unit], size: int) -> Iterator[list[Unit]]:
    rest = iter(units)
    while batch := list(islice(rest, size)):
        yield batch


@contextlib.contextmanager
def _dask(address: str) -> Iterator[None]:
    try:
        from distributed import Client
    except ImportError as error:
        raise OctlessonsError(
            'A cluster needs Dask: `pip install "octlessons[cluster]"`.'
        ) from error
    from joblib import parallel_config

    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise OctlessonsError(f"There is no Dask scheduler at {address}: {error}.") from error
    with client, parallel_config(backend="dask", client=client):
        yield


def mark_batch(units: Sequence[Unit], setting: Setting) -> list[Marked]:
    """Mark some units in this process, and stop after a few seconds.

    Parameters
    ----------
    units : sequence of Unit
    setting : Setting

    Returns
    -------
    list of Marked
        Of the first units, at least of one.
    """
    end = time.monotonic() + _BATCH_SECONDS
    warm = None if setting.isolation == sandbox.NONE else lambda: _warm(setting)
    store = Store(Path(setting.out)) if setting.out else None

    def keep(marked: Marked) -> None:
        if store is not None and not marked.record.no_mark and not marked.timed_out:
            store.save(marked.record, marked.timing)

    return judge(
        units,
        setting.course_key,
        setting.isolation,
        warm,
        until=lambda: time.monotonic() > end,
        keep=keep,
    )


_WARM: dict[Setting, Warm] = {}


def _warm(setting: Setting) -> Warm:
    """The warm process of this process, started when first needed and whenever it has ended."""
    warm = _WARM.get(setting)
    if warm is not None and warm.alive:
        return warm
    close_sandboxes()
    why = "" if setting.proven else _another(setting)
    if why:
        raise Infrastructure(f"another machine cannot mark: {why}")
    _WARM[setting] = sandbox.start(setting.isolation, setting.preload, setting.memory_mb)
    return _WARM[setting]


def _another(setting: Setting) -> str:
    """Say what keeps this machine from marking for the one that chose; empty if nothing does."""
    ours = versions()
    for name, wanted in setting.versions:
        if ours.get(name) != wanted:
            return f"its {name} is {ours.get(name) or 'not there'}, instead of {wanted or 'none'}"
    why = sandbox.trouble(setting.isolation)
    return f"{setting.isolation} {why}" if why else ""


def close_sandboxes() -> None:
    """End the warm processes of this process."""
    while _WARM:
        _WARM.popitem()[1].close()
