"""What a published claim is, and what its experiment is given and gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: How large an experiment is: seconds, minutes, and as published.
SCALES = ("quick", "laptop", "full")


@dataclass(frozen=True)
class Setting:
    """What an experiment is given; `data` as for `run`, `work` is a folder to go on from."""

    scale: str
    data: str
    work: Path
    tell: Callable[[str], None] = print


@dataclass(frozen=True)
class Measurement:
    """What an experiment gives back; the attributes are those of `Result`."""

    measured: Mapping[str, Any]
    found: str
    why: str
    data: str
    n: int


@dataclass(frozen=True)
class Claim:
    """A published claim and the experiment that repeats it.

    Attributes
    ----------
    id, title : str
        The name as on the command line, and the claim as a question.
    source, reference : str
        Who claims it and where; key in the bibliography of the course.
    claimed : dict
        The published numbers by name.
    says, brief : str
        The published numbers in a line; the one that counts, in a few words.
    told : callable
        ``told(measured)`` says the one that counts of measured numbers.
    experiment : callable
        ``experiment(setting)`` gives a `Measurement`.
    conditions : callable
        Gives what else the result depends on, such as the networks on this machine: results made
        under other conditions are not kept.
    """

    id: str
    title: str
    source: str
    reference: str
    claimed: Mapping[str, Any]
    says: str
    brief: str
    told: Callable[[Mapping[str, Any]], str] = field(repr=False)
    experiment: Callable[[Setting], Measurement] = field(repr=False)
    conditions: Callable[[], Mapping[str, Any]] = field(default=dict, repr=False)
