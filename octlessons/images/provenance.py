"""Where images come from, and what was done to them since."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Problem:
    """A file that could not be used, and why.

    Attributes
    ----------
    path : str
        The file, relative to the folder that was read.
    reason : str
        One sentence fit for a person, without the path.
    kind : str
        A short word to count by, such as ``"truncated"`` or ``"empty"``.
    """

    path: str
    reason: str
    kind: str = "unreadable"


@dataclass(frozen=True)
class Provenance:
    """Where images come from, under which terms, and what was done to them since.

    Attributes
    ----------
    name : str
        Short name: ``"phantoms"``, ``"octmnist-64"``, or the folder's own name.
    description : str
        One sentence for the page that shows the data.
    licence : str
        Terms of use, such as ``"CC BY 4.0"``.
    citation : str
        What to cite.
    notes : tuple of str
        What was done since, and what to beware of, oldest first.
    problems : tuple of Problem
        Files of the source that were left out.
    """

    name: str
    description: str = ""
    licence: str = "unknown"
    citation: str = ""
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=(), repr=False)

    def with_notes(self, *notes: str) -> Provenance:
        """Return a copy with `notes` added."""
        return replace(self, notes=(*self.notes, *notes))
