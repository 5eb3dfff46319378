"""A submission, as the grader knows it: text by exercise, never code that was run or unpacked."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Work:
    """What a submission holds for one exercise.

    Attributes
    ----------
    exercise : str
        Id of the exercise.
    file : str
        Name of the file it was read from, clean text; empty if there is none.
    source : str or None
        Python source with ``\\n`` line ends; None if there is none to run.
    problem : str
        If `source` is None: the sentence for the student. It says what is wrong with which file
        and what to do.
    missing : bool
        Whether nothing was handed in for this exercise (rather than something unreadable).
    unexpected : bool
        Whether it was the grader that failed to read it: no mark then, and never a zero.
    """

    exercise: str
    file: str = ""
    source: str | None = None
    problem: str = ""
    missing: bool = False
    unexpected: bool = False


@dataclass(frozen=True)
class Submission:
    """One student's, or one group's, submission.

    Attributes
    ----------
    name : str
        Name of the folder or file as handed in, clean text (no control characters, at most 200
        characters). For people to read; anything may stand in it, so escape it.
    slug : str
        Unique in the class and safe as a file name on every system: ``[a-z0-9._-]``, at most 80
        characters, never starting with a dot, never a device name of Windows.
    works : mapping of str to Work
        One for every exercise of the assignment, in its order.
    submitted : datetime or None
        When it was handed in, with time zone, where the layout tells.
    student : str
        What identifies the student for variants, late days and marks: the address or number in
        the folder's name where the layout has one, else `name`.
    ids : mapping of str to str
        What else the layout tells: ``{"moodle": "1234", "canvas": "567", "full_name": "Ana Li"}``.
    """

    name: str
    slug: str
    works: Mapping[str, Work] = field(repr=False)
    submitted: datetime | None = None
    student: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)


def name_key(name: str) -> str:
    """A name as a person compares names: capitals, spaces and how letters are stored play no part.

    Examples
    --------
    >>> name_key("Li,  ANA"), name_key("Ana_Li"), name_key("Jose\N{COMBINING ACUTE ACCENT}")
    ('ana li', 'ana li', 'josé')
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    last, comma, first = " ".join(text.replace("_", " ").split()).partition(",")
    turned = comma and first.strip() and "," not in first
    return f"{first} {last}".strip() if turned else f"{last}{comma}{first}".strip()
