"""The unit of work, and what all units of a run have in common: data that travel."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from octlessons.grading.assignment import Task
from octlessons.grading.submission import Work


@dataclass(frozen=True)
class Unit:
    """One exercise of one submission: with the setting, all that its mark depends on.

    `key` is of the record it will give, `submission` a `Submission.slug`, `student` whose variant
    is drawn.
    """

    key: str
    submission: str
    student: str
    work: Work
    exercise: str

    @property
    def place(self) -> tuple[str, str]:
        """What it is called in a class run."""
        return self.submission, self.exercise


@dataclass(frozen=True, eq=False)
class Setting:
    """What all units of a run have in common; it travels to other machines.

    `preload` are modules that zygotes import, `memory_mb` is the most that a submission may take,
    `versions` what the records' keys hold. `proven` says whether the isolation has shown that it
    holds on the machine that marks; `run` is a name of the run, so that judges elsewhere know one
    from the next.
    """

    tasks: Mapping[str, Task] = field(repr=False)
    course_key: str = field(repr=False)
    isolation: str
    preload: tuple[str, ...]
    memory_mb: int
    versions: Mapping[str, str]
    proven: bool
    run: str


def seed_of(key: str, student: str, exercise: str) -> int:
    """Return the seed of one student's process in one exercise: a keyed hash of both."""
    message = f"{exercise}\n{student.strip().casefold()}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hmac.digest(key.encode() or b"-", message, "sha256")[:8], "little")
