"""Scans from wherever they lie, with all that is known of each."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from octlessons.errors import OctlessonsError, first_line
from octlessons.images._decoding import read_image, shown
from octlessons.images._layout import class_order
from octlessons.images._lazy import LazyImages
from octlessons.images._listed import is_table, more_known
from octlessons.images._patients import naming
from octlessons.images._survey import is_image_name, natural
from octlessons.images.folder import (
    FolderError,
    FolderWarning,
    describe_problems,
    read_survey,
    survey_source,
)
from octlessons.images.imageset import ImageSet, Problem, Provenance
from octlessons.images.sources import load_images
from octlessons.report import beside
from octlessons.report.arrays import read_arrays
from octlessons.report.volumes import is_volume, kind_of, pictures_of, read_slice, slices_of
from octlessons.wording import count


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
    slices : sequence of int, or None
        Number of each scan in its file, from 1; 0 for a file that is one scan. None where all are.
    """

    scans: ImageSet
    files: Sequence[str] | None
    source: str
    left_out: list[Problem] = field(default_factory=list)
    things: Mapping[str, np.ndarray] = field(default_factory=dict)
    slices: Sequence[int] | None = None

    def name(self, i) -> str:
        """What scan i is called: its path, with ``#3`` for the third in its file, or its name."""
        if self.files is None:
            return f"image {i}" if self.scans.names is None else str(self.scans.names[i])
        name = self.files[i].encode("utf-8", "replace").decode()  # of an older encoding, too
        if self.slices is None or not self.slices[i]:
            return name
        return f"{name}#{self.slices[i]}"


def read_scans(source: Any, *, table: Any = None, patients: str | None = "name") -> Read:
    """Read scans lazily.

    Parameters
    ----------
    source : path, list of paths, table, name of a data set, or ImageSet
        A folder, nested or flat, of JPEG, PNG, TIFF (each page is a scan), BMP, and, with the extra
        ``oct``, DICOM and Heidelberg's E2E, VOL and XML; one such file; ``.npz`` as `read_arrays`
        takes it; ``"phantoms"``, ``"octmnist"``, ``"octmnist-64"`` and so on.
    table : path or table, optional
        What is known of the files of a folder: a column ``file``, and any of label, patient, site,
        eye, date.
    patients : str or None
        How patients are found in names; see `octlessons.images.read_folder`. Scans of one volume
        of which nothing else is known are one patient's, unless it is None.

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
    name = os.fspath(source) if isinstance(source, str | os.PathLike) else ""
    arrays = name.casefold().endswith((".npz", ".npy"))
    drawn = not os.path.exists(name) and (name == "phantoms" or name.startswith("octmnist"))
    if arrays or drawn:
        if table is not None:
            raise OctlessonsError(f"A table tells of the files of a folder; {name} is none.")
        scans = read_arrays(name) if arrays else load_images(name)
        return Read(scans, None, scans.provenance.description, list(scans.provenance.problems))
    return _read_files(source, table, patients)


@dataclass
class _Scan:
    """A row that becomes part of the set."""

    path: str
    name: str
    number: int = 0  # of a slice, from 1; 0 for a file that is one image
    size: tuple[int, int] = (0, 0)
    label: str | None = None
    patient: str | None = None
    site: str | None = None
    eye: str = ""
    date: str = ""
    volume: str = ""
    pixel_size: tuple[float, float] = (np.nan, np.nan)
    bits: int = 0


class _Reader:
    """Reads image i of files with one image and with several; picklable."""

    def __init__(self, files: Sequence[tuple[str, int]], bits: int | None):
        self.files, self.bits = files, bits

    def subset(self, which) -> _Reader:
        """The reader of some of the images."""
        return _Reader([self.files[int(i)] for i in which], self.bits)

    def __call__(self, i: int) -> np.ndarray:
        path, number = self.files[i]
        if number == 0:
            return read_image(path, bits=self.bits)
        return read_slice(path, number, self.bits)


def _read_files(source: Any, table: Any, patients: str | None) -> Read:
    """Images by the reader of the course; then each page and slice becomes a row of its own."""
    if isinstance(source, str | os.PathLike) and not is_table(source):
        place = os.path.expanduser(os.fspath(source))
        if os.path.isfile(place) and (is_image_name(place) or is_volume(place)):
            source = [place]
    listed = not isinstance(source, str | os.PathLike) and not is_table(source)
    if table is not None and (listed or is_table(source)):
        raise OctlessonsError("A table tells of the files of a folder: give the folder, too.")
    survey, warning = survey_source(source, table, also=is_volume)
    volumes = [file for file in survey.files if not is_image_name(file.path)]
    root, bits = str(survey.root), None
    problems: list[Problem] = []
    sliced: list[_Scan] = []
    inside: set[str] = set()
    for file in volumes:
        found = _volume(root, file, patients, problems)
        sliced += found
        if found and kind_of(found[0].path) == "XML":  # else its pictures are read as pictures
            inside |= pictures_of(found[0].path)
    survey.files = [
        file
        for file in survey.files
        if is_image_name(file.path) and os.path.join(root, file.path) not in inside
    ]
    known = {file.path: file for file in survey.files}
    scans: list[_Scan] = []
    told = Provenance(survey.name, f"Images read from {survey.source}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FolderWarning)  # every problem stands in the report
            images = read_survey(survey, warning, patients)
        told, bits = images.provenance, images.images._read.bits
        problems += told.problems
        for i, path in enumerate(images.images._read.paths):
            scans += _image(images, i, os.path.join(root, path), known[path].pages, problems)
    except FolderError as error:
        problems += error.problems
        if not volumes:
            raise
    scans += sliced
    bits = max([bits or 0, *(scan.bits for scan in scans if scan.bits)], default=0) or None
    problems.sort(key=lambda problem: natural(problem.path))
    if not scans:
        text = describe_problems(problems, survey.source)
        raise FolderError(
            f"There is no scan that can be used in {survey.source}.\n{text}", problems
        )
    more = {}
    if table is not None:
        more = more_known(table, survey.root, is_volume)
    elif is_table(source):
        more = more_known(source, also=is_volume)
    return _together(scans, bits, patients, told, problems, more)


def _image(images: Any, i: int, path: str, pages: bool, problems: list) -> list[_Scan]:
    """The rows of one image file: one, or one for each page."""
    label = None if images.labels is None else images.class_names[images.labels[i]]
    patient = None if images.patients is None else str(images.patients[i])
    site = None if images.sites is None else str(images.sites[i])
    name, (height, width) = str(images.names[i]), images.sizes[i].tolist()
    whole = _Scan(path, name, size=(height, width), label=label, patient=patient, site=site)
    if not pages:
        return [whole]
    try:
        found = slices_of(path)
    except OctlessonsError as error:
        problems.append(Problem(name, first_line(error) + ".", "corrupt"))
        return []
    if len(found) == 1:
        return [replace(whole, bits=found[0].bits)]
    return [
        replace(
            whole, name=f"{name}#{one.number}", number=one.number, size=one.size, volume=name,
            bits=one.bits,
        )
        for one in found
    ]  # fmt: skip


def _volume(root: str, file: Any, patients: str | None, problems: list) -> list[_Scan]:
    """The rows of one volume, or none and a problem."""
    path, name = os.path.join(root, file.path), shown(file.path)
    try:
        found = slices_of(path)
    except OctlessonsError as error:
        problems.append(Problem(name, str(error), "volume"))
        return []
    ids = [] if patients is None else naming(patients)([file])[1]
    own = file.patient or (ids[0] if ids else None)
    return [
        _Scan(
            path=path,
            name=f"{name}#{one.number}",
            number=one.number,
            size=one.size,
            label=file.label,
            patient=None if patients is None else own or one.patient or None,
            site=file.site,
            eye=one.eye,
            date=one.date,
            volume=f"{name} {one.volume}".strip(),
            pixel_size=one.pixel_size,
        )
        for one in found
    ]


def _together(
    scans: list[_Scan],
    bits: int | None,
    patients: str | None,
    told: Provenance,
    problems: list[Problem],
    more: dict[str, dict[str, str]],
) -> Read:
    """One set of all rows."""
    sliced = any(scan.number for scan in scans)
    ids = [scan.patient for scan in scans]
    if patients is not None and (sliced or any(ids)) and not all(ids):
        n = len({scan.volume or scan.name for scan in scans if not scan.patient})
        told = told.with_notes(f"{count(n, 'file')} taken for a patient of their own")
        ids = [scan.patient or scan.volume or scan.name for scan in scans]
    found = [scan.label for scan in scans if scan.label]
    labels = found if len(found) == len(scans) else None
    classes = sorted(set(labels or ()), key=class_order)
    sizes = np.array([scan.size for scan in scans])
    side = tuple(sizes[0].tolist()) if (sizes == sizes[0]).all() else (None, None)
    pixel_sizes = np.array([scan.pixel_size for scan in scans])
    reader = _Reader([(scan.path, scan.number) for scan in scans], bits)
    images = ImageSet(
        LazyImages(reader, len(scans), side),
        None if labels is None else [classes.index(label) for label in labels],
        class_names=classes,
        patients=ids if all(ids) else None,
        sites=[scan.site for scan in scans] if all(scan.site for scan in scans) else None,
        sizes=sizes,
        pixel_sizes=pixel_sizes if np.isfinite(pixel_sizes).any() else None,
        names=[scan.name for scan in scans],
        provenance=replace(told, problems=tuple(problems)),
    )
    eyes, dates = more.get("eye", {}), more.get("date", {})
    things = {
        "eye": beside.eyes([eyes.get(scan.path, scan.eye) for scan in scans]),
        "date": beside.dates([dates.get(scan.path, scan.date) for scan in scans]),
        "file date": beside.file_dates([scan.path for scan in scans]),
    }
    if sliced:
        things["volume"] = np.array([scan.volume or "not in a volume" for scan in scans])
    return Read(
        images,
        [scan.path for scan in scans],
        told.description,
        problems,
        beside.telling(things),
        [scan.number for scan in scans] if sliced else None,
    )
