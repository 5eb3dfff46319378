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

    `mode`, ``"namespaces"`` or ``"confined"``, says how children shut themselves in, and `extra`
    what else `worker.child` needs for it. `connect` starts the process, and gives the line to it;
    `close` is called after it has ended. `same_user`: children run as the judge's user, so that
    files' owners do not tell them apart.
    """

    arguments: list[str]
    environment: dict[str, str]
    mode: str
    extra: dict = field(default_factory=dict)
    close: Callable[[], None] = nothing
    connect: Callable[[list[str], dict[str, str], BinaryIO], Connection] = Inherited
    same_user: bool = False


class Way(ABC):
    """A way to keep submissions apart; `advice` says what to do where it does not work."""

    name: str
    advice: str
    needs_linux = True

    @abstractmethod
    def available(self) -> bool:
        """Whether it can be tried here."""

    @abstractmethod
    def command(self, memory_mb: int) -> Command:
        """How to start a zygote whose children may take so much memory.

        Raises `OctlessonsError` with what is missing.
        """
