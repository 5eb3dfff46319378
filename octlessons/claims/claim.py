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
    """What an experiment is given.

    Attributes
    ----------
    scale : {"quick", "laptop", "full"}
    data : str
        ``"phantoms"``, ``"octmnist"``, ``"octmnist-64"`` …, or the path of a folder of scans.
    work : Path
        Folder for what an interrupted run continues from.
    tell : callable
        Takes one line about the progress.
    """

    scale: str
    data: str
    work: Path
    tell: Callable[[str], None] = print


@dataclass(frozen=True)
class Finding:
    """What an experiment gives back.

    Attributes
    ----------
    measured : dict
        Numbers by name; those that were claimed have the same names as there.
    text : str
        What was measured, in a line.
    why : str
        One sentence on why it differs from what was claimed, true of these numbers.
    data : str
        The data used, in a sentence; a substitute is called one.
    n : int
        Number of images (or of judged cases) used.
    """

    measured: Mapping[str, Any]
    text: str
    why: str
    data: str
    n: int


@dataclass(frozen=True)
class Claim:
    """A published claim and the experiment that repeats it.

    Attributes
    ----------
    id : str
        As on the command line.
    title : str
    source : str
        Who claims it, and where.
    reference : str
        Key in the bibliography of the course.
    claimed : dict
        The published numbers by name.
    says : str
        The published numbers, in a line.
    brief : str
        The one that counts, in a few words.
    told : callable
        ``told(measured)`` says the same of measured numbers.
    experiment : callable
        ``experiment(setting)`` gives a `Finding`.
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
    experiment: Callable[[Setting], Finding] = field(repr=False)
    conditions: Callable[[], Mapping[str, Any]] = field(default=dict, repr=False)
