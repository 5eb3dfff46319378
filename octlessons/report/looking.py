"""One look at every scan: its row, its measurements, a small picture; in shards, on many cores.

A scan is read once. What is kept of it is a record of about 1.5 kB. Records of `SHARD` scans are a
file in the folder of the run, named by what they depend on (the scans, their files' sizes and
times, the networks), so that a run that was killed goes on, and a folder in which one file changed
looks again only at the shard with that file. Nothing in a record depends on how the work was shared
out.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from zlib import crc32

import numpy as np

from octlessons._files import write_atomically
from octlessons._runtime import usable_cores
from octlessons.errors import OctlessonsError, first_line
from octlessons.images._resizing import resize_image
from octlessons.images.checks import to_uint8
from octlessons.images.imageset import ImageSet, Problem
from octlessons.images.measuring import UNITS, measure_scan
from octlessons.images.retina import WORKING
from octlessons.report.eyes import eyes_named
from octlessons.representations.phantom_encoder import check_scan

#: Scans in one file of records: what an interruption costs at most.
SHARD = 128
#: A retina is found if its lines are in this share of the columns, in %: pictures of anything else
#: reach 13, real scans have 40 or more.
RETINA, NO_RETINA = 25.0, "No retina was found in it."
#: Height and width of the small picture, px.
THUMBNAIL = 32


@dataclass(frozen=True)
class Task:
    """What a worker is asked to look at; it holds all that the worker needs.

    Attributes
    ----------
    key : str
        Name of the shard.
    images : LazyImages or ndarray
        Its scans alone.
    names : tuple of str
    pixel_sizes : ndarray of float, shape (n, 2)
        µm, NaN where not known.
    eyes : str
        Which representation.
    """

    key: str
    images: Sequence[np.ndarray]
    names: tuple[str, ...]
    pixel_sizes: np.ndarray
    eyes: str


def record_type(n_features: int) -> np.dtype:
    """The record of a scan.

    Fields: ``features``; ``measurements``, the columns of `UNITS`; ``picture``, uint8; ``outline``,
    64 bits that near-copies share; ``pixels``, checksums of all pixels and of the scan made small;
    ``seen``, false where the scan could not be read.
    """
    return np.dtype(
        [
            ("features", "<f4", (n_features,)),
            ("measurements", "<f4", (len(UNITS),)),
            ("picture", "u1", (THUMBNAIL, THUMBNAIL)),
            ("outline", "<u8"),
            ("pixels", "<u8"),
            ("seen", "?"),
        ]
    )


def look_at_all(
    images: ImageSet,
    eyes: str,
    folder: Path,
    *,
    files: Sequence[str] | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    told: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, list[Problem]]:
    """Look at every scan, or find the records of an earlier look.

    Parameters
    ----------
    images : ImageSet
    eyes : str
        As `eyes_named` knows them.
    folder : Path
        Of the records.
    files : sequence of str, optional
        Path of each scan: a file that changed is looked at again. Without, the pixels count.
    jobs, dask : int, str, optional
        As for `octlessons.report.cluster_scans`.
    told : callable, optional
        ``told(done, n)``, as shards are done.

    Returns
    -------
    ndarray of `record_type`, shape (n,)
    list of Problem
        Scans that could not be read, by name.

    Raises
    ------
    OctlessonsError
        If the representation or a scheduler cannot be had, or records cannot be written.
    """
    n, sight = len(images), eyes_named(eyes)
    tell, kind = told or (lambda done, n: None), record_type(sight.n_features)
    shards = [range(start, min(start + SHARD, n)) for start in range(0, n, SHARD)]
    keys = [_key(images, shard, sight.names, files) for shard in shards]
    kept = {i: _kept(folder, key, kind, len(shards[i])) for i, key in enumerate(keys)}
    missing = [i for i, found in kept.items() if found is None]
    tell(done := n - sum(len(shards[i]) for i in missing), n)
    tasks = (_task(images, shards[i], keys[i], eyes) for i in missing)
    places = {keys[i]: i for i in missing}
    for key, data, unread in _shared_out(tasks, len(missing), jobs, dask):
        _keep(folder, key, data, unread)
        done += len(shards[places[key]])
        tell(done, n)
    records = np.empty(n, kind)
    problems: list[Problem] = []
    for i, key in enumerate(keys):
        found = kept[i] or _kept(folder, key, kind, len(shards[i]))
        if found is None:
            raise OctlessonsError(f"The records in {folder} vanish while they are made: run again.")
        records[shards[i].start : shards[i].stop] = found[0]
        problems += found[1]
    _forget_others(folder, set(keys))
    return records, problems


# ---------------------------------------------------------------------- in a worker


def look(task: Task) -> tuple[str, bytes, list[tuple[str, str]]]:
    """Look at the scans of one task.

    Returns
    -------
    key : str
    data : bytes
        The records, as a ``.npy`` file.
    problems : list of (name, reason)
    """
    sight = _eyes_here(task.eyes)
    records = np.zeros(len(task.images), record_type(sight.n_features))
    records["features"], records["measurements"] = np.nan, np.nan
    problems, scans, places = [], [], []
    for i, name in enumerate(task.names):
        try:
            scan = to_uint8(np.asarray(task.images[i]), name)
            check_scan(scan)
        except (OctlessonsError, ValueError, OSError) as problem:
            problems.append((name, first_line(problem)))
            continue
        small = resize_image(scan, (WORKING, WORKING))
        scans.append((scan, small))
        places.append(i)
        picture = records[i]
        picture["picture"] = resize_image(small, (THUMBNAIL, THUMBNAIL))
        steps = resize_image(small, (8, 9))
        bits = np.packbits(steps[:, 1:] > steps[:, :-1])
        picture["outline"] = int.from_bytes(bits.tobytes(), "big")
        scan = np.ascontiguousarray(scan)
        picture["pixels"] = crc32(scan.data) << 32 | crc32(small.tobytes(), scan.shape[0])
        picture["seen"] = True
    if scans:
        rows, retinas = sight.see(*map(list, zip(*scans, strict=True)))
        records["features"][places] = rows
        for i, (scan, small), retina in zip(places, scans, retinas, strict=True):
            um = task.pixel_sizes[i] * scan.shape / WORKING
            found = measure_scan(
                small, retina, tuple(um.tolist()) if np.isfinite(um).all() else None
            )
            records["measurements"][i] = [found[name] for name in UNITS]
    stream = io.BytesIO()
    np.save(stream, records)
    return task.key, stream.getvalue(), problems


@lru_cache(maxsize=2)
def _eyes_here(name: str):
    return eyes_named(name)


# ---------------------------------------------------------------------- sharing out


def scan_name(images: ImageSet, i) -> str:
    """What scan i is called in problems."""
    return f"image {i}" if images.names is None else str(images.names[i])


def retina_seen(records: np.ndarray) -> np.ndarray:
    """Whether a retina was found in each scan that could be read, bool (n,)."""
    measured = records["measurements"][:, list(UNITS).index("measured")]
    return records["seen"] & (measured >= RETINA)


def _task(images: ImageSet, shard: range, key: str, eyes: str) -> Task:
    which = slice(shard.start, shard.stop)
    sizes = images.pixel_sizes
    sizes = np.full((len(shard), 2), np.nan) if sizes is None else sizes[which]
    part = images.images[which]
    return Task(
        key,
        part.detached() if hasattr(part, "detached") else part,
        tuple(scan_name(images, i) for i in shard),
        sizes,
        eyes,
    )


def _shared_out(tasks: Iterator[Task], n: int, jobs: int | None, dask: str | None):
    """Results of the tasks, in whatever order they are done."""
    if n == 0:
        return
    if dask is not None:
        yield from _on_dask(tasks, dask)
        return
    jobs = min(jobs or usable_cores(), n)
    if jobs == 1:
        yield from map(look, tasks)
        return
    from joblib import Parallel, delayed

    with Parallel(jobs, return_as="generator_unordered", pre_dispatch=2 * jobs) as parallel:
        yield from parallel(delayed(look)(task) for task in tasks)


def _on_dask(tasks: Iterator[Task], address: str):
    from octlessons._optional import need

    need("distributed", "Many machines work together through Dask")
    from distributed import Client, as_completed

    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise OctlessonsError(f"There is no Dask scheduler at {address}: {error}.") from error
    with client:
        at_once = 2 * max(1, sum(client.nthreads().values()))
        running = as_completed(loop=client.loop)
        for task in islice(tasks, at_once):
            running.add(client.submit(look, task, pure=False, retries=3))
        for future in running:
            for task in islice(tasks, 1):
                running.add(client.submit(look, task, pure=False, retries=3))
            yield future.result()


# ---------------------------------------------------------------------- keeping


def _key(images: ImageSet, shard: range, networks: Sequence[str], files) -> str:
    digest = hashlib.blake2b(digest_size=12)
    digest.update(json.dumps([3, *networks]).encode())
    for i in shard:
        name = "" if images.names is None else str(images.names[i])
        if files is None:
            pixels = np.ascontiguousarray(images.images[i])
            digest.update(f"{name}\0{pixels.shape}{pixels.dtype}".encode("utf-8", "surrogatepass"))
            digest.update(pixels.data)
            continue
        state = [0, 0]
        with suppress(OSError):  # one that has gone is found out when it is read
            found = os.stat(files[i])
            state = [found.st_size, found.st_mtime_ns]
        digest.update(f"{name}\0{files[i]}\0{state}".encode("utf-8", "surrogatepass"))
        if images.pixel_sizes is not None:
            digest.update(np.asarray(images.pixel_sizes[i], float).tobytes())
    return digest.hexdigest()


def _keep(folder: Path, key: str, data: bytes, problems: list[tuple[str, str]]) -> None:
    """Records last: where they are, the problems are there, too."""
    if problems:
        write_atomically(folder / f"{key}.json", json.dumps(problems, ensure_ascii=False))
    write_atomically(folder / f"{key}.npy", data)


def _kept(folder: Path, key: str, kind: np.dtype, n: int):
    """Records and problems of a shard, or None where they are not there, or not whole."""
    try:
        records = np.load(folder / f"{key}.npy")
    except (OSError, ValueError, EOFError):
        return None
    if records.dtype != kind or records.shape != (n,):
        return None
    problems: list[Problem] = []
    if not records["seen"].all():
        try:
            known = json.loads((folder / f"{key}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        problems = [Problem(name, reason) for name, reason in known]
    return records, problems


def _forget_others(folder: Path, keys: set[str]) -> None:
    """Remove records of scans that are no longer part of the run."""
    for file in folder.glob("*.np[y]"):
        if file.stem not in keys:
            with suppress(OSError):
                file.unlink()
                file.with_suffix(".json").unlink(missing_ok=True)
