"""What a mark depends on, as one hash: two runs with the same key give the same record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache

from octlessons import __version__, _fingerprint
from octlessons.grading.assignment import Task
from octlessons.grading.submission import Work

# What decides a mark: these, and all of the package that they reach.
_DECISIVE = (
    *("octlessons.grading.judge", "octlessons.exercises.plugin", "octlessons.testing"),
    "octlessons.grading.worker.child",  # runs in the sandbox, so nothing imports it
)


def record_key(task: Task, work: Work, seed: int, isolation: str) -> str:
    """Return the key of a record: SHA-256 in hexadecimal digits.

    Of a task, its checks, limits and solution count, not its title. The seed, from `units.seed_of`,
    stands for the secret of the course. Of the isolation it counts only whether there was any: a
    mark given without is not taken for one with.
    """
    content = {
        "work": [work.file, work.source, work.problem, work.missing],
        "checks": {name: _hash(data) for name, data in sorted(task.checks.items())},
        "hidden": {name: _hash(data) for name, data in sorted(task.hidden_checks.items())},
        "solution": task.solution,
        "exercise": task.id,
        "limits": asdict(task.limits),
        "seed": seed,
        "isolated": isolation != "none",
        "rules": versions()["rules"],
    }
    return _hash(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass"))


@cache
def versions() -> dict[str, str]:
    """Return the versions that marks depend on: ours, Python's, the libraries', the rules."""
    rules = _fingerprint.fingerprint(*_DECISIVE, also=__version__)
    return {"octlessons": __version__, **_fingerprint.versions(), "rules": rules}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
