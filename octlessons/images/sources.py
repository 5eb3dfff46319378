"""One call for the images of a page, whatever source the book is built on."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.images._layout import survey_folder
from octlessons.images._survey import Tree, existing_folder
from octlessons.images.folder import read_folder
from octlessons.images.imageset import ImageSet
from octlessons.images.medmnist import SIZES, load_octmnist

#: The environment variable through which ``octlessons build --data`` tells the pages their source.
DATA_VARIABLE = "OCTLESSONS_DATA"


@dataclass(frozen=True)
class Data:
    """What a site is built on.

    Attributes
    ----------
    name : str
        For people: ``"phantoms"``, ``"octmnist-64"``, or the name of a folder.
    value : str
        For the pages: the same, or the absolute path of the folder.
    fingerprint : str
        Changes when the data change: for a folder a hash of names, sizes and times of its files.
    seed : int
        What `draw_phantoms` is moved by: 0 for the book as it is published.
    """

    name: str
    value: str
    fingerprint: str
    seed: int = 0

    @property
    def edition(self) -> str:
        """Name of the folder under ``_build`` for a site on these data."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", self.name).strip("-.") or "data"
        ours = re.fullmatch(
            r"(phantoms|octmnist-\d+|html(\.(new|old))?|page|tutor|work)", name, re.I
        )
        seeded = f"-seed-{self.seed}" if self.seed else ""
        return f"folder-{name}{seeded}" if self.is_folder and ours else f"{name}{seeded}"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of scans, whatever its name."""
        return self.value != self.name


def load_images(
    source: Any = None,
    *,
    size: int | None = None,
    n_per_class: int | None = None,
    seed: int = 0,
    **options: Any,
) -> ImageSet:
    """Load images from any source of the course; every page of the book calls this.

    Parameters
    ----------
    source : str, path, sequence of paths, or table, optional
        ``"phantoms"``: synthetic scans, drawn on the spot. ``"octmnist"``, or ``"octmnist-64"``
        and so on: the training part of OCTMNIST. Anything else is read by `read_folder`: a
        folder, a list of files, a CSV file or a DataFrame. Without it the environment variable
        ``OCTLESSONS_DATA`` decides, and without that ``"phantoms"``.
    size : int, optional
        Height and width in pixels of the images that come back; without it phantoms are 128 px,
        OCTMNIST the size in its name (28 px without one), and files keep their own sizes and are
        read lazily. A larger size than the stored one enlarges the stored images.
    n_per_class : int, optional
        At most this many images of each class, and of each class the same number. Sources with
        fewer give as many as their smallest class has, and the provenance says so. Without it:
        400 phantoms in the class mix of Kermany et al. (2018), or everything there is.
    seed : int
        Seed of the phantoms, and of the draw.
    **options
        For files: as `read_folder` takes them, such as ``patients`` or ``on_problem``.

    Returns
    -------
    ImageSet

    Raises
    ------
    OctlessonsError
        If the source cannot be found or read; the sentence says what to do.
    """
    _check_counts(size=size, n_per_class=n_per_class)
    source = source if source is not None else os.environ.get(DATA_VARIABLE) or "phantoms"
    if isinstance(source, str) and (source == "phantoms" or source.startswith("octmnist")):
        if options:
            raise TypeError(f"{', '.join(options)}: for files only, not for {source!r}.")
        if source == "phantoms":
            from octlessons.images.phantoms import draw_phantoms

            return draw_phantoms(size=size or 128, n_per_class=n_per_class, seed=seed)
        images = load_octmnist(size=_octmnist_size(source), split="train")
    else:
        images = _files(source, options)
    if n_per_class is not None:
        images = _evenly(images, n_per_class, seed)
    if size is not None and images.shape[1:3] != (size, size):
        images = images.resize(size)
        images = images.load() if n_per_class is not None else images
    return images


def _check_counts(**counts: Any) -> None:
    for name, value in counts.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and not (whole and value > 0):
            kind = ValueError if whole or isinstance(value, float) else TypeError
            raise kind(f"`{name}` is a positive whole number, not {value!r}.")


def _files(source: Any, options: dict[str, Any]) -> ImageSet:
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        if name.casefold().endswith((".npz", ".npy")):
            raise OctlessonsError(
                f"{name} holds arrays, not image files. A set of MedMNIST is read by "
                "load_medmnist('octmnist', root=folder), anything else by "
                "ImageSet(numpy.load(file)['images'], labels)."
            )
        if not os.path.exists(os.path.expanduser(name)):
            other = name.casefold().partition("-")[0]
            hint = f" For {other} call load_medmnist({other!r})." if other.endswith("mnist") else ""
            raise OctlessonsError(
                f"There is no data source called {name!r}: give 'phantoms', 'octmnist', or the "
                f"path of a folder of scans, with one sub-folder per class.{hint}"
            )
    return read_folder(source, **options)


def _octmnist_size(source: str) -> int:
    sizes = {"octmnist": SIZES[0], **{f"octmnist-{size}": size for size in SIZES}}
    if source not in sizes:
        raise OctlessonsError(
            f"There is no data source called {source!r}: OCTMNIST comes as 'octmnist' (28 px), "
            f"'octmnist-64' and so on, with one of {', '.join(map(str, SIZES))}. For a folder of "
            f"that name write './{source}', for a file load_medmnist('octmnist', root=folder)."
        )
    return sizes[source]


def _evenly(images: ImageSet, n_per_class: int, seed: int) -> ImageSet:
    if images.labels is None:
        return images.with_notes("all images, as without labels there is no number of each class")
    smallest = min(n for n in images.counts().values() if n)
    chosen = images.balanced(min(n_per_class, smallest), seed)
    if len(chosen) < len(images):
        said = (
            f"{len(chosen):,} of its {len(images):,} images are used, equally many of each class."
        )
        told = f"{images.provenance.description} {said}".strip()
        chosen = chosen.replace(provenance=replace(chosen.provenance, description=told))
    if smallest < n_per_class:
        return chosen.with_notes(
            f"{n_per_class} of each class were asked for; the smallest class has {smallest}"
        )
    return chosen


def resolve_data(source: str, seed: int = 0) -> Data:
    """Check the name or path of a data source.

    Parameters
    ----------
    source : str
        ``"phantoms"``, ``"octmnist"``, ``"octmnist-64"``, or the path of a folder of scans.
    seed : int
        Which other draw of all phantoms; 0 for that of the published book.

    Raises
    ------
    OctlessonsError
        If there is no such source, or the seed is below 0.
    """
    if seed < 0:
        raise OctlessonsError(f"A seed is a whole number from 0 on, not {seed}.")
    return replace(_resolved(source), seed=seed)


def _resolved(source: str) -> Data:
    if source == "phantoms":
        return Data("phantoms", "phantoms", "phantoms")
    if source == "octmnist" or source.startswith("octmnist-"):
        return Data(*[f"octmnist-{_octmnist_size(source)}"] * 3)
    folder = Path(os.path.expanduser(source))
    if not os.path.isdir(folder) or not source:
        raise OctlessonsError(
            f"There is no folder {source or 'without a name'} and no data source of that name. "
            f"Give --data phantoms, --data octmnist-{SIZES[1]}, or the path of a folder "
            "with one sub-folder of scans per class."
        )
    folder = folder.resolve()
    return Data(folder.name, str(folder), _folder_hash(folder))


def check_classes(data: Data) -> None:
    """Raise OctlessonsError if these are files without classes, which the book needs."""
    if data.is_folder:
        survey, _ = survey_folder(existing_folder(data.value))
        if not survey.class_names():
            raise OctlessonsError(
                f"The book compares clusters with diagnoses, and {data.value} does not say them: "
                "put the scans into one sub-folder per class, such as CNV/CNV-103044-10.jpeg. "
                "Without labels, load_images(folder) reads them in a notebook."
            )


def _folder_hash(folder: Path) -> str:
    """Hash of the names, sizes and modification times of the files that `read_folder` sees."""
    tree, digest = Tree(folder), hashlib.sha256()
    for name in sorted({*tree.images, *tree.others, *(p.path for p in tree.problems)}):
        try:
            state = os.stat(os.path.join(folder, name))
            changes = "" if stat.S_ISDIR(state.st_mode) else f"{state.st_size}\0{state.st_mtime_ns}"
            line = f"{name}\0{changes}\n"
        except OSError:
            line = f"{name}\0unreadable\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
