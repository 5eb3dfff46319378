"""Get what runs networks in a page, and lay it beside the page with the networks that ship.

``drop.lock.json`` beside the book names the files of the npm package ``onnxruntime-web`` with
their SHA-256. They come from the cache, from the folder that ``OCTLESSONS_DROP`` names, or from
``npm``; every byte is checked, so it does not matter which. Nothing of this is a dependency: a
site that is built without them is whole, and its page says so.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from base64 import b64encode
from pathlib import Path

from octlessons._files import file_hash, locked, write_atomically
from octlessons._runtime import SHIPPED
from octlessons.errors import OctlessonsError, first_line

#: Environment variable with a folder that has the files already; "off" does without them.
FOLDER_VARIABLE = "OCTLESSONS_DROP"

#: The lock, beside the book.
LOCK = "drop.lock.json"

#: The networks that a scan goes through, in their order.
NETWORKS = ("layers.onnx", "labels.onnx")

#: Scripts that hand over the two halves of the runtime, and the kind of file in each.
_RUNTIME = {"module.js": "mjs", "machine.js": "wasm"}

_PATIENCE = 600  # seconds that npm may take


def fetch_runtime(root: Path, folder: Path | None = None) -> tuple[Path | None, str]:
    """Get the files of the lock into the cache.

    Parameters
    ----------
    root : Path
        The checkout.
    folder : Path, optional
        Another cache.

    Returns
    -------
    folder : Path or None
        Where all of them lie; None where they cannot be had.
    sentence : str
        What was done, in one line.

    Raises
    ------
    OctlessonsError
        If the lock is damaged.
    """
    what = "Networks in the page"
    named = os.environ.get(FOLDER_VARIABLE, "").strip()
    if named.casefold() in ("off", "no", "0"):
        return None, f"{what}: left out, as {FOLDER_VARIABLE} says."
    try:
        lock = json.loads((root / LOCK).read_text("utf-8"))
        wanted = {str(entry["name"]): str(entry["sha256"]) for entry in lock["files"]}
        package, inside = str(lock["package"]), str(lock["inside"])
    except FileNotFoundError:
        return None, f"{what}: left out, there is no {LOCK} here."
    except (ValueError, KeyError, TypeError) as error:
        raise OctlessonsError(
            f"{root / LOCK} is damaged ({error!r}): restore it from the repository."
        ) from error
    folder = folder or _cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock"):
        if not _missing(wanted, folder):
            return folder, f"{what}: all files were here."
        if named:
            _keep(wanted, Path(named).expanduser(), folder)
        trouble = _from_npm(package, inside, wanted, folder) if _missing(wanted, folder) else ""
        missing = _missing(wanted, folder)
    if missing:
        why = trouble or f"{', '.join(missing)} not as locked"
        return None, (
            f"{what}: left out, {package} could not be had ({why}). The site is whole without; "
            f"name a folder with the files in {FOLDER_VARIABLE}, or try again with a network."
        )
    return folder, f"{what}: {package}, checked."


def write_parts(folder: Path | None, target: Path) -> None:
    """Write what the page loads, as scripts, which can be loaded from a disk, too.

    Parameters
    ----------
    folder : Path or None
        Where the files of the lock lie; None takes away what an earlier build wrote.
    target : Path
        A folder of the site, made where it is missing.
    """
    runtime = {name: f"ort-wasm-simd-threaded.{kind}" for name, kind in _RUNTIME.items()}
    networks = {f"{Path(name).stem}.js": SHIPPED / name for name in NETWORKS}
    if folder is None:
        for name in ("ort.js", *runtime, *networks):
            (target / name).unlink(missing_ok=True)
        return
    target.mkdir(parents=True, exist_ok=True)
    parts = {"ort.js": (folder / "ort.wasm.min.js").read_bytes()}
    parts |= {name: _packed(folder / file) for name, file in runtime.items()}
    parts |= {name: _packed(path) for name, path in networks.items()}
    for name, content in parts.items():
        if not (target / name).is_file() or (target / name).read_bytes() != content:
            write_atomically(target / name, content)


def _packed(path: Path) -> bytes:
    """A script that hands the file over, compressed: ``CourseDrop.part("machine", "…")``."""
    # Without the time in its head the same file gives the same script.
    text = b64encode(gzip.compress(path.read_bytes(), mtime=0)).decode()
    return f'CourseDrop.part("{path.name}","{text}");\n'.encode()


def _cache_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("octlessons") / "drop"


def _missing(wanted: dict[str, str], folder: Path) -> list[str]:
    return [
        name
        for name, sha256 in wanted.items()
        if not (folder / name).is_file() or file_hash(folder / name) != sha256
    ]


def _keep(wanted: dict[str, str], place: Path, folder: Path) -> None:
    """Copy those files that are what the lock says."""
    there = {name: sha256 for name, sha256 in wanted.items() if (place / name).is_file()}
    for name in set(there) - set(_missing(there, place)):
        write_atomically(folder / name, (place / name).read_bytes(), power_cuts=False)


def _from_npm(package: str, inside: str, wanted: dict[str, str], folder: Path) -> str:
    """Take the files out of the package; what went wrong, in a few words."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    with tempfile.TemporaryDirectory(prefix="octlessons-drop-") as work:
        command = [npm, "pack", package, "--ignore-scripts", "--silent", "--fetch-retries=0"]
        try:
            done = subprocess.run(
                command, cwd=work, capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
            if done.returncode:
                return (done.stderr.strip() or "no reason given").splitlines()[-1][:120]
            for archive in Path(work).glob("*.tgz"):
                with tarfile.open(archive) as tar:
                    for name in wanted:
                        stream = tar.extractfile(inside + name)
                        if stream is not None:
                            Path(work, name).write_bytes(stream.read())
        except (OSError, subprocess.TimeoutExpired, tarfile.TarError, KeyError) as error:
            return first_line(error)
        _keep(wanted, Path(work), folder)
    return ""
