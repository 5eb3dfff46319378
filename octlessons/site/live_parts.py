"""Write what runs Python in the pages into a site, as scripts that load from anywhere.

A page that was opened by double-click may load scripts but fetch nothing. So each file becomes a
script that hands over its bytes as base64, and the same scripts serve a page that comes from a
host; nothing of it is loaded before the reader asks. Beside Pyodide's own files there is the
course: octlessons without what a page cannot use, the exercises with their checks, and pytest.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import zipfile
from pathlib import Path

from octlessons._files import write_atomically
from octlessons.exercises.inpage import LEFT_OUT
from octlessons.site.live_files import LiveFile, read_lock

#: Folder of the scripts in a site.
PLACE = "_static/live/python"

_LEFT_OUT_FILES = ("cli.py", "doctor.py", "terminal.py", "watching.py")

_CORE = {
    "pyodide.js": "pyodide",
    "pyodide.asm.js": "asm",
    "pyodide.asm.wasm": "wasm",
    "python_stdlib.zip": "stdlib",
}
#: Packages of Pyodide that the page may load, when they are wanted.
PACKAGES = (
    *("numpy", "openblas", "scipy", "joblib", "threadpoolctl", "scikit-learn", "matplotlib"),
    *("pillow", "contourpy", "kiwisolver", "cycler", "six", "pyparsing", "python-dateutil"),
)
_PACKED = {"stdlib", "course", *PACKAGES}  # archives, which gzip does not make smaller


def write_live(root: Path, files: Path, site: Path) -> int:
    """Write all parts and their manifest into a site.

    Parameters
    ----------
    root : Path
        The checkout.
    files : Path
        Folder of the files of the lock, checked (`octlessons.site.live_files.fetch_live`).
    site : Path
        Folder of the site.

    Returns
    -------
    int
        Bytes written.
    """
    lock, place = read_lock(root), site / PLACE
    assert lock is not None
    contents = {part: (files / name).read_bytes() for name, part in _CORE.items()}
    packages = _packages(json.loads((files / "pyodide-lock.json").read_text("utf-8")))
    for name in PACKAGES:
        contents[name] = (files / packages["packages"][name]["file_name"]).read_bytes()
    contents["course"] = course_zip(root, files, lock.files)
    parts, total = {}, 0
    for name, content in contents.items():
        text, packed = _script(name, content)
        write_atomically(place / f"{name}.js", text, power_cuts=False)
        mark = hashlib.sha256(content).hexdigest()[:12]
        parts[name] = {"bytes": len(text), "gzip": packed, "mark": mark}
        total += len(text)
    manifest = {"parts": parts, "lock": packages}
    text = f"octlessonsLive.manifest({json.dumps(manifest, separators=(',', ':'))});\n"
    write_atomically(place / "manifest.js", text, power_cuts=False)
    return total + len(text)


def _script(name: str, content: bytes) -> tuple[str, bool]:
    """One part as a script, and whether its bytes are compressed."""
    packed = name not in _PACKED
    held = gzip.compress(content, 9, mtime=0) if packed else content
    return f'octlessonsLive.part("{name}","{base64.b64encode(held).decode()}");\n', packed


def _packages(lock: dict) -> dict:
    """Pyodide's lock, of the packages that are here: what they would need beside that is not used.

    Those are fonttools for PDF, pytz, a canvas for matplotlib, and an older packaging.
    """
    chosen = {name: dict(lock["packages"][name]) for name in PACKAGES}
    for entry in chosen.values():
        entry["depends"] = [name for name in entry["depends"] if name in PACKAGES]
    return {"info": lock["info"], "packages": chosen}


def course_zip(root: Path, files: Path, locked: tuple[LiveFile, ...]) -> bytes:
    """Return octlessons, the exercises, their checks and pytest as one archive, always the same.

    Parameters
    ----------
    root, files : Path
        The checkout; the folder of the files of the lock.
    locked : tuple of LiveFile
        Its wheels with a requirement (``pytest==…``) are unpacked into the archive.

    Returns
    -------
    bytes
        No solutions are in it.
    """
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:

        def add(name: str, content: bytes) -> None:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)

        for name, path in sorted(_course(root).items()):
            add(name, path.read_bytes())
        for file in locked:
            if any("==" in place for place in file.places):
                with zipfile.ZipFile(files / file.name) as wheel:
                    for name in sorted(wheel.namelist()):
                        if not name.endswith("/"):
                            add(name, wheel.read(name))
    return held.getvalue()


def _course(root: Path) -> dict[str, Path]:
    """Names in the archive, and the files of the checkout that they hold."""
    found: dict[str, Path] = {}
    package = Path(__file__).resolve().parents[1]
    for path in package.rglob("*"):
        parts = path.relative_to(package).parts
        left_out = parts[0] in (*LEFT_OUT, "course") or parts[-1] in _LEFT_OUT_FILES
        if path.is_file() and not left_out and path.suffix in (".py", ".json", ".ini"):
            found["/".join(("octlessons", *parts))] = path
    for folder, kinds in (("exercises", (".py", ".toml", ".json")), ("tests/exercises", None)):
        for path in (root / folder).rglob("*"):
            parts = path.relative_to(root).parts
            hidden = any(part.startswith((".", "__pycache__")) for part in parts)
            if path.is_file() and not hidden and (kinds is None or path.suffix in kinds):
                found["/".join(("octlessons/course", *parts))] = path
    return found
