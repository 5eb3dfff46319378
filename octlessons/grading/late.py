"""Late work: what comes off a mark, exactly, and what the student reads about it.

A day late is a started period of 24 hours after the deadline and its grace, so that summer time
plays no part. Where the time of submission is not known, nothing comes off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from octlessons.errors import OctlessonsError
from octlessons.grading.submission import name_key
from octlessons.wording import count, listing

_NUMBERS = {"grace_minutes": 100_000, "percent_per_day": 100}
_KEYS = ("due", *_NUMBERS, "extensions")
_AS_IN = "write day, time and zone without quotes, as in 2026-12-01T12:00:00Z"


@dataclass(frozen=True)
class LateMark:
    """What counts of a mark, exact; started days late; per cent taken off; a sentence or none."""

    points: Fraction
    days_late: int = 0
    penalty_percent: Fraction = Fraction(0)
    note: str = ""


@dataclass(frozen=True)
class LatePolicy:
    """How late work is marked; without a deadline nothing is late.

    Work `grace_minutes` later is in time: by default "23:59" is over at midnight. `percent_per_day`
    is of the points to be had, for every started day; a mark never falls below zero. `extensions`
    has later deadlines, for students named in any way that `name_key` takes for the same.
    """

    due: datetime | None = None
    grace_minutes: int | float = 1
    percent_per_day: int | float = 0
    extensions: Mapping[str, datetime] = field(default_factory=dict, hash=False)

    @classmethod
    def from_toml(cls, table: Any, where: str = "[late]") -> LatePolicy:
        """Read the policy from a table; an `OctlessonsError` that begins with `where` if wrong."""

        def check(right: object, why: str) -> None:
            if not right:
                raise OctlessonsError(f"{where}: {why}.")

        check(isinstance(table, Mapping), f"is no table; write one with {listing(_KEYS)}")
        for name, value in table.items():
            check(name in _KEYS, f"has no setting called {name}; there are {listing(_KEYS)}")
            if name in _NUMBERS:
                number = isinstance(value, int | float) and not isinstance(value, bool)
                why = f"{name} = {value} is no number between 0 and {_NUMBERS[name]}"
                check(number and 0 <= value <= _NUMBERS[name], why)
        if not table:
            return cls()
        given = table.get("extensions", {})
        check("due" in table, f"has no due, the deadline; {_AS_IN}")
        check(isinstance(given, Mapping), "extensions is no table; write [late.extensions]")
        moments = {"due": table["due"]} | {f'extension of "{who}"': given[who] for who in given}
        for name, moment in moments.items():
            check(isinstance(moment, datetime), f"{name} is no time; {_AS_IN}")
            check(moment.utcoffset() is not None, f"{name} = {moment} has no time zone; {_AS_IN}")
            check(1970 < moment.year < 9000, f"{name} = {moment} is beyond the calendar")
            check(moment >= table["due"], f"{name} is before the deadline; write a later time")
        keys = list(map(name_key, given))
        check("" not in keys, "there is an extension for nobody; name the student")
        for who in given:
            check(keys.count(name_key(who)) == 1, f'extension of "{who}" is there twice; keep one')
        return cls(**{**table, "extensions": dict(given)})

    def deadline(self, *names: str) -> datetime | None:
        """The deadline of a student known by these names, without grace; the latest that fits."""
        known = set(map(name_key, names)) - {""}
        own = [moment for name, moment in self.extensions.items() if name_key(name) in known]
        return None if self.due is None else max([self.due, *own])

    def apply(
        self, points: Fraction | float, max_points: int, submitted: datetime | None, *names: str
    ) -> LateMark:
        """What counts of `points` of `max_points`, handed in then by who is known by `names`.

        Examples
        --------
        >>> policy = LatePolicy(datetime(2026, 12, 1, 12, tzinfo=UTC), percent_per_day=10)
        >>> mark = policy.apply(8, 10, datetime(2026, 12, 2, 13, tzinfo=UTC), "ana")
        >>> mark.points, mark.days_late, mark.note
        (Fraction(6, 1), 2, '2 days late: 20 % of the points to be had are taken off.')
        """
        reached, due = _exact(points), self.deadline(*names)
        if due is None:
            return LateMark(reached)
        if submitted is None or submitted.utcoffset() is None:
            note = "The time of submission is not known, so nothing is taken off for lateness."
            return LateMark(reached, note=note)
        late = submitted.astimezone(UTC) - due.astimezone(UTC)
        days = max(0, -(-(late - timedelta(minutes=self.grace_minutes)) // timedelta(days=1)))
        own = f"Extension until {time_text(due)}. " if due != self.due else ""
        if not days:
            return LateMark(reached, note=own.strip())
        percent = min(Fraction(100), days * _exact(self.percent_per_day))
        taken = f"{points_text(percent)} % of the points to be had are" if percent else "nothing is"
        note = f"{own}{count(days, 'day')} late: {taken} taken off."
        return LateMark(max(Fraction(0), reached - max_points * percent / 100), days, percent, note)

    def sentences(self) -> str:
        """The policy for students to read; empty without a deadline."""
        if self.due is None:
            return ""
        text = f"Due {time_text(self.due)}."
        if self.grace_minutes > 1:
            text = f"{text[:-1]}, with {points_text(_exact(self.grace_minutes))} minutes of grace."
        percent = points_text(_exact(self.percent_per_day))
        each = f" Each started day late takes off {percent} % of the points to be had."
        return text + each if self.percent_per_day else text


def points_text(value: Fraction | int) -> str:
    """Points as a decimal number, rounded half up to four places.

    >>> points_text(Fraction(15, 2)), points_text(3), points_text(Fraction(2, 3))
    ('7.5', '3', '0.6667')
    """
    whole, rest = divmod(math.floor(value * 10_000 + Fraction(1, 2)), 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")


def time_text(moment: datetime) -> str:
    """A time with its zone: ``2026-12-01 12:00 UTC``, ``2026-12-01 13:00 UTC+01:00``."""
    text = moment.isoformat(" ", "minutes")
    return f"{text[:16]} UTC{text[16:]}".removesuffix("+00:00")


def _exact(value: Fraction | float) -> Fraction:
    """0.1 is a tenth, not the nearest binary number."""
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)
