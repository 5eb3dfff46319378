"""Files of a submission, wherever they lie: looked at and read as bytes, never unpacked or run."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from octlessons.grading.text import sanitize

#: Bytes of a Python file or notebook, of an archive within an archive, of one submission in all.
LARGEST, LARGEST_ARCHIVE, MOST_TOGETHER = 5_000_000, 20_000_000, 60_000_000

#: Names that are looked at in one student's folder, and how deep.
MOST_NAMES, DEEPEST = 20_000, 8

NOT_REGULAR = "is not a regular file. Hand in the file itself."
SYMBOLIC_LINK = "is a symbolic link. Hand in the file itself, not a link to it."

# What systems, editors and version control leave behind, and what a student may have meant.
_JUNK = {"__MACOSX", "__pycache__", ".git", ".idea", ".ipynb_checkpoints", ".vscode"}
_TOOLS = {"node_modules", "site-packages", "venv", "Thumbs.db"}


class Unreadable(Exception):
    """Why something cannot be read: the rest of a sentence that begins with its name."""


@dataclass(frozen=True)
class Entry:
    """One file of a submission, not read yet; anything may stand in its `path`.

    ``load(most)`` gives the content, or `Unreadable` if there is more. `problem` is why it will not
    be read; ``open()``, where it is there, gives it as a file to search in.
    """

    path: str
    load: Callable[[int], bytes] = field(repr=False)
    problem: str = ""
    open: Callable[[], BinaryIO] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def depth(self) -> int:
        """How many folders it is in."""
        return self.path.count("/")

    @property
    def shown(self) -> str:
        """The path for a sentence."""
        return shown(self.path)

    def within(self, folder: str) -> Entry:
        """The same in a folder or archive."""
        return Entry(f"{folder}/{self.path}", self.load, self.problem, self.open)


@dataclass
class Files:
    """What was found, and a sentence about everything that could not be looked into."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Budget:
    """How much may still be read of one submission."""

    def __init__(self, most: int = MOST_TOGETHER):
        self._most = self._left = most

    def read(self, entry: Entry, most: int = LARGEST) -> bytes:
        """The content of an entry, or `Unreadable`."""
        if entry.problem:
            raise Unreadable(entry.problem)
        if self._left <= 0:
            raise Unreadable(
                f"is not read: what was handed in has more than {self._most // 1_000_000} MB. "
                "Leave out everything but the exercises."
            )
        data = entry.load(most)
        self._left -= len(data)
        return data


def unreadable(path: str, problem: str) -> Entry:
    """An entry that will not be read."""

    def load(most: int) -> bytes:
        raise Unreadable(problem)

    return Entry(path, load, problem)


def shown(path: str) -> str:
    """A file's name for a sentence: one line, not too long."""
    return sanitize(path, 160, one_line=True) or "a file without a name"


def too_large(most: int) -> Unreadable:
    """The complaint about a file of more bytes than that."""
    return Unreadable(
        f"has more than {most // 1_000_000} MB. Hand in less: of a notebook, clear the outputs and "
        "save it again."
    )


def is_ignored(name: str) -> bool:
    """Whether a file or folder is none that a student made; all hidden ones are not."""
    return name.startswith(".") or name in _JUNK | _TOOLS


def is_junk(name: str) -> bool:
    """Whether nobody can miss a folder of this name."""
    return name in _JUNK


def disk_entry(path: str, file: str) -> Entry:
    """The entry for a file on disk; `path` is what it is called in the submission."""

    def load(most: int) -> bytes:
        with open_regular(file) as stream:
            try:
                data = stream.read(most + 1)
            except OSError as error:
                raise Unreadable(f"cannot be read: {error.strerror or error}.") from None
        if len(data) > most:
            raise too_large(most)
        return data

    return Entry(path, load, open=lambda: open_regular(file))


def open_regular(file: str) -> BinaryIO:
    """Open a regular file; links are not followed, nothing waits for a pipe or a device."""
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        _refuse_irregular(os.lstat(file).st_mode)  # opening a device can do something already
        handle = os.open(file, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unreadable(SYMBOLIC_LINK) from None
        raise Unreadable(f"cannot be read: {error.strerror or error}.") from None
    try:
        _refuse_irregular(os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _refuse_irregular(mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise Unreadable(SYMBOLIC_LINK)
    if not stat.S_ISREG(mode):
        raise Unreadable(NOT_REGULAR)


def folder_files(folder: str, wanted: Iterable[str]) -> Files:
    """Find the files of one student in a folder, links not followed, `DEEPEST` folders deep.

    If there are more than `MOST_NAMES` names, only the `wanted` ones at the top are found, so that
    the result does not depend on the order on disk.
    """
    found, left = Files(), MOST_NAMES
    level = [("", folder)]
    for _ in range(DEEPEST + 1):
        below: list[tuple[str, str]] = []
        for prefix, place in level:
            try:
                with os.scandir(place) as listing:
                    for item in listing:
                        left -= 1
                        if left < 0:
                            return _only(folder, wanted)
                        if not is_ignored(item.name):
                            _look_at(item, prefix + item.name, found, below)
            except OSError as error:
                name = shown(prefix.rstrip("/") or os.path.basename(folder))
                found.problems.append(f"The folder {name} cannot be read: {error.strerror}.")
        level = sorted(below)
    found.entries.sort(key=lambda entry: (entry.depth, entry.path))
    return found


def _look_at(item: os.DirEntry, path: str, found: Files, below: list[tuple[str, str]]) -> None:
    if item.is_symlink():
        found.entries.append(unreadable(path, SYMBOLIC_LINK))
    elif item.is_dir(follow_symlinks=False):
        found.entries.append(unreadable(path, f"is a folder, so it {NOT_REGULAR}"))
        below.append((path + "/", item.path))
    elif item.is_file(follow_symlinks=False):
        found.entries.append(disk_entry(path, item.path))
    else:
        found.entries.append(unreadable(path, NOT_REGULAR))


def _only(folder: str, wanted: Iterable[str]) -> Files:
    files = Files(
        problems=[
            f"The folder holds more than {MOST_NAMES} files, so only those at its top with the "
            "names of exercises were looked at. Hand in the exercises alone."
        ]
    )
    for name in wanted:
        file = os.path.join(folder, name)
        if os.path.lexists(file):
            files.entries.append(disk_entry(name, file))
    return files
