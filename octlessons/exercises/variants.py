"""Data of one's own: neighbours get other numbers, and the same right code passes."""

from __future__ import annotations

import hashlib
import os

import numpy as np

#: Environment variable with the name or number of the student.
STUDENT_VARIABLE = "OCTLESSONS_STUDENT"


def variant_rng(exercise: str, student: str | None = None, key: str = "") -> np.random.Generator:
    """Return the random generator of one student in one exercise.

    Parameters
    ----------
    exercise : str
        Its id.
    student : str, optional
        Name or number; without it ``$OCTLESSONS_STUDENT``, or nobody in particular.
    key : str
        A secret of the course, with which nobody else can work out the numbers.

    Returns
    -------
    numpy.random.Generator
        Seeded with a keyed BLAKE2 hash of both, so on every machine the same.
    """
    if student is None:
        student = os.environ.get(STUDENT_VARIABLE, "")
    digest = hashlib.blake2b(
        f"{exercise}\n{student.strip().casefold()}".encode(),
        key=key.encode()[:64],
        digest_size=16,
    ).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))
