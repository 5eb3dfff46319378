"""Trainings that take too long for a page: what a benchmark recorded on several draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from octlessons.evaluation.recordings import record
from octlessons.evaluation.uncertainty import Interval, mean_interval


@dataclass(frozen=True)
class Trainings:
    """Results of several trainings on several draws of phantoms.

    Attributes
    ----------
    command, date : str
        What recorded them, and when.
    draws : int
        Number of draws; each holds other patients.
    rows : dict of str to dict of str to ndarray of float, shape (draws,)
        For each training what was measured, by name.
    """

    command: str
    date: str
    draws: int
    rows: dict[str, dict[str, np.ndarray]]

    def mean(self, row: str, what: str, minus: str | None = None) -> Interval:
        """Mean over the draws, with Student's interval of 95 %.

        Parameters
        ----------
        row : str
            A training.
        what : str
            What was measured of it.
        minus : str, optional
            Another training, to subtract within each draw.

        Returns
        -------
        Interval

        Raises
        ------
        ValueError
            If nothing of that name was recorded.
        """
        values = self._values(row, what)
        return mean_interval(values if minus is None else values - self._values(minus, what))

    def _values(self, row: str, what: str) -> np.ndarray:
        if what not in self.rows.get(row, {}):
            raise ValueError(
                f"No {what!r} of {row!r} was recorded. There is: {', '.join(self.rows)}."
            )
        return self.rows[row][what]


def recorded_trainings(which: str) -> Trainings:
    """Give the trainings that were recorded for a chapter.

    Parameters
    ----------
    which : {"autoencoders", "views"}

    Returns
    -------
    Trainings

    Raises
    ------
    ValueError
        If there are none of that name.
    """
    kept = record("trainings")
    if which not in kept:
        raise ValueError(f"No trainings were recorded as {which!r}; there are {', '.join(kept)}.")
    part = kept[which]
    draws = list(part["draws"].values())
    rows = {
        row: {what: np.array([draw[row][what] for draw in draws]) for what in measured}
        for row, measured in draws[0].items()
    }
    return Trainings(part["command"], part["date"], len(draws), rows)
