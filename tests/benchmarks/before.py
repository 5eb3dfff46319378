"""The code of an earlier commit, to be measured beside today's in the same run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: The last commit in which a shortest path found the RPE, and scans were cleaned before encoding.
COMMIT = "1d841d50f773"


@contextmanager
def checked_out(commit: str) -> Iterator[Path | None]:
    """A folder with the files of a commit, for as long as it is needed; None without git or it."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "before"
        git = ["git", "-C", str(ROOT), "worktree"]
        try:
            added = subprocess.run(
                [*git, "add", "--detach", str(folder), commit], capture_output=True
            )
        except OSError:  # no git
            yield None
            return
        try:
            yield folder if added.returncode == 0 else None
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], capture_output=True)


def python(folder: Path, *arguments: str, **how) -> subprocess.Popen:
    """Start Python with the package of that folder, one core and pipes for text."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    environment |= how.pop("environment", {})
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **how)
