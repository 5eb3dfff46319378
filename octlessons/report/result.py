"""The result of a run: what `cluster_scans` returns, and the files that hold it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from octlessons._files import write_atomically
from octlessons.evaluation import Agreement
from octlessons.evaluation.nuisances import Nuisance
from octlessons.images.imageset import ImageSet, Problem
from octlessons.images.measurements import Measurements
from octlessons.report.grouping import Grouping
from octlessons.report.judging import Description, Stratum
from octlessons.report.likeness import Copies
from octlessons.report.mapping import Map
from octlessons.wording import count, safe_row


@dataclass(frozen=True, repr=False)
class ClusterRun:
    """Groups of scans, and all that is known of them.

    Attributes
    ----------
    scans : ImageSet
        The scans that were grouped, lazily read; n of them.
    files : list of str
        Path of each; its name where it is no file.
    features : ndarray of float32, shape (n, d)
    measurements : Measurements
        One row for each scan.
    pictures : ndarray of uint8, shape (n, 32, 32)
    grouping : Grouping
        Clusters, their number and why, silhouettes, oddness, who stays with whom.
    things : dict of str to ndarray of str, shape (n,)
        Groups that clusters were compared with.
    followed : Nuisance or None
        What the clusters follow.
    agreed : Agreement or None
        Agreement with the labels, where there are any.
    strata : list of Stratum
        What is left of it inside of what the clusters follow.
    descriptions : dict of int to Description
        Each cluster in measured words.
    copies : Copies
    map : Map
    left_out : list of Problem
        Files that were not grouped, and why.
    run : dict
        What was run: settings, versions, seeds, checksum of the scans, seconds.
    folder : Path or None
        Where the files lie.
    """

    scans: ImageSet
    files: list[str]
    features: np.ndarray
    measurements: Measurements
    pictures: np.ndarray
    grouping: Grouping
    things: dict[str, np.ndarray]
    followed: Nuisance | None
    agreed: Agreement | None
    strata: list[Stratum]
    descriptions: dict[int, Description]
    copies: Copies
    map: Map
    left_out: list[Problem]
    run: dict[str, Any]
    folder: Path | None = None

    @property
    def clusters(self) -> np.ndarray:
        """Cluster of each scan, from 0; −1 for none."""
        return self.grouping.clusters

    def __len__(self) -> int:
        return len(self.scans)

    def __repr__(self) -> str:
        stands = {True: "stands out", False: "no number stands out", None: "as asked"}
        return (
            f"{count(len(self), 'scan')} in {count(self.grouping.k, 'cluster')} "
            f"({stands[self.grouping.stands_out]}), {count(len(self.left_out), 'file')} left out"
        )


def clusters_table(run: ClusterRun) -> str:
    """`clusters.csv`: one line for each scan, safe to open in a spreadsheet."""
    grouping, scans = run.grouping, run.scans
    columns: dict[str, Any] = {
        "file": run.files,
        "cluster": np.where(grouping.clusters >= 0, grouping.clusters + 1, 0),
        "silhouette": [_number(value) for value in grouping.silhouettes],
        "doubtful": np.where(grouping.doubtful, "yes", "no"),
        "oddness": [_number(value) for value in grouping.oddness],
        "map_x": [_number(value) for value in run.map.places[:, 0]],
        "map_y": [_number(value) for value in run.map.places[:, 1]],
    }
    if scans.labels is not None:
        columns["label"] = [scans.class_names[label] for label in scans.labels]
    for name, values in (("patient", scans.patients), ("site", scans.sites)):
        if values is not None:
            columns[name] = values
    copy_of = [""] * len(run)
    for first, again in run.copies.pairs:
        copy_of[again] = run.files[first]
    columns["copy_of"] = copy_of
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows(map(safe_row, zip(*columns.values(), strict=True)))
    return text.getvalue()


def _number(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else ""


def write_tables(run: ClusterRun, folder: Path) -> None:
    """Write `features.npy`, `measurements.csv` and `clusters.csv`, each whole or not at all."""
    write_atomically(folder / "features.npy", lambda stream: np.save(stream, run.features))
    run.measurements.to_csv(folder / "measurements.csv")
    write_atomically(folder / "clusters.csv", clusters_table(run))
