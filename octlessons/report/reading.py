"""Scans from wherever they lie, with all that is known of each."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from octlessons.images.folder import FolderWarning
from octlessons.images.imageset import ImageSet, Problem
from octlessons.images.sources import load_images


@dataclass(frozen=True)
class Read:
    """Scans to group.

    Attributes
    ----------
    scans : ImageSet
    files : sequence of str, or None
        Path of each scan's file; None where they are in memory.
    source : str
        What was read, in words.
    left_out : list of Problem
        Files that cannot be used, and why.
    things : mapping of str to ndarray of str, shape (n,)
        What else is known of each scan, such as its eye.
    """

    scans: ImageSet
    files: Sequence[str] | None
    source: str
    left_out: list[Problem] = field(default_factory=list)
    things: Mapping[str, np.ndarray] = field(default_factory=dict)

    def name(self, i: int) -> str:
        """What scan i is called: its path, or its name."""
        if self.files is not None:
            return self.files[i]
        return f"image {i}" if self.scans.names is None else str(self.scans.names[i])


def read_scans(source: Any, *, table: Any = None, patients: str | None = "name") -> Read:
    """Read scans lazily.

    Parameters
    ----------
    source : path, list of paths, table, name of a data set, or ImageSet
    table : path or table, optional
        What is known of each file: a column ``file``, and any of label, patient, site.
    patients : str or None
        How patients are found in names; see `octlessons.images.read_folder`.

    Returns
    -------
    Read

    Raises
    ------
    OctlessonsError
        If nothing can be read.
    """
    if isinstance(source, ImageSet):
        return Read(source, None, source.provenance.name, list(source.provenance.problems))
    options = {} if table is None else {"table": table}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FolderWarning)  # every problem stands in the report
        scans = load_images(source, patients=patients, **options)
    reader = getattr(scans.images, "_read", None)
    files = None
    if hasattr(reader, "paths"):
        files = [os.path.join(reader.root, path) for path in reader.paths]
    return Read(scans, files, scans.provenance.description, list(scans.provenance.problems))
