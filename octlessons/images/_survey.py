"""Walk a folder: which files are images, which look like pictures, which are neither."""

from __future__ import annotations

import errno
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.images._decoding import shown, why_unusable
from octlessons.images.imageset import Problem
from octlessons.wording import count

#: File name endings that are read, in any mixture of upper and lower case.
ENDINGS = (".jpeg", ".jpg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp")

_CLUTTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini"}
_SYSTEM = {"__macosx", "__pycache__", "$recycle.bin", "lost+found", "@eadir", "#recycle"}
_SYSTEM |= {"system volume information", "found.000", "@tmp", "#snapshot"}
_NOT_SCANS = dict.fromkeys(("thumbnails", "thumbs", "thumbnail", "previews"), "small copies")
_NOT_SCANS |= dict.fromkeys(("mask", "masks", "segmentation", "segmentations"), "masks")
_NOT_SCANS |= dict.fromkeys(("annotation", "annotations", "ground truth", "ground_truth"), "masks")
_ADVICE = {
    ".webp .gif .jp2 .j2k .jpx .avif .dib .ico .pgm .ppm .pnm .pbm .tga .psd .pcx": (
        "convert it, such as by PIL.Image.open(file).convert('RGB').save('name.png')"
    ),
    ".heic .heif": "convert it to PNG, such as with pillow-heif",
    ".jxl .svg": "convert it to PNG with an image viewer",
    ".dcm .dicom .ima": "export its pixels as PNG, such as with pydicom",
    ".e2e .vol .fda .fds .sdb .oct": (
        "export its scans as PNG with the scanner's software, or with OCT-Converter or eyepy"
    ),
    ".nii .nii.gz .mha .mhd .nrrd": "export its slices as PNG, such as with SimpleITK",
}
_OTHER_FORMATS = {ending: text for endings, text in _ADVICE.items() for ending in endings.split()}
_FIRST_BYTES = (
    (0, b"\xff\xd8\xff", "JPEG", ".jpeg"), (0, b"\x89PNG\r\n", "PNG", ".png"),
    (0, b"II*\0", "TIFF", ".tif"), (0, b"MM\0*", "TIFF", ".tif"),
    (0, b"GIF8", "GIF", ".gif"), (8, b"WEBP", "WebP", ".webp"),
    (4, b"jP  ", "JPEG 2000", ".jp2"), (4, b"ftypavi", "AVIF", ".avif"),
    (4, b"ftyphei", "HEIC", ".heic"), (4, b"ftypmif", "HEIF", ".heif"),
    (128, b"DICM", "DICOM", ".dcm"), (0, b"CMDb", "Heidelberg E2E", ".e2e"),
    (0, b"HSF-OCT", "Heidelberg VOL", ".vol"), (0, b"FOCT", "Topcon FDA", ".fda"),
)  # fmt: skip
_DIGITS = re.compile(r"(\d+)")


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


class Told:
    """What a person has to be told of a source: problems, and notes."""

    def __init__(self):
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def problem(self, path: str, kind: str, reason: str) -> None:
        self.problems.append(Problem(shown(path), reason, kind))


class Tree(Told):
    """Everything below a folder: images, other files, folders; links are followed once.

    A file of which `also` is true counts as an image.
    """

    def __init__(self, root: Path, also: Callable[[str], bool] | None = None):
        super().__init__()
        self.also = also or (lambda path: False)
        self.root = os.fspath(root)
        self.images: list[str] = []
        self.others: list[str] = []
        self.folders: dict[str, list[str]] = {}  # each with its sub-folders
        self.files: dict[str, int] = Counter()  # files in each, of whatever kind
        seen, waiting = {os.path.realpath(root)}, [""]
        links: list[str] = []
        while waiting or links:  # links last: the folder itself counts, not what leads to it
            folder = waiting.pop() if waiting else links.pop(0)
            if folder:
                real = os.path.realpath(os.path.join(self.root, folder))
                if real in seen:
                    reason = "It leads to a folder that is read under another name."
                    self.problem(folder, "link", reason)
                    continue
                seen.add(real)
            for path in self._list(folder):
                is_link = os.path.islink(os.path.join(self.root, path))
                (links if is_link else waiting).append(path)

    def _list(self, folder: str) -> list[str]:
        """Note the files of a folder, and give its sub-folders."""
        self.folders[folder] = inner = []
        try:
            with os.scandir(os.path.join(self.root, folder)) as listing:
                found = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self._unusable(folder or ".", error)
            del self.folders[folder]
            return []
        for entry in found:
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                if entry.is_dir():
                    if self._is_wanted(entry, path):
                        inner.append(path)
                elif not entry.is_file(follow_symlinks=False) and not stat.S_ISREG(
                    entry.stat().st_mode
                ):
                    self.problem(path, "not an image", "It is not a regular file.")
                elif entry.name.casefold() not in _CLUTTER:
                    self._file(entry, path)
            except OSError as error:
                self._unusable(path, error)
        inner.sort(key=natural)
        return inner

    def _unusable(self, path: str, error: OSError) -> None:
        why = why_unusable(error)
        self.problem(path, why.kind, why.reason)

    def _is_wanted(self, entry: os.DirEntry, path: str) -> bool:
        name = entry.name.casefold()
        real, here = os.path.realpath(entry.path), os.path.realpath(os.path.dirname(entry.path))
        if name in _SYSTEM or name.startswith("."):
            if n := _count_images(entry.path):
                said = f"folder {shown(path)}, of the system or hidden, left aside with "
                self.notes.append(said + count(n, "image"))
        elif entry.is_symlink() and (f"{here}{os.sep}".startswith(real.rstrip(os.sep) + os.sep)):
            self.problem(path, "loop", "It is a link to a folder that contains it.")
        elif name in _NOT_SCANS:
            if n := _count_images(entry.path):
                self.problem(path, "place", f"It is a folder of {_NOT_SCANS[name]}{holding(n)}.")
        else:
            return True
        return False

    def _file(self, entry: os.DirEntry, path: str) -> None:
        if entry.name.startswith(".") and not content_of(entry.path):
            return  # .DS_Store, and the ._ files in which macOS keeps what it knows of others
        self.files[os.path.dirname(path)] += 1
        if is_image_name(path) or self.also(entry.path):
            self.images.append(path)
        elif reason := other_format(entry.path):
            self.problem(path, "format", reason)
        else:
            self.others.append(path)


def content_of(path: str | os.PathLike) -> tuple[str, str] | None:
    """The format of a picture by its first bytes, and the ending it should have."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(160)
    except OSError:
        return None
    for place, mark, name, ending in _FIRST_BYTES:
        if start[place : place + len(mark)] == mark:
            return name, ending
    if start[:2] == b"BM" and start[6:10] == bytes(4):
        return "BMP", ".bmp"
    return None


def other_format(path: str | os.PathLike) -> str:
    """What to do with a picture that is not read, by its content or else its name; "" if none."""
    name = os.fspath(path).casefold()
    content = content_of(path)
    if content and content[1] in ENDINGS:
        if is_image_name(name):
            return ""
        return f"Its content is {content[0]}: rename it, so that its name ends in {content[1]}."
    if content:
        return f"Its content is {content[0]}, which is not read: {_OTHER_FORMATS[content[1]]}."
    ending = next((ending for ending in _OTHER_FORMATS if name.endswith(ending)), "")
    return f"{ending} is not read: {_OTHER_FORMATS[ending]}." if ending else ""


def existing_folder(path: str | os.PathLike) -> Path:
    """The resolved folder, or a `FolderError` that says why there is none."""
    if not os.fspath(path):
        raise FolderError("The name of the folder is empty: give the path of a folder of scans.")
    root = Path(os.path.expanduser(path))
    ending = root.suffix.casefold()
    try:
        with os.scandir(root):
            return root.resolve()
    except FileNotFoundError:
        why = f"There is no folder {shown(root)}: check the spelling. It is looked for from "
        why += f"{shown(Path.cwd())}."
    except NotADirectoryError:
        why = f"{shown(root)} is a file, not a folder: give the folder that holds one sub-folder "
        why += "per class."
        if ending in (".zip", ".gz", ".tgz", ".tar", ".rar", ".7z"):
            why += " Unpack the archive first."
        elif ending in (".xlsx", ".xls", ".ods", ".txt"):
            why += " A table is read as CSV: save it as that."
        elif is_image_name(str(root)):
            why += " For single files give a list of their paths."
    except PermissionError:
        why = f"You have no permission to list {shown(root)}: change its rights, or copy it to a "
        why += "folder of yours."
    except (OSError, ValueError) as error:
        loop = getattr(error, "errno", 0) == errno.ELOOP
        reason = "leads in a circle" if loop else "cannot be opened"
        why = f"The folder {shown(root)} {reason}: {error}."
    raise FolderError(why)


def is_image_name(path: str) -> bool:
    return os.path.splitext(path)[1].casefold() in ENDINGS or (
        os.path.basename(path).casefold() in ENDINGS
    )


def folded(name: str) -> str:
    """A name as a person compares it: case, blanks around it and kinds of umlauts do not count."""
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:  # the name of a file in an older encoding
            name = os.fsencode(name).decode("cp1252", "replace")
        name = unicodedata.normalize("NFC", name)
    return name.strip().casefold()


def _count_images(folder: str) -> int:
    return sum(
        is_image_name(name)
        for _, _, names in os.walk(folder)  # does not follow links
        for name in names
    )


def holding(n: int) -> str:
    return f"; the {count(n, 'image')} in it {'are' if n != 1 else 'is'} not read"


def natural(name: str) -> tuple:
    """Sort key that puts 6 before 10."""
    pieces: list = _DIGITS.split(name)  # text and numbers take turns
    pieces[1::2] = map(int, pieces[1::2])
    return (pieces, name)
