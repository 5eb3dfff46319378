"""What is done with a finished run: new scans put into its groups, two runs compared."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.report.looking import NO_RETINA, look_at_all, retina_seen, scan_name
from octlessons.report.model_file import load_model
from octlessons.report.reading import read_scans
from octlessons.wording import Table, count, decimal, percent, safe_row

#: A scan lies outside of what a run knows if it is odder than all but this share of the run's own.
OUTSIDE = 0.01


@dataclass(frozen=True, repr=False)
class Assigned(Table):
    """New scans in the groups of a run.

    Attributes
    ----------
    files : list of str
    clusters : ndarray of int, shape (n,)
        −1 where no retina was found or the file could not be read.
    outside : ndarray of bool, shape (n,)
        Whether a scan is unlike those that the run has seen.
    oddness : ndarray of float, shape (n,)
        NaN where there is no row.
    limit : float
        Oddness from which a scan counts as outside.
    reasons : list of str
        Why a scan has no cluster; empty where it has one.
    """

    files: list[str]
    clusters: np.ndarray
    outside: np.ndarray
    oddness: np.ndarray
    limit: float
    reasons: list[str]

    _header = ("group", "scans", "outside")

    def _caption(self) -> str:
        return f"{count(len(self.files), 'scan')} put into the groups"

    def _cells(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for c in np.unique(self.clusters):
            own = self.clusters == c
            name = "none" if c < 0 else str(c + 1)
            rows.append((name, f"{own.sum():,}", f"{(own & self.outside).sum():,}"))
        return rows

    def _note(self) -> str:
        return (
            f"{percent(float(self.outside.mean()))} lie outside of what the run knows: odder than "
            f"99 % of its own scans. Their group says little."
        )


def assign(
    run: str | os.PathLike,
    source: Any,
    out: str | os.PathLike | None = None,
    *,
    table: Any = None,
    patients: str | None = "name",
    jobs: int | None = None,
) -> Assigned:
    """Put new scans into the groups of a finished run.

    Parameters
    ----------
    run : path
        The folder of the run.
    source, table, patients, jobs
        As for `cluster_scans`.
    out : path, optional
        A CSV file for the result.

    Returns
    -------
    Assigned

    Raises
    ------
    OctlessonsError
        If the run is not finished or cannot be read, or there are no scans.
    """
    folder = Path(os.path.expanduser(run))
    facts = finished(folder)
    model = load_model(folder / "model.skops")
    read = read_scans(source, table=table, patients=patients)
    with tempfile.TemporaryDirectory() as place:
        eyes = facts["settings"]["representation"]
        records, problems = look_at_all(read.scans, eyes, Path(place), files=read.files, jobs=jobs)
    names = [read.name(i) for i in range(len(read.scans))]
    seen = retina_seen(records)
    clusters = np.full(len(names), -1)
    oddness = np.full(len(names), np.nan)
    shorten, grouper = model[0], model[-1]
    known = np.load(folder / "features.npy", mmap_mode="r")
    some = known[np.linspace(0, len(known) - 1, min(len(known), 2_000)).astype(int)]
    limit = float(np.quantile(grouper.oddness(shorten.transform(some)), 1 - OUTSIDE))
    if seen.any():
        rows = shorten.transform(records["features"][seen])
        clusters[seen], oddness[seen] = grouper.predict(rows), grouper.oddness(rows)
    why = {problem.path: problem.reason for problem in problems}
    reasons = [
        "" if ok else why.get(scan_name(read.scans, i), NO_RETINA) for i, ok in enumerate(seen)
    ]
    found = Assigned(names, clusters, np.nan_to_num(oddness) > limit, oddness, limit, reasons)
    if out is not None:
        write_atomically(Path(out), _as_csv(found))
    return found


def _as_csv(found: Assigned) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["file", "cluster", "outside", "oddness", "reason"])
    for i, name in enumerate(found.files):
        odd = "" if np.isnan(found.oddness[i]) else f"{found.oddness[i]:.4f}"
        cluster = str(found.clusters[i] + 1) if found.clusters[i] >= 0 else ""
        outside = "yes" if found.outside[i] else "no"
        rows.writerow(safe_row([name, cluster, outside, odd, found.reasons[i]]))
    return text.getvalue()


@dataclass(frozen=True, repr=False)
class Compared(Table):
    """Two runs on the same scans, or on some that both have.

    Attributes
    ----------
    n : int
        Scans in both.
    ari : float
        Adjusted Rand index of the two groupings.
    table : ndarray of int, shape (k, l)
        Scans of each group of the first and of the second.
    settings : list of (str, str, str)
        What was set differently: name, first, second.
    moved : list of str
        Scans that are not in the group to which most of their first group went.
    """

    n: int
    ari: float
    table: np.ndarray
    settings: list[tuple[str, str, str]]
    moved: list[str]

    @property
    def _header(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("first \\ second", *(str(c + 1) for c in range(self.table.shape[1])))

    def _caption(self) -> str:
        other = "; ".join(f"{name} {a} and {b}" for name, a, b in self.settings) or "nothing"
        return f"{count(self.n, 'scan')} in both runs. Set differently: {other}."

    def _cells(self) -> list[tuple[str, ...]]:
        return [(str(i + 1), *map(str, row)) for i, row in enumerate(self.table.tolist())]

    def _note(self) -> str:
        return (
            f"The groups agree by ARI {decimal(self.ari)} (1: the same, 0: as by chance); "
            f"{count(len(self.moved), 'scan')} went elsewhere than most of their group."
        )


def compare(first: str | os.PathLike, second: str | os.PathLike) -> Compared:
    """Compare two finished runs.

    Parameters
    ----------
    first, second : path
        Folders of the runs.

    Returns
    -------
    Compared

    Raises
    ------
    OctlessonsError
        If a run is not finished, or they have no scan in common.
    """
    from sklearn.metrics import adjusted_rand_score

    folders = [Path(os.path.expanduser(folder)) for folder in (first, second)]
    facts = [finished(folder)["settings"] for folder in folders]
    a, b = map(_clusters_of, folders)
    both = [name for name in a if name in b]
    if not both:
        raise OctlessonsError(f"{folders[0]} and {folders[1]} have no scan in common.")
    one, two = np.array([a[name] for name in both]), np.array([b[name] for name in both])
    table = np.zeros((one.max() + 1, two.max() + 1), int)
    np.add.at(table, (one, two), 1)
    went = table.argmax(axis=1)
    return Compared(
        n=len(both),
        ari=float(adjusted_rand_score(one, two)),
        table=table,
        settings=[
            (k, str(facts[0][k]), str(facts[1].get(k)))
            for k in facts[0]
            if facts[0][k] != facts[1].get(k)
        ],
        moved=[name for name, i, j in zip(both, one, two, strict=True) if went[i] != j],
    )


def finished(folder: Path) -> dict[str, Any]:
    """What a finished run says of itself."""
    try:
        facts = json.loads((folder / "run.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise OctlessonsError(
            f"{folder} holds no run: give the folder that octlessons cluster wrote."
        ) from error
    if not facts.get("finished"):
        raise OctlessonsError(f"The run in {folder} is not finished: run the same command again.")
    return facts


def _clusters_of(folder: Path) -> dict[str, int]:
    """Cluster of each file, from 0; scans in none are left out."""
    try:
        with open(folder / "clusters.csv", encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return {row["file"]: int(row["cluster"]) - 1 for row in rows if int(row["cluster"])}
    except (OSError, ValueError, KeyError) as error:
        raise OctlessonsError(
            f"{folder / 'clusters.csv'} cannot be read ({error}): run octlessons cluster again."
        ) from error
