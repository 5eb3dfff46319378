"""The package as files to install from: a wheel and its sources, made by the project's own backend.

The backend (``build-system`` in ``pyproject.toml``) runs in an environment of its own, which pip
fills: nothing is added to this one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from datetime import UTC, datetime
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.site.identity import last_change


def make_distribution(root: Path, out: Path, kind: str) -> Path:
    """Make the wheel of a checkout, or the archive of its sources.

    Parameters
    ----------
    root : Path
        The checkout.
    out : Path
        Folder for it.
    kind : {"wheel", "sdist"}

    Returns
    -------
    Path
    """
    out.mkdir(parents=True, exist_ok=True)
    python = _backend(root)
    with tempfile.TemporaryDirectory(dir=out, prefix=".made-") as made:
        _run([python, "-m", "hatchling", "build", "-t", kind, "-d", made], root, f"The {kind}")
        (file,) = Path(made).iterdir()
        place = out / file.name
        os.replace(file, place)
    return place


def _backend(root: Path) -> str:
    """Python of an environment with the build backend; made once."""
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["build-system"]["requires"]
    folder = root / "_build" / "work" / "backend"
    place = folder / ("Scripts" if os.name == "nt" else "bin")
    python = str(place / ("python.exe" if os.name == "nt" else "python"))
    stamp = folder / "ready.txt"
    state = f"{sys.version}\n{wanted}\n"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != state:
        venv.create(folder, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        _run(pip, root, "What makes wheels")
        stamp.write_text(state, encoding="utf-8")
    return python


def _run(command: list[str], root: Path, what: str) -> None:
    day = datetime.combine(last_change(root), datetime.min.time(), UTC)
    done = subprocess.run(
        command,
        cwd=root,
        env=os.environ | {"SOURCE_DATE_EPOCH": str(int(day.timestamp()))},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise OctlessonsError(
            f"{what} cannot be made: {lines[-1] if lines else 'no reason was given'}. It needs a "
            "package index that can be reached, the first time."
        )
