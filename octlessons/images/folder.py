"""Read scans from files: a folder such as the Kermany et al. set, a list of paths, or a table.

Only headers are read at first; pixels come when they are asked for. Whatever cannot be used is
listed by name with its reason, and is either skipped or refuses the whole set.

*Which files count.* Images may lie loose, in one folder per class, or deeper; ``train``, ``val``
and ``test`` may stand above the classes or below. Without a `layout`, loose images are read if
most are loose, and folders beside them are set aside; else outer folders are classes, or patients
if all have names like P017 or 103044, also below classes. Folders that do not say what they are
(deeper ones, eyes, dates) give images without classes and patients, and a warning. Folders of the
system, hidden ones, thumbnails, masks, and outer folders that hold nothing but the data folder do
not count. Pictures of other formats are named with what to convert them with.

*Patients.* Where neither folders nor a table say it, ``"name"`` takes the first number of
``CLASS-patient-number``; a file in a class folder with another name, or with the name of another
class, is a problem, because a split by patient would be wrong. When no file at all is named like
that, all are read and patients are unknown. ``"stem"`` takes a file with another name for a
patient of its own.

*Terms and source.* A file LICENCE or SOURCE in the folder, lines "Licence: …" and "Source: …" of
its README, or the columns ``licence`` and ``source`` of a table.

*Depth.* All images of more than 8 bits share one scale, so that the order of brightness is kept:
`bits`, or what the files declare (MaxSampleValue of TIFF, sBIT of PNG) and at least the smallest
even number of bits, from 8, that holds the largest value over all files of the folder, those of
other parts and classes too. Floats have to lie in 0…1; NaN, infinity, largest float become 0.

*Damage that is not found.* Changed bytes in BMP and uncompressed TIFF, and wrong bytes in a JPEG
that still can be decoded. A JPEG that breaks off is found also if it has an end marker.
"""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from octlessons.images._decoding import (
    Unusable,
    bits_needed,
    check_values,
    ends_well,
    luma,
    open_image,
    read_image,
    shown,
    tail_of,
    why_unusable,
)
from octlessons.images._layout import File, Survey, listed, survey_folder
from octlessons.images._listed import is_table, survey_list, survey_table
from octlessons.images._patients import Named, naming
from octlessons.images._survey import (
    ENDINGS,
    FolderError,
    existing_folder,
    natural,
    other_format,
)
from octlessons.images._terms import NOT_RECORDED
from octlessons.images.imageset import ImageSet, LazyImages, Problem, Provenance
from octlessons.wording import count, one_line

__all__ = ["FolderError", "FolderWarning", "describe_problems", "read_folder", "read_image"]

#: What to call each kind of problem in a report, in the order in which the report lists them.
KINDS = {
    "empty": "empty files",
    "missing": "missing files",
    "not an image": "not images",
    "format": "pictures of other formats",
    "truncated": "truncated images",
    "corrupt": "damaged images",
    "colour": "colours that are not read",
    "range": "values out of range",
    "dimensions": "images of absurd dimensions",
    "name": "wrongly named files",
    "table": "files on which the table is not clear",
    "place": "files in the wrong place",
    "link": "links that cannot be followed",
    "loop": "links that lead in a circle",
    "permission": "files that may not be read",
}

_ALWAYS_VERIFY = 2_000  # "auto" decodes every image of a set no larger than this
_SMALLEST_SIDE = 8


class FolderWarning(UserWarning):
    """Some files were skipped; the message names them."""


def read_folder(
    path: Any,
    *,
    table: Any = None,
    layout: str | None = None,
    split: str = "all",
    classes: Sequence[str] | None = None,
    patients: str | None = "name",
    on_problem: str = "skip",
    verify: bool | str = "auto",
    grey: bool = True,
    bits: int | None = None,
    max_pixels: int = 50_000_000,
    progress: bool = True,
) -> ImageSet:
    """Read scans lazily from a folder, a list of paths or a table.

    Parameters
    ----------
    path : path, sequence of paths, or table
        A folder, single files, or a table: a CSV file, a DataFrame or a dictionary of columns,
        with ``file`` (a path, its end, its ending left off or not) and any of ``label``,
        ``patient``, ``site``, ``split``, ``licence``, ``source``.
    table : table, optional
        What is known of the files in the folder `path`; other files are not read.
    layout : str, optional
        What the levels of folders are, such as ``"class/patient"`` or ``"patient/visit/eye"``;
        ``""`` for loose images only, ``"*"`` for images at any depth.
    split : {"all", "train", "val", "test"}
        Which part to read.
    classes : sequence of str, optional
        Only these, in this order; otherwise CNV, DME, DRUSEN, NORMAL, then others by name.
    patients : {"name", "stem"}, regular expression with a group ``(?P<patient>...)``, or None
        How a file name without its ending gives the patient; None for unknown.
    on_problem : {"skip", "raise"}
        Warn once of files that cannot be used, and keep them in ``provenance.problems``; or raise.
    verify : bool or "auto"
        Decode all images now (``"auto"``: up to 2,000) to find damage, and copies in other
        formats. Deep images and those without an end marker are decoded in any case.
    grey : bool
        Give (h, w), colour reduced to luma; otherwise (h, w, 3).
    bits : int, optional
        Bits of the values of images with more than 8, such as 12 for 0…4,095.
    max_pixels : int
        Images with more pixels than this are not opened.
    progress : bool
        Show a bar for large folders on a terminal.

    Returns
    -------
    ImageSet
        Lazy, uint8, upright; `sizes` are heights and widths in pixels as stored, upright.

    Raises
    ------
    FolderError
        If there is no such source or no readable image, or a problem with ``"raise"``.
    """
    options = _Options(split, classes, on_problem, verify, grey, bits, max_pixels, progress)
    return _read(*survey_source(path, table, layout, options.classes), naming(patients), options)


@dataclass
class _Options:
    split: str
    classes: Sequence[str] | None
    on_problem: str
    verify: bool | str
    grey: bool
    bits: int | None
    max_pixels: int
    progress: bool

    def __post_init__(self):
        for name, values, words in (
            ("on_problem", ("skip", "raise"), "'skip' or 'raise'"),
            ("verify", (True, False, "auto"), "True, False or 'auto'"),
            ("split", ("all", "train", "val", "test"), "'all', 'train', 'val' or 'test'"),
            ("bits", (None, *range(1, 33)), "a whole number from 1 to 32"),
        ):
            if getattr(self, name) not in values:
                raise ValueError(f"`{name}` is {words}, not {getattr(self, name)!r}.")
        if self.classes is not None:
            self.classes = [self.classes] if isinstance(self.classes, str) else [*self.classes]


def read_survey(survey: Survey, warning: str = "", patients: str | None = "name") -> ImageSet:
    """Read the files of a survey as `read_folder` does without options."""
    options = _Options("all", None, "skip", "auto", True, None, 50_000_000, True)
    return _read(survey, warning, naming(patients), options)


def survey_source(
    path: Any,
    table: Any = None,
    layout: str | None = None,
    classes: Sequence[str] | None = None,
    also: Callable[[str], bool] | None = None,
) -> tuple[Survey, str]:
    """The files of a source, and what to warn of; files of which `also` is true count, too."""
    if table is not None:
        return survey_table(table, existing_folder(path), also), ""
    if is_table(path):
        return survey_table(path, also=also), ""
    if isinstance(path, str | os.PathLike):
        return survey_folder(existing_folder(path), layout, classes, also)
    return survey_list(path, also), ""


def _read(
    survey: Survey, warning: str, patients_of: Callable[[list[File]], Named], options: _Options
) -> ImageSet:
    found, problems = _check(survey.root, survey.choose(options.split, options.classes), options)
    chosen, ids, name_notes, name_problems = patients_of(found)
    problems = [*survey.problems, *problems, *name_problems]
    problems.sort(key=lambda problem: natural(problem.path))
    _tell(survey, warning, problems, options, empty=not chosen)
    bits = options.bits or _common_bits(survey, chosen, options)
    sizes = np.array([file.size for file in chosen])
    side = tuple(sizes[0].tolist()) if (sizes == sizes[0]).all() else (None, None)
    paths = [file.path for file in chosen]
    reader = _Reader(survey.root, paths, options.grey, options.max_pixels, bits)
    class_names = survey.class_names(options.classes)
    part = f" ({options.split})" if options.split != "all" else ""
    notes = [*survey.notes, *name_notes, *_kinds(chosen, bits), *_shared(chosen, ids, survey)]
    return ImageSet(
        LazyImages(reader, len(chosen), side if options.grey else (*side, 3)),
        [class_names.index(str(file.label)) for file in chosen] if class_names else None,
        class_names=class_names,
        patients=ids,
        sites=[f.site for f in chosen] if all(f.site for f in chosen) else None,
        sizes=sizes,
        names=[shown(path) for path in paths],
        provenance=Provenance(
            name=survey.name + part,
            description=f"Images read from {survey.source}.",
            licence=survey.licence or NOT_RECORDED,
            citation=survey.citation,
            notes=(*notes, *([warning] if warning else [])),
            problems=tuple(problems),
        ),
    )


def _tell(
    survey: Survey, warning: str, problems: list[Problem], options: _Options, empty: bool
) -> None:
    """Raise or warn of what cannot be used; the warning points at who called the package."""
    told = describe_problems(problems, survey.source) if problems else ""
    if empty:
        part = f" in its part {options.split!r}" if options.split != "all" else ""
        none = "is no image that can be used" if problems else "are no images"
        raise FolderError(
            f"There {none} in {survey.source}{part} ({shown(survey.root)}). Give a folder with "
            f"one sub-folder per class, such as CNV/CNV-103044-10.jpeg ({', '.join(ENDINGS)}), a "
            f"folder of images, a list of paths or a table.\n{told}".rstrip(),
            problems,
        )
    if problems and options.on_problem == "raise":
        advice = "Mend or remove these files, or read the folder with on_problem='skip'."
        raise FolderError(f"{told}\n{advice}", problems)
    if problems or warning:
        level, frame = 1, sys._getframe()
        while frame.f_back and frame.f_globals["__name__"].startswith("octlessons.images."):
            level, frame = level + 1, frame.f_back
        text = "\n".join(filter(None, (told, warning)))
        warnings.warn(text, FolderWarning, stacklevel=level)


def describe_problems(
    problems: Sequence[Problem], path: str | os.PathLike = "", most: int = 20
) -> str:
    """Tell in words which files of a folder cannot be used.

    Parameters
    ----------
    problems : sequence of Problem
        As in ``images.provenance.problems``.
    path : path
        The folder, to be named in the first line.
    most : int
        Name at most this many files of each kind; the rest are counted.

    Returns
    -------
    str
        One line with the total, then for each kind its count and the files with their reasons.
    """
    where = f" of {shown(path)}" if str(path) else ""
    if not problems:
        return f"All files{where} can be used."
    lines = [f"{count(len(problems), 'file')}{where} cannot be used:"]
    kinds = defaultdict(list)
    for problem in problems:
        kinds[problem.kind].append(problem)
    for kind in sorted(kinds, key=lambda k: list(KINDS).index(k) if k in KINDS else len(KINDS)):
        lines.append(f"- {KINDS.get(kind, kind)}: {len(kinds[kind]):,}")
        lines += [f"    {one_line(p.path)}: {one_line(p.reason)}" for p in kinds[kind][:most]]
        if len(kinds[kind]) > most:
            lines.append(f"    … and {len(kinds[kind]) - most:,} more, all in provenance.problems")
    return "\n".join(lines)


# ------------------------------------------------------------------------- what the files hold


def _check(root: Path, files: list[File], options: _Options) -> tuple[list[File], list[Problem]]:
    """Open every file; those that can be used, and why the others cannot."""
    from tqdm import tqdm

    found, problems = [], []
    decode = options.verify is True or (options.verify and len(files) <= _ALWAYS_VERIFY)
    hidden = None if options.progress and len(files) > 1_000 else True  # None: only on a terminal
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in tqdm(files, desc="Checking images", unit="file", disable=hidden):
            path = os.path.join(root, file.path)
            try:
                _check_file(path, file, bool(decode), options.max_pixels)
                found.append(file)
            except Exception as error:
                problem = why_unusable(error)
                other = other_format(path) if problem.kind == "not an image" else ""
                kind, reason = ("format", other) if other else (problem.kind, problem.reason)
                problems.append(Problem(shown(file.path), reason, kind))
    return found, problems


def _check_file(path: str, file: File, decode: bool, max_pixels: int) -> None:
    with open(path, "rb") as stream:
        file.tail = tail_of(stream)
        header = open_image(stream, max_pixels)
        if min(header.size) < _SMALLEST_SIDE:
            size = " × ".join(map(str, header.size))
            reason = f"It is {size} px, less than {_SMALLEST_SIDE} px on a side."
            raise Unusable("dimensions", reason)
        file.size, file.turned, file.pages = header.size, header.turned, header.pages
        file.deep = header.deep
        if decode or header.deep or not ends_well(header.format, file.tail):
            values = header.decode()
            check_values(values)
            if values.dtype.kind != "f" and header.deep:
                file.bits = max(header.bits or 8, bits_needed(values.max(initial=0)))
            if decode:
                grey = luma(values) if values.ndim == 3 else values
                digest = hashlib.blake2b(grey.tobytes(), digest_size=16).digest()
                file.pixels = (*grey.shape, grey.dtype.kind, digest)


def _common_bits(survey: Survey, chosen: list[File], options: _Options) -> int | None:
    """One depth for all deep images, also those of parts and classes that were not asked for."""
    if not any(file.bits for file in chosen):
        return None
    names = {file.path for file in chosen}
    rest, _ = _check(survey.root, [f for f in survey.files if f.path not in names], options)
    return max(file.bits for file in (*chosen, *rest))


def _kinds(chosen: list[File], bits: int | None) -> list[str]:
    """Notes on what had to be done to read the files."""
    scale = f"on one scale for all: 0…{2 ** (bits or 8) - 1:,} ({bits} bits) become 0…255"
    done = (
        (lambda f: f.turned, "upright according to their orientation in EXIF or XMP"),
        (lambda f: f.pages, "with several pages, of which the first is read"),
        (lambda f: bits and f.bits, f"scaled to 8 bits from more, {scale}"),
        (lambda f: f.deep and not f.bits, "of floating-point values: 0…1 become 0…255"),
    )
    counts = [(sum(map(bool, map(fits, chosen))), words) for fits, words in done]
    return [f"{count(n, 'image')} {words}" for n, words in counts if n]


class _Reader:
    """Reads image i of a list of files; picklable, so that workers can use it too."""

    def __init__(self, root: Path, paths: list[str], grey: bool, max_pixels: int, bits: int | None):
        self.root, self.paths, self.grey = root, paths, grey
        self.max_pixels, self.bits = max_pixels, bits

    def subset(self, which) -> _Reader:
        """The reader of some of the files."""
        paths = [self.paths[int(i)] for i in which]
        return _Reader(self.root, paths, self.grey, self.max_pixels, self.bits)

    def __call__(self, i: int) -> np.ndarray:
        path = os.path.join(self.root, self.paths[i])
        return read_image(path, grey=self.grey, max_pixels=self.max_pixels, bits=self.bits)


# ------------------------------------------------------------------------- what occurs twice


def _shared(files: list[File], ids: list[str] | None, survey: Survey) -> list[str]:
    """Notes on patients and files that occur more than once."""
    notes = []
    names = [os.path.basename(file.path) for file in files] if survey.splits else None
    for keys, fact, words in (
        (ids, "split", "{:,} of {:,} patients occur in more than one part"),
        (ids, "label", "{:,} of {:,} patients have images of several classes"),
        (names, "split", "{:,} file names occur in more than one part"),
    ):
        found = defaultdict(set)
        for key, file in zip(keys or (), files, strict=False):
            found[key].add(getattr(file, fact))
        several = sum(len(values) > 1 for values in found.values())
        if several:
            notes.append(words.format(several, len(found)))
    return notes + _copies(survey.root, files)


def _copies(root: Path, files: list[File]) -> list[str]:
    """Notes that name copies; those in another class or part come first."""
    alike = defaultdict(list)
    decoded = all(file.pixels for file in files)
    for file in files:
        alike[file.pixels if decoded else file.tail].append(file)
    where = (", which lie in another class", ", which lie in another part", "")
    pairs: dict[str, list[str]] = {words: [] for words in where}
    for group in alike.values() if decoded else _byte_for_byte(root, alike.values()):
        for copy in group[1:]:
            same_class, same_part = copy.label == group[0].label, copy.split == group[0].split
            words = where[same_class + (same_class and same_part)]
            pairs[words].append(f"{copy.path} = {group[0].path}")
    return [
        f"{count(len(found), 'copy')} of other images{words}: {listed(found)}"
        for words, found in pairs.items()
        if found
    ]


def _byte_for_byte(root: Path, groups: Iterable[list[File]]) -> list[list[File]]:
    """Groups of identical files; only files alike in length and end are compared."""
    same = defaultdict(list)
    for group in groups:
        for file in group if len(group) > 1 else ():
            with suppress(OSError), open(os.path.join(root, file.path), "rb") as stream:
                same[hashlib.file_digest(stream, "blake2b").digest()].append(file)
    return list(same.values())
