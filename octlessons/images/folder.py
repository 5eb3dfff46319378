"""Read a folder of scans, such as the Kermany et al. set: ``CLASS/CLASS-patient-number.jpeg``.

Only headers are read at first; pixels come when they are asked for. Whatever cannot be used is
listed by name with its reason, and is either skipped or refuses the whole folder.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.images.imageset import ImageSet, LazyImages, Problem, Provenance

#: File name endings that are read, in any mixture of upper and lower case.
ENDINGS = (".jpeg", ".jpg", ".png", ".tif", ".tiff", ".bmp")

#: Classes that come first, in this order; others follow by name.
COURSE_CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")

#: What to call each kind of problem in a report, in the order in which the report lists them.
KINDS = {
    "empty": "empty files",
    "not an image": "not images",
    "truncated": "truncated images",
    "corrupt": "damaged images",
    "dimensions": "images of absurd dimensions",
    "name": "wrongly named files",
    "place": "files in the wrong place",
    "link": "links that cannot be followed",
    "loop": "links that lead in a circle",
    "permission": "files that may not be read",
}

_FORMATS = ("JPEG", "PNG", "TIFF", "BMP")
_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val"}
_SPLITS |= {"validation": "val", "test": "test", "testing": "test"}
_CLUTTER = {"thumbs.db", "desktop.ini", "__macosx"}
_COURSE_NAME = re.compile(r"(?P<label>.+)-(?P<patient>\d+)-(?P<number>\d+)", re.ASCII)
_ALWAYS_VERIFY = 2_000  # "auto" decodes every image of a set no larger than this
_SMALLEST_SIDE = 8
_TAIL = 64  # bytes at the end of a file that must hold its end marker
_END_MARKERS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}


class FolderError(OctlessonsError):
    """A folder cannot be read, or has problems and was to be refused.

    Attributes
    ----------
    problems : tuple of Problem
        Every file that cannot be used.
    """

    def __init__(self, message: str, problems: Iterable[Problem] = ()):
        super().__init__(message)
        self.problems = tuple(problems)


class FolderWarning(UserWarning):
    """Some files of a folder were skipped; the message names them."""


def read_folder(
    path: str | os.PathLike,
    *,
    split: str = "all",
    classes: Sequence[str] | None = None,
    patients: str | None = "name",
    on_problem: str = "skip",
    verify: bool | str = "auto",
    grey: bool = True,
    max_pixels: int = 50_000_000,
    progress: bool = True,
) -> ImageSet:
    """Read a folder of scans lazily, one sub-folder per class.

    Three layouts are understood: ``CLASS/image``, the same below ``train``, ``val`` and ``test``,
    and images alone, which then have no labels. An outer folder that holds nothing but the data
    folder is stepped through. Hidden files, ``Thumbs.db`` and ``__MACOSX`` are ignored.

    Parameters
    ----------
    path : path
        The folder.
    split : {"all", "train", "val", "test"}
        Which part to read where the folder is divided into parts.
    classes : sequence of str, optional
        Read only these classes, and number the labels in this order. Without it: all, in the
        order CNV, DME, DRUSEN, NORMAL, others after these by name.
    patients : {"name", "stem"}, regular expression or None
        Where patient ids come from. ``"name"``: the first number of ``CLASS-patient-number``; a
        file in a class folder with another name, or with the name of another class, is a problem,
        because its patient is unknown and a split by patient would be wrong. When no file at all
        is named like that, all are read and patients are unknown. ``"stem"``: as ``"name"``, but
        a file with another name is read and taken for a patient of its own. A regular expression
        with a group ``(?P<patient>...)`` is searched in each file name without its ending. None:
        names are not looked at, patients are unknown.
    on_problem : {"skip", "raise"}
        Skip the files that cannot be used and warn once (`FolderWarning`) with their names, or
        raise one `FolderError` that lists them all. Skipped files stay listed in
        ``provenance.problems``.
    verify : bool or "auto"
        Decode every image now to find damage inside. ``"auto"`` does so for up to 2,000 files
        (under 1 s per 1,000). Whatever it is set to, headers are read, and images that do not end
        with their format's end marker are decoded, which finds practically all truncated files.
        An image that fails later raises an `OctlessonsError` with its name.
    grey : bool
        Give (h, w) images: colour is reduced to luma (ITU-R BT.601), which leaves a grey scan
        saved as RGB unchanged. Otherwise all images are (h, w, 3).
    max_pixels : int
        Images with more pixels than this in their header are not opened.
    progress : bool
        Show a progress bar for large folders, where there is a terminal to show it on.

    Returns
    -------
    ImageSet
        Lazy. Images are uint8, transparency is dropped, EXIF orientation is applied, and images
        with more than 8 bits are scaled down (see `read_image`). `names` are paths relative to
        the folder, `sizes` heights and widths as stored, `patients` the ids if they are known;
        one patient may have images of several classes, as in the Kermany set. The order is
        train, val, test, then classes, then names with numbers in numerical order. Notes in the
        provenance count patients that occur in several parts or classes, and identical files.

    Raises
    ------
    FolderError
        If the folder does not exist, is not a folder, or holds no readable image; or, with
        ``on_problem="raise"``, if any file cannot be used.
    """
    if on_problem not in ("skip", "raise"):
        raise OctlessonsError(f"`on_problem` is 'skip' or 'raise', not {on_problem!r}.")
    if verify not in (True, False, "auto"):
        raise OctlessonsError(f"`verify` is True, False or 'auto', not {verify!r}.")
    if split not in ("all", "train", "val", "test"):
        raise OctlessonsError(f"`split` is 'all', 'train', 'val' or 'test', not {split!r}.")
    classes = [classes] if isinstance(classes, str) else classes
    naming = _naming(patients)
    root = _existing_folder(path)
    survey = _survey(root)
    files = survey.choose(split, classes)
    found = _check(root, files, verify, max_pixels, progress)
    chosen, ids, name_notes, name_problems = naming(found.files)
    problems = sorted(
        [*survey.problems, *found.problems, *name_problems], key=lambda p: _natural(p.path)
    )
    if not chosen:
        raise FolderError(_nothing_to_read(root, split, problems), problems)
    if problems and on_problem == "raise":
        refused = f"{describe_problems(problems, root)}\nMend or remove these files, or read the "
        raise FolderError(refused + "folder with on_problem='skip'.", problems)
    if problems:
        warnings.warn(f"{describe_problems(problems, root)}", FolderWarning, stacklevel=2)
    notes = [*survey.notes, *name_notes, *found.notes(chosen), *_shared(chosen, ids, survey)]
    sizes = np.array([file.size for file in chosen])
    side = tuple(sizes[0].tolist()) if (sizes == sizes[0]).all() else (None, None)
    shape = side if grey else (*side, 3)
    reader = _Reader(root, [file.path for file in chosen], grey, max_pixels)
    class_names = survey.class_names(classes)
    labels = [class_names.index(file.label) for file in chosen] if class_names else None
    return ImageSet(
        LazyImages(reader, len(chosen), shape),
        labels,
        class_names=class_names,
        patients=ids,
        sizes=sizes,
        names=[_shown(file.path) for file in chosen],
        provenance=Provenance(
            name=_shown(root.name) + (f" ({split})" if split != "all" else ""),
            description=f"Images read from the folder {_shown(root.name)}.",
            licence="not recorded in the folder",
            notes=tuple(notes),
            problems=tuple(problems),
        ),
    )


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
    where = f" of {_shown(path)}" if str(path) else ""
    if not problems:
        return f"All files{where} can be used."
    lines = [f"{len(problems):,} file{'s' * (len(problems) > 1)}{where} cannot be used:"]
    kinds = defaultdict(list)
    for problem in problems:
        kinds[problem.kind].append(problem)
    for kind in sorted(kinds, key=lambda k: list(KINDS).index(k) if k in KINDS else len(KINDS)):
        lines.append(f"- {KINDS.get(kind, kind)}: {len(kinds[kind]):,}")
        lines += [f"    {problem.path}: {problem.reason}" for problem in kinds[kind][:most]]
        if len(kinds[kind]) > most:
            lines.append(f"    … and {len(kinds[kind]) - most:,} more, all in provenance.problems")
    return "\n".join(lines)


def read_image(
    path: str | os.PathLike, *, grey: bool = True, max_pixels: int = 50_000_000
) -> np.ndarray:
    """Read one image file as 8-bit pixels.

    Parameters
    ----------
    path : path
        JPEG, PNG, TIFF or BMP; of a file with several pages the first is read.
    grey : bool
        Give (h, w), colour reduced to luma; otherwise (h, w, 3).
    max_pixels : int
        Refuse images with more pixels than this.

    Returns
    -------
    ndarray of uint8
        Upright (EXIF orientation applied), without transparency. Deeper images are scaled by the
        smallest of 8, 10, 12, 14 and 16 bits that holds their brightest pixel, so that 12-bit
        values in a 16-bit file do not come out black; floating-point images by 1 if they lie in
        0…1, else as integers.

    Raises
    ------
    OctlessonsError
        If the file is missing, damaged, too large or not an image; the sentence names it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own remarks about metadata and size
        try:
            with _open(path) as image:
                if image.width * image.height > max_pixels:
                    raise _Unusable("dimensions", _too_large(image.size, max_pixels))
                return _pixels(image, grey)
        except Exception as error:
            problem = _reason(error)
            raise OctlessonsError(
                f"{_shown(path)} cannot be read: {problem.reason} Replace or remove the file, "
                "then read the folder again."
            ) from error


# ---------------------------------------------------------------------- what lies in the folder


@dataclass
class _File:
    path: str  # relative to the root, with /
    split: str | None
    label: str | None
    size: tuple[int, int] = (0, 0)
    turned: bool = False
    deep: bool = False
    pages: bool = False
    n_bytes: int = 0
    tail: bytes = b""

    @property
    def stem(self) -> str:
        return os.path.splitext(os.path.basename(self.path))[0]


class _Survey:
    """The files of a folder by part and class, before any of them is opened."""

    def __init__(self, root: Path):
        self.root = root
        self.files: list[_File] = []
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.splits: list[str] = []
        self._visited: set[str] = set()
        self._spellings = {name.casefold(): name for name in COURSE_CLASSES}

    def problem(self, path: str, kind: str, reason: str) -> None:
        self.problems.append(Problem(_shown(path), reason, kind))

    def spelling(self, name: str) -> str:
        """The one spelling of a class whose folder is called Drusen here and DRUSEN there."""
        return self._spellings.setdefault(name.casefold(), name)

    def class_names(self, classes: Sequence[str] | None = None) -> list[str]:
        there = {file.label for file in self.files if file.label is not None}
        if classes is None:
            return sorted(there, key=_class_order)
        by_folded = {name.casefold(): name for name in there}
        unknown = [str(name) for name in classes if str(name).casefold() not in by_folded]
        if unknown:
            known = ", ".join(sorted(there, key=_class_order)) or "none, the images lie loose"
            raise FolderError(
                f"{_shown(self.root)} has no class called {', '.join(unknown)}; it has: {known}."
            )
        return list(dict.fromkeys(by_folded[str(name).casefold()] for name in classes))

    def choose(self, split: str, classes: Sequence[str] | None) -> list[_File]:
        if split != "all":
            if split not in self.splits:
                has = f"only {', '.join(self.splits)}" if self.splits else "no such parts"
                raise FolderError(
                    f"{_shown(self.root)} has no folder {split!r}: it has {has}. "
                    "Read it with split='all'."
                )
            self.problems = [p for p in self.problems if self._split_of(p.path) == split]
        wanted = set(self.class_names(classes)) if classes is not None else None
        if wanted is not None:
            left_out = {f.label for f in self.files if f.label is not None} - wanted
            if left_out:
                names = ", ".join(sorted(left_out, key=_class_order))
                self.notes.append(f"classes not asked for: {names}")
        return [
            file
            for file in self.files
            if (split == "all" or file.split == split) and (wanted is None or file.label in wanted)
        ]

    def _split_of(self, path: str) -> str | None:
        return _SPLITS.get(path.split("/")[0].casefold())

    def entries(self, folder: str) -> tuple[list[str], list[str]]:
        """Sub-folders and files of `folder` (relative), clutter left out, problems noted."""
        place = self.root / folder
        folders, files = [], []
        try:
            with os.scandir(place) as listing:
                found = sorted(listing, key=lambda entry: _natural(entry.name))
        except OSError as error:
            reason = _reason(error)
            self.problem(folder or ".", reason.kind, reason.reason)
            return [], []
        for entry in found:
            if entry.name.startswith(".") or entry.name.casefold() in _CLUTTER:
                continue
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                is_folder = entry.is_dir()
                if is_folder and entry.is_symlink() and self._leads_back(entry.path):
                    self.problem(path, "loop", "It is a link to a folder that contains it.")
                    continue
                if not is_folder and not stat.S_ISREG(entry.stat().st_mode):
                    self.problem(path, "not an image", "It is not a regular file.")
                    continue
            except OSError as error:
                reason = _reason(error)
                self.problem(path, reason.kind, reason.reason)
                continue
            (folders if is_folder else files).append(path)
        return folders, files

    def enter(self, folder: str) -> bool:
        """Whether the folder is met for the first time (a link may lead to it again)."""
        real = os.path.realpath(self.root / folder)
        if real in self._visited:
            self.problem(folder, "link", "It leads to a folder that is read under another name.")
            return False
        self._visited.add(real)
        return True

    def _leads_back(self, path: str) -> bool:
        real, here = os.path.realpath(path), os.path.realpath(os.path.dirname(path))
        return here == real or here.startswith(real.rstrip(os.sep) + os.sep)


def _survey(root: Path) -> _Survey:
    survey = _Survey(root)
    base = _step_through(root, survey)
    folders, files = survey.entries(base)
    parts = {folder: _SPLITS.get(os.path.basename(folder).casefold()) for folder in folders}
    if any(parts.values()):
        for folder, part in sorted(parts.items(), key=lambda item: _part_order(item[1])):
            if part is None:
                n = _count_images(root / folder)
                survey.problem(folder, "place", f"It lies beside train, val or test{_holding(n)}.")
            elif survey.enter(folder):
                survey.splits.append(part)
                _survey_classes(survey, part, *survey.entries(folder))
        _set_aside(survey, files, "It lies outside the folders train, val and test.")
    else:
        _survey_classes(survey, None, folders, files)
    survey.splits = sorted(set(survey.splits), key=_part_order)
    if survey.class_names():
        loose = [file for file in survey.files if file.label is None]
        survey.files = [file for file in survey.files if file.label is not None]
        for file in loose:
            survey.problem(file.path, "place", "It lies outside the class folders.")
    survey.files.sort(
        key=lambda f: (_part_order(f.split), _class_order(f.label or ""), _natural(f.path))
    )
    return survey


def _step_through(root: Path, survey: _Survey) -> str:
    """The data folder inside outer folders that hold nothing else, relative to the root."""
    base = ""
    for _ in range(8):
        quiet = _Survey(root)
        folders, files = quiet.entries(base)
        if len(folders) != 1 or any(map(_is_image_name, files)):
            break
        name = os.path.basename(folders[0]).casefold()
        if name in _SPLITS or name.upper() in COURSE_CLASSES:
            break
        inner_folders, inner_files = quiet.entries(folders[0])
        if not inner_folders or any(map(_is_image_name, inner_files)):
            break
        _set_aside(survey, files, "")
        base = folders[0]
    return base


def _survey_classes(survey: _Survey, part: str | None, folders: list[str], files: list[str]):
    for folder in sorted(folders, key=lambda path: (survey.root / path).is_symlink()):
        if not survey.enter(folder):
            continue
        label = survey.spelling(os.path.basename(folder))
        inner_folders, inner_files = survey.entries(folder)
        nested = {inner: _count_images(survey.root / inner) for inner in inner_folders}
        for inner, n in nested.items():
            if n:
                reason = f"It is a folder inside a class folder{_holding(n)}."
                survey.problem(inner, "place", reason)
        if not any(map(_is_image_name, inner_files)) and not any(nested.values()):
            if any(problem.path == _shown(folder) for problem in survey.problems):
                continue  # it could not be listed, which is not the same as empty
            holds = "holds no image" if inner_files or inner_folders else "is empty"
            survey.notes.append(f"folder {_shown(folder)} {holds}")
            continue  # no class folder at all
        for path in inner_files:
            if _is_image_name(path):
                survey.files.append(_File(path, part, label))
            else:
                survey.problem(path, "not an image", _wrong_ending(path))
    for path in files:
        if _is_image_name(path):
            survey.files.append(_File(path, part, None))
    _set_aside(survey, [path for path in files if not _is_image_name(path)], "")


def _set_aside(survey: _Survey, files: list[str], reason: str) -> None:
    """Files beside the class folders: images there are a problem, a README or a table is not."""
    others = [path for path in files if not _is_image_name(path)]
    for path in files:
        if _is_image_name(path) and reason:
            survey.problem(path, "place", reason)
    if others:
        named = ", ".join(map(_shown, others[:5])) + (", …" if len(others) > 5 else "")
        survey.notes.append(f"not images and not in a class folder, left aside: {named}")


# ---------------------------------------------------------------------- what the files hold


class _Unusable(Exception):
    def __init__(self, kind: str, reason: str):
        super().__init__(reason)
        self.kind, self.reason = kind, reason


class _Found:
    def __init__(self, root: Path):
        self.root = root
        self.files: list[_File] = []
        self.problems: list[Problem] = []

    def notes(self, chosen: list[_File]) -> list[str]:
        kinds = {
            "turned": "upright according to their EXIF orientation",
            "deep": "scaled to 8 bits from more",
            "pages": "with several pages, of which the first is read",
        }
        counts = {kind: sum(getattr(file, kind) for file in chosen) for kind in kinds}
        return [f"{n:,} images {kinds[kind]}" for kind, n in counts.items() if n]


def _check(
    root: Path, files: list[_File], verify: bool | str, max_pixels: int, progress: bool
) -> _Found:
    from tqdm import tqdm

    found = _Found(root)
    decode = verify is True or (verify == "auto" and len(files) <= _ALWAYS_VERIFY)
    shown = None if progress and len(files) > 1_000 else True  # None: only on a terminal
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in tqdm(files, desc="Checking images", unit="file", disable=shown):
            try:
                _check_file(root, file, decode, max_pixels)
                found.files.append(file)
            except Exception as error:
                problem = _reason(error)
                found.problems.append(Problem(_shown(file.path), problem.reason, problem.kind))
    return found


def _check_file(root: Path, file: _File, decode: bool, max_pixels: int) -> None:
    with open(root / file.path, "rb") as stream:
        file.n_bytes = os.fstat(stream.fileno()).st_size
        if file.n_bytes == 0:
            raise _Unusable("empty", "The file has no bytes.")
        with _open(stream) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise _Unusable("dimensions", _too_large(image.size, max_pixels))
            if min(width, height) < _SMALLEST_SIDE:
                raise _Unusable(
                    "dimensions",
                    f"It is {height} × {width} px, less than {_SMALLEST_SIDE} px on a side.",
                )
            if image.mode == "LAB":
                raise _Unusable("corrupt", "Its colours are CIE Lab: save it as grey or RGB.")
            orientation = _orientation(image)
            file.turned = orientation not in (0, 1)
            file.size = (width, height) if orientation >= 5 else (height, width)
            file.deep = image.mode.startswith(("I", "F"))
            file.pages = image.format == "TIFF" and getattr(image, "n_frames", 1) > 1
            stream.seek(max(0, file.n_bytes - _TAIL))
            file.tail = stream.read()
            marker = _END_MARKERS.get(image.format)
            if decode or marker is None or marker not in file.tail:
                stream.seek(0)
                with _open(stream) as whole:
                    whole.load()


def _open(source):
    from PIL import Image

    return Image.open(source, formats=_FORMATS)


def _orientation(image) -> int:
    if "exif" not in image.info and image.format != "TIFF":
        return 1
    try:
        value = int(image.getexif().get(0x0112, 1))
    except Exception:  # a damaged EXIF block does not make the pixels unreadable
        return 1
    return value if 1 <= value <= 8 else 1


def _pixels(image, grey: bool) -> np.ndarray:
    from PIL import Image, ImageOps

    image.load()
    if _orientation(image) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_to_8_bits(np.asarray(image)))
    elif image.mode in ("P", "PA"):
        image = image.convert("RGBA").convert("RGB")
    elif image.mode == "RGBA":
        image = image.convert("RGB")
    return np.array(image.convert("L" if grey else "RGB"), dtype=np.uint8)


def _to_8_bits(deep: np.ndarray) -> np.ndarray:
    values = np.nan_to_num(deep.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0).clip(min=0)
    top = values.max(initial=0)
    if deep.dtype.kind == "f" and top <= 1:
        full = 1.0
    else:
        full = next((2**bits - 1 for bits in (8, 10, 12, 14, 16) if top < 2**bits), top)
    return np.round(values * (255 / full)).astype(np.uint8)


def _reason(error: Exception) -> _Unusable:
    """Why a file cannot be used, from whatever was raised while reading it."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, _Unusable):
        return error
    if isinstance(error, PermissionError):
        return _Unusable("permission", "You have no permission to read it.")
    if isinstance(error, FileNotFoundError):
        return _Unusable("link", "It is a link to nothing, or the file has gone.")
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return _Unusable("loop", "It is a link that leads back to itself.")
    if isinstance(error, Image.DecompressionBombError):
        return _Unusable("dimensions", "Its header claims more pixels than can be held.")
    if isinstance(error, UnidentifiedImageError):
        return _Unusable("not an image", "Its content is not a JPEG, PNG, TIFF or BMP image.")
    text = str(error).strip().rstrip(".")
    if "truncated" in text.casefold() or isinstance(error, EOFError):
        return _Unusable("truncated", "The image breaks off before its end.")
    return _Unusable("corrupt", f"The image is damaged ({text or type(error).__name__}).")


def _too_large(size: tuple[int, int], most: int) -> str:
    width, height = size
    return f"Its header claims {height:,} × {width:,} px, more than the {most:,} px allowed."


class _Reader:
    """Reads image i of a list of files; picklable, so that workers can use it too."""

    def __init__(self, root: Path, paths: list[str], grey: bool, max_pixels: int):
        self.root, self.paths, self.grey, self.max_pixels = root, paths, grey, max_pixels

    def __call__(self, i: int) -> np.ndarray:
        path = os.path.join(self.root, *self.paths[i].split("/"))
        return read_image(path, grey=self.grey, max_pixels=self.max_pixels)


# ---------------------------------------------------------------------- whose images they are


def _naming(patients: str | None):
    """The rule that gives (files, patient ids or None, notes, problems) from checked files."""
    if patients is None:
        return lambda files: (files, None, [], [])
    if patients in ("name", "stem"):
        return lambda files: _by_course_name(files, keep=patients == "stem")
    try:
        pattern = re.compile(patients)
    except (re.error, TypeError) as error:
        raise OctlessonsError(
            f"`patients` is 'name', 'stem', None or a regular expression; {patients!r} is none of "
            f"these ({error})."
        ) from error
    if "patient" not in pattern.groupindex:
        raise OctlessonsError(
            f"The regular expression {patients!r} has no group (?P<patient>…), so it cannot say "
            "which part of a file name is the patient."
        )
    return lambda files: _by_pattern(files, pattern)


def _by_pattern(files: list[_File], pattern: re.Pattern):
    kept, ids, problems = [], [], []
    for file in files:
        match = pattern.search(file.stem)
        if match and match["patient"]:
            kept.append(file)
            ids.append(match["patient"])
        else:
            problems.append(
                Problem(_shown(file.path), "Its name does not match the pattern given.", "name")
            )
    return kept, ids, [], problems


def _by_course_name(files: list[_File], keep: bool):
    matches = [_COURSE_NAME.fullmatch(file.stem) for file in files]
    labelled = any(file.label is not None for file in files)
    wrong = [_wrong_name(f, m) if labelled else not m for f, m in zip(files, matches, strict=True)]
    if keep:
        ids = [
            m["patient"] if m and not w else f.stem
            for f, m, w in zip(files, matches, wrong, strict=True)
        ]
        n = sum(map(bool, wrong))
        return files, ids, [f"{n:,} images taken for a patient of their own"] if n else [], []
    if all(wrong) or (not labelled and any(wrong)):
        return files, None, ["file names carry no patient numbers: patients are unknown"], []
    problems = [
        Problem(_shown(file.path), str(reason), "name")
        for file, reason in zip(files, wrong, strict=True)
        if reason
    ]
    kept = [file for file, reason in zip(files, wrong, strict=True) if not reason]
    return kept, [m["patient"] for m, w in zip(matches, wrong, strict=True) if not w], [], problems


def _wrong_name(file: _File, match: re.Match | None) -> str:
    """Why the name does not fit its class folder; empty if it does."""
    expected = f"{file.label}-patient-number"
    if match is None:
        return f"Its name is not {expected}, so its patient is unknown."
    if match["label"].casefold() != str(file.label).casefold():
        return f"Its name says {_shown(match['label'])} but it lies among {file.label}."
    return ""


def _shared(files: list[_File], ids: list[str] | None, survey: _Survey) -> list[str]:
    """Notes on patients and files that occur more than once."""
    notes = []
    if ids is not None:
        parts, labels = defaultdict(set), defaultdict(set)
        for file, patient in zip(files, ids, strict=True):
            parts[patient].add(file.split)
            labels[patient].add(file.label)
        several = sum(len(found) > 1 for found in parts.values())
        if several:
            notes.append(f"{several:,} of {len(parts):,} patients occur in more than one part")
        mixed = sum(len(found) > 1 for found in labels.values())
        if mixed:
            notes.append(f"{mixed:,} of {len(labels):,} patients have images of several classes")
    if survey.splits:
        where = defaultdict(set)
        for file in files:
            where[os.path.basename(file.path)].add(file.split)
        repeated = sum(len(found) > 1 for found in where.values())
        if repeated:
            notes.append(f"{repeated:,} file names occur in more than one part")
    copies = _identical(survey.root, files)
    if copies:
        notes.append(f"{copies:,} files are byte for byte copies of others")
    return notes


def _identical(root: Path, files: list[_File]) -> int:
    """How many files are copies of another; only files alike in length and end are compared."""
    alike = defaultdict(list)
    for file in files:
        alike[file.n_bytes, file.tail].append(file)
    copies = 0
    for group in alike.values():
        if len(group) > 1:
            digests = Counter()
            for file in group:
                with open(root / file.path, "rb") as stream:
                    digests[hashlib.file_digest(stream, "blake2b").digest()] += 1
            copies += sum(n - 1 for n in digests.values())
    return copies


# ---------------------------------------------------------------------- small helpers


def _existing_folder(path: str | os.PathLike) -> Path:
    if not os.fspath(path):
        raise FolderError("The name of the folder is empty: give the path of a folder of scans.")
    root = Path(os.path.expanduser(path))
    try:
        mode = root.stat().st_mode
    except FileNotFoundError:
        raise FolderError(
            f"There is no folder {_shown(root)}: check the spelling. It is looked for from "
            f"{_shown(Path.cwd())}."
        ) from None
    except (OSError, ValueError) as error:
        reason = (
            "leads in a circle" if getattr(error, "errno", 0) == errno.ELOOP else "cannot be opened"
        )
        raise FolderError(f"The folder {_shown(root)} {reason}: {error}.") from error
    if not stat.S_ISDIR(mode):
        hint = ""
        if root.suffix.casefold() in (".zip", ".gz", ".tgz", ".tar", ".rar", ".7z"):
            hint = " Unpack the archive first."
        raise FolderError(
            f"{_shown(root)} is a file, not a folder: give the folder that holds one sub-folder "
            f"per class.{hint}"
        )
    try:
        with os.scandir(root):
            pass
    except PermissionError:
        raise FolderError(
            f"You have no permission to list {_shown(root)}: change its rights, or copy it to a "
            "folder of yours."
        ) from None
    return root.resolve()


def _nothing_to_read(root: Path, split: str, problems: list[Problem]) -> str:
    part = f" in its part {split!r}" if split != "all" else ""
    advice = (
        "Give a folder with one sub-folder per class, such as CNV/CNV-103044-10.jpeg "
        f"({', '.join(ENDINGS)}), or a folder of images."
    )
    if problems:
        return (
            f"{_shown(root)} has no image that can be used{part}. {advice}\n"
            + describe_problems(problems, root)
        )
    return f"There are no images in {_shown(root)}{part}. {advice}"


def _is_image_name(path: str) -> bool:
    return os.path.splitext(path)[1].casefold() in ENDINGS


def _wrong_ending(path: str) -> str:
    ending = os.path.splitext(path)[1]
    has = f"ends in {_shown(ending)}" if ending else "has no ending"
    return f"Its name {has}; images end in {', '.join(ENDINGS)}."


def _count_images(folder: Path) -> int:
    return sum(
        _is_image_name(name)
        for _, _, names in os.walk(folder)  # does not follow links
        for name in names
    )


def _holding(n: int) -> str:
    return f"; the {n:,} image{'s' * (n != 1)} in it {'are' if n != 1 else 'is'} not read"


def _class_order(name: str) -> tuple:
    known = COURSE_CLASSES.index(name) if name in COURSE_CLASSES else len(COURSE_CLASSES)
    return (known, name.casefold(), name)


def _part_order(part: str | None) -> int:
    return ("train", "val", "test", None).index(part)


def _natural(name: str) -> tuple:
    """Sort key that puts 6 before 10."""
    pieces = re.split(r"(\d+)", name)
    return (tuple((int(p), "") if i % 2 else (-1, p) for i, p in enumerate(pieces)), name)


def _shown(path) -> str:
    """A name that can be printed, also when the file system gave undecodable bytes."""
    return str(path).replace(os.sep, "/").encode("utf-8", "replace").decode()
