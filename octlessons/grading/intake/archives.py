"""Zip files as lists of files: nothing is unpacked, every length is bounded.

The standard library reads them, behind a limit on each read. Other archives are not read: no
learning platform gives them out, and a student who hands one in is told to make a zip file.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import BinaryIO

from octlessons.grading.intake.entries import (
    LARGEST_ARCHIVE,
    NOT_REGULAR,
    SYMBOLIC_LINK,
    Budget,
    Entry,
    Files,
    Unreadable,
    is_ignored,
    too_large,
    unreadable,
)

ZIP = ".zip"

#: Archives that students hand in and that are not read.
OTHER_KINDS = (".tar", ".tgz", ".gz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".rar", ".7z")

UNSAFE = "has a name that leads out of the archive. Make the archive anew, from the folder itself."

_DAMAGED = "is damaged, or not a zip file. Make it anew and try to open it."
_CUT_OFF = "is cut off: the upload was not complete. Hand it in again."
_MOST_ARCHIVES = 20  # of one student
_DEEPEST = 16  # folders in an archive


#: How many entries an archive may have, and how many bytes the list of them.
OF_A_STUDENT, OF_A_CLASS = (2_000, 1_500_000), (40_000, 16_000_000)

TOO_MANY = (
    f"holds too many files: a student's archive may have {OF_A_STUDENT[0]} entries, one of a "
    f"whole class {OF_A_CLASS[0]}. Leave out everything but the exercises."
)


def archive_files(file: BinaryIO, bounds: tuple[int, int], stack: ExitStack) -> Files:
    """List the files of a zip file, to be read until `stack` closes; or it is `Unreadable`."""
    try:
        limited = _Limited(file, bounds[1])
        archive = stack.enter_context(zipfile.ZipFile(limited))
        limited.most = LARGEST_ARCHIVE + 2**20
        infos = archive.infolist()
        if len(infos) > bounds[0]:
            raise Unreadable(TOO_MANY)
        found = [_zip_entry(archive, info) for info in infos]
    except Unreadable:
        raise
    except Exception:  # whatever the standard library makes of hostile bytes
        raise Unreadable(_DAMAGED) from None
    count = Counter(entry.path for entry in found)
    entries = [
        replace(entry, problem="is in the archive more than once. Make the archive anew.")
        if count[entry.path] > 1 and not entry.problem
        else entry
        for entry in found
        if entry.path and entry.depth <= _DEEPEST
    ]
    return Files(sorted(entries, key=lambda entry: (entry.depth, entry.path)))


def visible(files: Files) -> Files:
    """The files without those that are hidden, or in hidden folders."""
    entries = [e for e in files.entries if not any(map(is_ignored, e.path.split("/")))]
    return Files(entries, list(files.problems))


def opened(files: Files, rounds: int, budget: Budget, stack: ExitStack) -> Files:
    """Put the content of archives in the place of the archives, `rounds` within one another."""
    for _ in range(rounds):
        result, count = Files(problems=files.problems), 0
        for entry in files.entries:
            if not entry.name.lower().endswith(ZIP) or entry.problem:
                result.entries.append(entry)
                continue
            count += 1
            try:
                if count > _MOST_ARCHIVES:
                    raise Unreadable(f"is not read: more than {_MOST_ARCHIVES} archives.")
                if entry.open:
                    file = stack.enter_context(entry.open())
                else:
                    file = io.BytesIO(budget.read(entry, LARGEST_ARCHIVE))
                inner = visible(archive_files(file, OF_A_STUDENT, stack))
            except Unreadable as error:
                result.problems.append(f"{entry.shown} {error}")
                continue
            result.entries += [found.within(entry.path) for found in inner.entries]
        files = result
    return files


def _safe(name: str) -> tuple[str, str]:
    """The parts of a name that stay within the archive, and what is wrong with the rest."""
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    bad = name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name)
    return "/".join(part for part in parts if part != ".."), UNSAFE if bad else ""


class _Limited:
    """A file of which no read returns more than `most` bytes."""

    def __init__(self, file: BinaryIO, most: int):
        self._file, self.most = file, most
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = self.most + 1
        if size > self.most + 1:
            raise Unreadable(TOO_MANY)
        data = self._file.read(size)
        if len(data) > self.most:
            raise Unreadable(TOO_MANY)
        return data

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        pass


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    path, problem = _safe(info.filename)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        problem = problem or SYMBOLIC_LINK
    elif info.is_dir() or kind not in (0, stat.S_IFREG):
        problem = problem or NOT_REGULAR
    elif info.flag_bits & 0x41:
        problem = problem or "is protected by a password. Make the archive anew, without one."
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        problem = problem or (
            "is compressed in a way that is not read here. Make the archive anew, as an ordinary "
            "zip file."
        )
    if problem:
        return unreadable(path, problem)

    def load(most: int) -> bytes:
        if info.file_size > most:
            raise too_large(most)
        try:
            with archive.open(info) as stream:
                data = stream.read(most + 1)
        except Exception:  # whatever the standard library makes of hostile bytes
            raise Unreadable(f"cannot be read: its archive {_DAMAGED}") from None
        if len(data) > most:
            raise too_large(most)
        if len(data) != info.file_size:
            raise Unreadable(f"cannot be read: its archive {_CUT_OFF}")
        return data

    return Entry(path, load)
