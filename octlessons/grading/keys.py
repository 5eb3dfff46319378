"""What a mark depends on, as one hash: two runs with the same key give the same record."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from octlessons import __version__
from octlessons.grading.assignment import Task
from octlessons.grading.submission import Work

# Libraries whose versions can change a number.
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "scikit-image", "pytest", "torch", "pandas")

# Modules of ours that decide what passes.
_DECISIVE = (
    "testing.py",
    "exercises/plain.py",
    "exercises/plugin.py",
    "exercises/student.py",
    "exercises/variants.py",
    "grading/judge.py",
    "grading/text.py",
    "grading/wire.py",
)


def record_key(task: Task, work: Work, seed: int, isolation: str) -> str:
    """Return the key of a record.

    Parameters
    ----------
    task : Task
        Its checks and limits count, not its title.
    work : Work
    seed : int
        From `judge.seed_of`, so that the secret of the course does not appear.
    isolation : str
        Only whether there was any counts: a mark given without is not taken for one with.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits.
    """
    content = {
        "work": [work.file, work.source, work.problem, work.missing],
        "checks": {name: _hash(data) for name, data in sorted(task.checks.items())},
        "hidden": {name: _hash(data) for name, data in sorted(task.hidden_checks.items())},
        "exercise": task.id,
        "limits": asdict(task.limits),
        "seed": seed,
        "isolated": isolation != "none",
        "versions": versions(),
    }
    return _hash(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass"))


@cache
def versions() -> dict[str, str]:
    """Return the versions that marks depend on: ours, Python's, the libraries'."""
    found = {"octlessons": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    package = Path(__file__).resolve().parents[1]
    code = b"".join((package / name).read_bytes() for name in _DECISIVE)
    return found | {"rules": _hash(code)}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
