"""A run: scans are read, looked at, grouped, judged and shown; it can be killed and goes on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from octlessons import _fingerprint
from octlessons._files import write_atomically
from octlessons._runtime import read_card
from octlessons.errors import OctlessonsError
from octlessons.evaluation import things_known
from octlessons.images.imageset import Problem
from octlessons.images.measurements import Measurements
from octlessons.images.measuring import UNITS
from octlessons.images.retina import WORKING
from octlessons.report.beside import telling
from octlessons.report.grouping import group
from octlessons.report.judging import agreed, described, followed, inside_strata
from octlessons.report.likeness import copies
from octlessons.report.looking import NO_RETINA, look_at_all, retina_seen, scan_name
from octlessons.report.mapping import make_map
from octlessons.report.model_file import save_model
from octlessons.report.reading import Read, read_scans
from octlessons.report.report_page import write_page
from octlessons.report.result import ClusterRun, write_tables

#: Files of a finished run; nothing else in its folder is ever touched.
FILES = (
    "report.html", "clusters.csv", "features.npy", "measurements.csv", "model.skops", "run.json",
)  # fmt: skip
RECORDS = "looks"
FEWEST = 3


@dataclass(frozen=True)
class Settings:
    """What decides the result, besides the scans.

    Attributes
    ----------
    representation, clusterer : str
    k : int or None
        None: chosen.
    seed : int
    """

    representation: str = "labels"
    clusterer: str = "kmeans"
    k: int | None = None
    seed: int = 0


def cluster_scans(
    source: Any,
    out: str | os.PathLike | None = None,
    *,
    table: Any = None,
    patients: str | None = "name",
    representation: str = "labels",
    clusterer: str = "kmeans",
    k: int | None = None,
    seed: int = 0,
    jobs: int | None = None,
    dask: str | None = None,
    page_bytes: int = 25_000_000,
    overwrite: bool = False,
    told: Callable[[str, int, int], None] | None = None,
) -> ClusterRun:
    """Group a folder of scans, and write a report.

    Parameters
    ----------
    source, table, patients
        As `octlessons.report.reading.read_scans` takes them.
    out : path, optional
        Folder of the results, where an interrupted run goes on. Without, nothing is written.
    representation : str
        As `octlessons.report.eyes.eyes_named` knows it.
    clusterer, k, seed
        As for `octlessons.report.grouping.group`.
    jobs, dask : int, str, optional
        Processes that look at the scans, one for each core by default; or the address of a Dask
        scheduler whose workers look instead, and reach the files.
    page_bytes, overwrite : int, bool
        Most of the report's size; replace another run in `out`.
    told : callable, optional
        ``told(step, done, n)`` as the work goes on.

    Raises
    ------
    OctlessonsError
        If there is nothing to group, or something cannot be read or written.
    """
    began = time.time()
    tell = told or (lambda step, done, n: None)
    settings = Settings(representation, clusterer, k, seed)
    if isinstance(k, int) and k < 2:
        raise OctlessonsError(f"Scans are grouped into 2 clusters or more, not {k}.")
    with _place(out, overwrite) as folder:
        read = read_scans(source, table=table, patients=patients)
        facts = _facts(read, settings)
        _begin(folder, facts, overwrite)
        look = partial(look_at_all, jobs=jobs, dask=dask, told=partial(tell, "looking"))
        seen = look(read.scans, representation, folder / RECORDS, files=read.files)
        tell("grouping", 0, 1)
        run = _judged(read, *seen, settings, facts, None if out is None else folder)
        tell("writing", 0, 1)
        if out is not None:
            _write(run, folder, page_bytes, began)
        tell("writing", 1, 1)
        return run


def _write(run: ClusterRun, folder: Path, page_bytes: int, began: float) -> None:
    """Write all that a run leaves; that it is finished is said last."""
    _clear(folder)
    write_tables(run, folder)
    save_model(folder / "model.skops", run.grouping.model)
    run.run["seconds"] = round(time.time() - began, 1)
    run.run["left out"] = {problem.path: problem.reason for problem in run.left_out}
    write_page(run, folder / "report.html", page_bytes)
    write_atomically(folder / "run.json", _json({**run.run, "finished": True}))


def _judged(read: Read, records, problems, settings: Settings, facts: dict, folder) -> ClusterRun:
    """Group what was seen and ask of the groups all that can be asked."""
    retina = retina_seen(records)
    problems = [*read.left_out, *problems]
    for i in np.flatnonzero(records["seen"] & ~retina):
        problems.append(Problem(scan_name(read.scans, i), NO_RETINA, "no retina"))
    kept = np.flatnonzero(retina)
    if len(kept) < FEWEST:
        raise OctlessonsError(
            f"{len(kept)} of {len(records)} scans show a retina, too few to group: {FEWEST} are "
            "the least. Give OCT B-scans as the scanner shows them, light tissue on a dark ground."
        )
    scans, seed = read.scans.subset(kept), settings.seed
    known = scans.pixel_sizes is not None and np.isfinite(scans.pixel_sizes).all()
    measurements = Measurements(
        dict(zip(UNITS, records["measurements"][kept].T, strict=True)),
        {name: unit[0 if known else 1] for name, unit in UNITS.items()},
        (read.name(i) for i in kept),
    )
    rows = np.ascontiguousarray(records["features"][kept])
    grouping = group(
        rows, clusterer=settings.clusterer, k=settings.k, patients=scans.patients, seed=seed
    )
    blank = np.broadcast_to(np.zeros((), np.uint8), (len(kept), WORKING, WORKING))
    more = telling({name: values[kept] for name, values in read.things.items()})
    things = {**things_known(blank, measurements), **more}
    found = followed(scans, grouping.clusters, things, seed)
    return ClusterRun(
        scans=scans,
        files=[read.name(i) for i in kept],
        features=rows,
        measurements=measurements,
        pictures=records["picture"][kept],
        grouping=grouping,
        things=things,
        followed=found,
        agreed=agreed(scans, grouping.clusters, seed),
        strata=[] if found is None else inside_strata(scans, grouping.clusters, found, things),
        descriptions=described(grouping.clusters, measurements, scans.patients, seed),
        copies=copies(
            records["pixels"][kept], records["outline"][kept], records["picture"][kept],
            scans.patients,
        ),
        map=make_map(rows, seed),
        left_out=problems,
        run=facts,
        folder=folder,
    )  # fmt: skip


# ---------------------------------------------------------------------- the folder of a run


@contextlib.contextmanager
def _place(out, overwrite: bool) -> Iterator[Path]:
    """The folder of the results, locked; a passing one where nothing is to be kept."""
    import tempfile

    if out is None:
        with tempfile.TemporaryDirectory() as passing:
            yield Path(passing)
        return
    folder = Path(os.path.expanduser(out))
    others = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = sorted(set(os.listdir(folder)) - {*FILES, RECORDS, ".lock"})
        lock = filelock.FileLock(folder / ".lock", timeout=0)
        lock.acquire()
    except filelock.Timeout as error:
        raise OctlessonsError(
            f"Another run writes to {folder} at this moment: wait for it, or give another folder."
        ) from error
    except OSError as error:
        raise OctlessonsError(
            f"{folder} cannot be written to ({error.strerror or error}): give another folder."
        ) from error
    try:
        if others and not (folder / "run.json").is_file() and not overwrite:
            raise OctlessonsError(
                f"{folder} holds something else ({others[0]}): give a new folder, or --overwrite, "
                "which adds the results and leaves the rest as it is."
            )
        yield folder
    finally:
        lock.release()


def _begin(folder: Path, facts: dict, overwrite: bool) -> None:
    """Say what this run is; refuse to mix it with another."""
    file = folder / "run.json"
    if file.is_file():
        try:
            before = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            before = {}
        other = [
            name for name in ("source", "settings") if before.get(name) not in (None, facts[name])
        ]
        if other and not overwrite:
            raise OctlessonsError(
                f"{folder} holds a run with other {' and '.join(other)}: give another folder, or "
                "--overwrite to replace it."
            )
    write_atomically(file, _json({**facts, "finished": False}))


def _clear(folder: Path) -> None:
    """Remove the results of a run before, now that there are new ones; `run.json` is replaced."""
    for name in set(FILES) - {"run.json"}:
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def _facts(read: Read, settings: Settings) -> dict[str, Any]:
    """What was run, in words and numbers that JSON can hold."""
    from octlessons import __version__

    digest = hashlib.sha256()
    for i in range(len(read.scans)):
        digest.update(f"{read.name(i)}\0".encode("utf-8", "surrogatepass"))
        if read.files is not None:
            with contextlib.suppress(OSError):
                digest.update(str(os.stat(read.files[i]).st_size).encode())
    networks = {name: read_card(name)["sha256"] for name in ("layers", "labels", "views")}
    return {
        "octlessons": __version__,
        "versions": _fingerprint.versions(),
        "networks": networks,
        "source": read.source,
        "scans": len(read.scans),
        "checksum of names and sizes": digest.hexdigest(),
        "settings": asdict(settings),
    }


def _json(facts: dict) -> str:
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
