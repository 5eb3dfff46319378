"""A submission, as the grader knows it: text by exercise, never code that was run or unpacked."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Work:
    """What a submission holds for one exercise.

    `file` is the name of the file it was read from, clean text; empty if there is none. `source`
    has ``\\n`` line ends; it is None if there is none to run, and then `problem` is the sentence
    for the student: what is wrong with which file, and what to do. `missing`: nothing was handed in
    (rather than something unreadable). `unexpected`: it was the grader that failed to read it, so
    that there is no mark, and never a zero.
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

    `name` is that of the folder or file as handed in, clean text of at most 200 characters, for
    people to read: anything may stand in it, so escape it. `slug` is unique in the class and safe
    as a file name on every system: ``[a-z0-9._-]``, at most 80 characters. `works` has one entry
    for every exercise of the assignment. `submitted` is when, with time zone, where the layout
    tells. `student` identifies the student for variants, late days and marks: the address or number
    where the layout has one, else the name. `ids` are what else it tells: ``{"moodle": "1234",
    "canvas": "567", "full_name": "Ana Li"}``.
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
