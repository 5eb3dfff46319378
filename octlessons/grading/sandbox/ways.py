"""What a way of isolation is: whether it is here, how it starts a zygote, what it lacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from octlessons.grading.sandbox.connection import Connection, Inherited


def nothing() -> None:
    """Close nothing."""


@dataclass
class Command:
    """How to start a zygote.

    Attributes
    ----------
    arguments : list of str
        Program and arguments.
    environment : dict
    mode : {"namespaces", "confined"}
        How children shut themselves in.
    extra : dict
        What else `worker.child` needs to know in this mode.
    close : callable
        Called after the process has ended.
    connect : callable
        Starts the process, and is the line to it.
    same_user : bool
        Whether children run as the judge's user, so that files' owners do not tell them apart.
    """

    arguments: list[str]
    environment: dict[str, str]
    mode: str
    extra: dict = field(default_factory=dict)
    close: Callable[[], None] = nothing
    connect: Callable[[list[str], dict[str, str], BinaryIO], Connection] = Inherited
    same_user: bool = False


class Way(ABC):
    """A way to keep submissions apart.

    Attributes
    ----------
    name : str
    advice : str
        What to do where it does not work.
    needs_linux : bool
    """

    name: str
    advice: str
    needs_linux = True

    @abstractmethod
    def available(self) -> bool:
        """Whether it can be tried here."""

    @abstractmethod
    def command(self, memory_mb: int) -> Command:
        """How to start a zygote whose child may take so much memory.

        Raises `OctlessonsError` with what is missing.
        """
