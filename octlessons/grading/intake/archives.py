"""Zip and tar archives as lists of files: nothing is unpacked, every length is bounded.

Zip files are read with the standard library behind a limit on each read. Tar files are read here:
they are lists of headers of 512 bytes, and the standard library's reader takes patterns with
backtracking, sparse maps and unbounded names from them.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import BinaryIO

from octlessons.grading.intake.entries import (
    LARGEST,
    LARGEST_ARCHIVE,
    NOT_REGULAR,
    SYMBOLIC_LINK,
    Budget,
    Entry,
    Files,
    Unreadable,
    is_ignored,
    megabytes,
    shown,
    too_large,
    unreadable,
)

KINDS = (".zip", ".tar", ".tar.gz", ".tgz")

#: Archives that students hand in and that are not read.
OTHER_KINDS = (".rar", ".7z", ".bz2", ".tbz2", ".xz", ".txz", ".gz", ".zst")

UNSAFE = "has a name that leads out of the archive. Make the archive anew, from the folder itself."

_DAMAGED = "is damaged, or not an archive of this kind. Make it anew and try to open it."
_CUT_OFF = "is cut off: the upload was not complete. Hand it in again."
_MOST_ARCHIVES = 20  # of one student
_DEEPEST = 16  # folders in an archive
_MOST_EXTENSIONS = 10_000  # blocks that go on with the map of a sparse file
_HELD = (".py", ".ipynb", "times.csv", *KINDS)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold.

    Attributes
    ----------
    entries : int
    directory : int
        Bytes of its list of entries.
    unpacked : int
        Bytes that are unpacked of a compressed tar archive to look through it.
    held : int
        Bytes of files kept in memory of a compressed tar archive.
    """

    entries: int
    directory: int
    unpacked: int
    held: int


OF_A_STUDENT = Limits(2_000, 1_500_000, 200_000_000, 60_000_000)
OF_A_CLASS = Limits(20_000, 8_000_000, 1_000_000_000, 300_000_000)

TOO_MANY = (
    f"holds too many files: a student's archive may have {OF_A_STUDENT.entries} entries, one of a "
    f"whole class {OF_A_CLASS.entries}. Leave out everything but the exercises."
)


def is_archive(name: str) -> bool:
    """Whether a file is to be opened as an archive, by its name."""
    return name.lower().endswith(KINDS)


def archive_files(file: BinaryIO, name: str, limits: Limits, stack: ExitStack) -> Files:
    """List the files of an archive.

    Parameters
    ----------
    file : binary file
        It can be searched in.
    name : str
        Of the archive; its end tells the kind.
    limits : Limits
    stack : ExitStack
        Closes the archive at the end; until then its entries can be read.

    Returns
    -------
    Files

    Raises
    ------
    Unreadable
        If it is not an archive or breaks a limit.
    """
    try:
        if name.lower().endswith(".zip"):
            found = _zip_files(file, limits, stack)
        else:
            found = _tar_files(file, name, limits)
    except Unreadable:
        raise
    except Exception:  # whatever the standard library makes of hostile bytes
        raise Unreadable(_DAMAGED) from None
    count = Counter(entry.path for entry in found.entries)
    found.entries = [
        replace(entry, problem="is in the archive more than once. Make the archive anew.")
        if count[entry.path] > 1 and not entry.problem
        else entry
        for entry in found.entries
        if entry.path and entry.depth <= _DEEPEST
        if not any(map(is_ignored, entry.path.split("/")))
    ]
    found.entries.sort(key=lambda entry: (entry.depth, entry.path))
    return found


def opened(files: Files, rounds: int, budget: Budget, stack: ExitStack) -> Files:
    """Put the content of archives in the place of the archives.

    Parameters
    ----------
    files : Files
    rounds : int
        How many archives may lie in one another.
    budget : Budget
    stack : ExitStack
        Closes what was opened.

    Returns
    -------
    Files
    """
    for _ in range(rounds):
        result, count = Files(problems=files.problems), 0
        for entry in files.entries:
            if not is_archive(entry.name) or entry.problem:
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
                inner = archive_files(file, entry.name, OF_A_STUDENT, stack)
            except Unreadable as error:
                result.problems.append(f"{entry.shown} {error}")
                continue
            result.entries += [found.within(entry.path) for found in inner.entries]
            result.problems += [f"{entry.shown}: {problem}" for problem in inner.problems]
        files = result
    return files


def _safe(name: str) -> tuple[str, str]:
    """The parts of a name that stay within the archive, and what is wrong with the rest."""
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    bad = name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name)
    return "/".join(part for part in parts if part != ".."), UNSAFE if bad else ""


# ---------------------------------------------------------------------- zip


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


def _zip_files(file: BinaryIO, limits: Limits, stack: ExitStack) -> Files:
    limited = _Limited(file, limits.directory)
    archive = stack.enter_context(zipfile.ZipFile(limited))
    limited.most = LARGEST_ARCHIVE + 2**20
    infos = archive.infolist()
    if len(infos) > limits.entries:
        raise Unreadable(TOO_MANY)
    return Files([_zip_entry(archive, info) for info in infos])


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


# ---------------------------------------------------------------------- tar


class _Plain:
    """The bytes of a tar archive that is not compressed."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def skip(self, size: int) -> None:
        self._file.seek(size, io.SEEK_CUR)

    def keep(self, size: int):
        """A function that gives the next bytes, now or later."""
        at = self._file.tell()
        self.skip(size)

        def load() -> bytes:
            self._file.seek(at)
            return self._file.read(size)

        return load


class _Gunzipped:
    """The bytes of a tar archive compressed with gzip, front to back."""

    def __init__(self, file: BinaryIO, limits: Limits):
        self._file, self._hold = file, limits.held
        self._most = self._left = limits.unpacked
        self._zip, self._waiting, self._members = zlib.decompressobj(31), b"", 1

    def read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            if self._zip.eof:
                rest = (self._zip.unused_data or self._file.read(2**16)).lstrip(b"\0")
                self._members += 1
                if not rest or self._members > 100:
                    break
                self._zip, self._waiting = zlib.decompressobj(31), rest
            self._waiting = self._waiting or self._file.read(2**16)
            if not self._waiting:
                break
            part = self._zip.decompress(self._waiting, min(size - len(data), 2**20))
            self._waiting = self._zip.unconsumed_tail
            data += part
            self._left -= len(part)
            if self._left < 0:
                raise Unreadable(
                    f"unpacks to more than {megabytes(self._most)}. Leave out everything but the "
                    "exercises."
                )
        return bytes(data)

    def skip(self, size: int) -> None:
        while size > 0:
            part = self.read(min(size, 2**20))
            if not part:
                return
            size -= len(part)

    def keep(self, size: int):
        """A function that gives the next bytes, which are held in memory until then."""
        if size > self._hold:
            self.skip(size)
            return None
        data = self.read(size)
        self._hold -= size
        return lambda: data


def _tar_files(file: BinaryIO, name: str, limits: Limits) -> Files:
    start = file.read(2)
    file.seek(0)
    packed = start == b"\x1f\x8b"
    stream = _Gunzipped(file, limits) if packed else _Plain(file)
    found, extra, headers = Files(), {}, 0
    try:
        while len(block := stream.read(512)) == 512 and block.strip(b"\0"):
            headers += 1
            if len(found.entries) >= limits.entries or headers > 3 * limits.entries:
                raise Unreadable(TOO_MANY)
            kind, size = block[156:157], _number(block[124:136])
            if _number(block[148:156]) != sum(block[:148]) + 8 * 32 + sum(block[156:]):
                raise ValueError("checksum")
            if kind in b"xL":
                extra |= _extra(kind, _short(stream, size))
            elif kind in b"gKX":  # what holds for all files, names of links, of old systems
                _short(stream, size)
            else:
                found.entries.append(_tar_entry(block, extra, stream))
                extra = {}
        if len(block) < 512:
            found.problems.append(f"{shown(name)} {_CUT_OFF}")
    except (ValueError, zlib.error):
        if not found.entries:
            raise Unreadable(_DAMAGED) from None
        found.problems.append(f"{shown(name)} {_DAMAGED}")
    return found


def _tar_entry(block: bytes, extra: dict[str, bytes], stream: _Plain | _Gunzipped) -> Entry:
    kind, size = block[156:157], _number(block[124:136])
    name = block[:100].split(b"\0", 1)[0]
    if block[257:263] == b"ustar\0":  # the other dialect keeps something else in this place
        name = block[345:500].split(b"\0", 1)[0] + b"/" + name if block[345] else name
    if "size" in extra:
        size = _digits(extra["size"], 10)
    raw = extra.get("path", name).decode("utf-8", "surrogateescape")
    path, problem = _safe(raw)
    regular = kind in b"0\x007"
    padded = -(-size // 512) * 512
    if kind == b"S":
        _skip_map(block[482], stream)
    if "sparse" in extra or kind == b"S":
        problem = problem or "is a sparse file. Make the archive anew, as an ordinary zip file."
    elif kind in b"12":
        problem = problem or (SYMBOLIC_LINK if kind == b"2" else "is a link. Hand in the file.")
    elif not regular or raw.endswith("/"):
        problem = problem or NOT_REGULAR
    if problem:
        stream.skip(0 if kind in b"123456" else padded)
        return unreadable(path, problem)
    most = LARGEST_ARCHIVE if is_archive(path) else LARGEST
    if size > most or not path.lower().endswith(_HELD):
        stream.skip(padded)
        return unreadable(path, str(too_large(most)) if size > most else "is no exercise.")
    keep = stream.keep(size)
    stream.skip(padded - size)
    if keep is None:
        return unreadable(path, "is not read: the archive holds too much. Hand in a zip file.")

    def load(most: int) -> bytes:
        if size > most:
            raise too_large(most)
        data = keep()
        if len(data) != size:
            raise Unreadable(f"cannot be read: its archive {_CUT_OFF}")
        return data

    return Entry(path, load)


def _skip_map(further: int, stream: _Plain | _Gunzipped) -> None:
    """Go past the blocks that say where in a sparse file its data belong."""
    for _ in range(_MOST_EXTENSIONS):
        if not further:
            return
        block = stream.read(512)
        further = len(block) == 512 and block[504]
    raise ValueError("no end")


def _short(stream: _Plain | _Gunzipped, size: int) -> bytes:
    """The content of a header that goes before a file."""
    if size > 2**16:
        raise ValueError("too long")
    return stream.read(-(-size // 512) * 512)[:size]


def _extra(kind: bytes, data: bytes) -> dict[str, bytes]:
    """What such a header says of the file after it: ``path``, ``size``, ``sparse``."""
    if kind == b"L":
        return {"path": data.split(b"\0", 1)[0]}
    found, at = {}, 0
    while at < len(data):
        digits = data[at : at + 8].split(b" ", 1)[0]
        length = _digits(digits, 10)
        if length <= len(digits) + 1 or at + length > len(data):
            raise ValueError("length")
        key, _, value = data[at + len(digits) + 1 : at + length - 1].partition(b"=")
        if key in (b"path", b"size"):
            found[key.decode()] = value
        elif key.startswith(b"GNU.sparse."):
            found["sparse"] = value
        at += length
    return found


def _number(field: bytes) -> int:
    if field[0] == 0x80 and not any(field[1:-8]):
        return int.from_bytes(field[-7:], "big")
    return _digits(field.strip(b" \0") or b"0", 8)


def _digits(text: bytes, base: int) -> int:
    if not re.fullmatch(rb"[0-9]{1,20}", text):
        raise ValueError("not a number")
    return int(text, base)
