"""The trusted side: pytest holds what submissions return against what they should.

Checks are the files that students run themselves, and their `student` is a `remote.RemoteStudent`
here: its functions run in a child of a sandbox, and only plain data comes back. Expected values,
checks and marks are never in a process that a submission can reach.

A judge is a process of its own (`panel`), with limits of its own: what an answer does to it costs
that answer, and nobody else.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.grading.assignment import Task
from octlessons.grading.records import Marked
from octlessons.grading.sandbox.zygote import Zygote
from octlessons.grading.units import Setting, Unit

#: How folders with check files are called while they are used.
PREFIX = "octlessons-judge-"

# Seconds in which a folder may not be locked yet.
_NEW = 60.0

# Where check files lie while they run.
_FOLDERS = ("public_checks", "hidden_checks")


def judge(
    units: Iterable[Unit],
    setting: Setting,
    zygote: Callable[[], Zygote] | None,
    keep: Callable[[Marked], None],
) -> None:
    """Mark units, in one run of pytest; `keep` is called with what each came to.

    The next unit is asked for when the one before is marked. `zygote` gives the sandbox, and is
    asked for every unit, so one that has ended can be replaced; None runs submissions unprotected
    in this process. Raises `OctlessonsError` if a check file cannot be read.
    """
    import pytest

    from octlessons.exercises.plugin import forget, quiet_options
    from octlessons.grading.judge_plugin import JudgePlugin

    with _folder() as folder:
        files = _write(setting.tasks.values(), folder)
        plugin = JudgePlugin(units, setting, zygote, keep, files)
        said = io.StringIO()
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
            quiet_options(),
        ):
            warnings.simplefilter("ignore")
            try:
                pytest.main(_arguments(folder, files), plugins=[plugin])
            finally:
                forget(folder)
    if plugin.problem:
        raise OctlessonsError(f"The checks could not be read: {plugin.problem.strip()[-600:]}")
    if not plugin.reached:
        raise OctlessonsError(f"The checks did not run: {said.getvalue().strip()[-600:]}")


def _arguments(folder: Path, files: Iterable[Path]) -> list[str]:
    os.environ.setdefault("MPLBACKEND", "Agg")
    from octlessons.exercises.plugin import WITHOUT

    return [
        *("-c", str(folder / "checks.ini"), "--rootdir", str(folder), "--noconftest", "-s"),
        *(f"-pno:{name}" for name in WITHOUT.split()),
        *("--disable-plugin-autoload", "--import-mode=importlib"),
        *map(str, files),
    ]


def _write(tasks: Iterable[Task], folder: Path) -> dict[Path, tuple[str, bool]]:
    """Write check files into a folder; return exercise and visibility of each."""
    files = {}
    for task in tasks:
        for hidden, contents in ((False, task.checks), (True, task.hidden_checks)):
            place = folder / _FOLDERS[hidden] / task.id
            for name, content in contents.items():
                place.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(content)
                if name.startswith("test_"):
                    files[place / name] = (task.id, hidden)
    (folder / "checks.ini").write_text("[pytest]\npython_files = test_*.py\n")
    return files


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder for check files, locked while it is used; those of killed runs are removed first."""
    place = Path(tempfile.gettempdir())
    with contextlib.ExitStack() as stack:
        try:
            _sweep(place)
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX))
            _locked(stack.enter_context(open(Path(name, "lock"), "w")))
        except OSError as error:
            raise OctlessonsError(
                f"The checks cannot be written to {place} ({error.strerror}): make room there, or "
                "let the environment variable TMPDIR name a folder on another disk."
            ) from error
        yield Path(name)


def _locked(file) -> bool:
    """Take a lock that the system lets go with this process, however it ends."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _sweep(place: Path) -> None:
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), open(folder / "lock") as file:
            if time.time() - folder.stat().st_mtime > _NEW and _locked(file):
                shutil.rmtree(folder, ignore_errors=True)
