"""Late work: what a policy of the course takes off, exactly, and what it says to the student.

A day late is a started period of 24 hours after the deadline and its grace, so that summer time
plays no part. A student whose time of submission is not known loses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

from octlessons.errors import OctlessonsError
from octlessons.wording import count, listing

_DAY = timedelta(days=1)
_MOST_DAYS = 10_000
_KEYS = (
    "due",
    "grace_minutes",
    "percent_per_day",
    "at_most_days",
    "free_days",
    "extensions",
)


@dataclass(frozen=True)
class LateMark:
    """What is left of a mark after the policy.

    Attributes
    ----------
    points : Fraction
        What counts.
    days_late : int
        Started days after the student's own deadline; 0 if in time or not known.
    penalty_percent : Fraction
        Of the points to be had, before it is limited to the points reached.
    note : str
        A sentence for the student; empty if there is nothing to say.
    """

    points: Fraction
    days_late: int
    penalty_percent: Fraction
    note: str


@dataclass(frozen=True)
class LatePolicy:
    """How late work is marked; without a deadline nothing is late.

    Attributes
    ----------
    due : datetime or None
        The deadline, with time zone.
    grace_minutes : int or float
        Work this much later still counts as in time.
    percent_per_day : int, float or Fraction
        Taken off for every started day: per cent of the points to be had. A mark never falls
        below zero.
    at_most_days : int or None
        Work later than this many days gets 0 points; None for no such limit.
    free_days : int
        The first days late that cost nothing. They count towards `at_most_days`.
    extensions : mapping of str to datetime or number
        By student: an own deadline, or by how many days of 24 hours the deadline moves.
    """

    due: datetime | None = None
    grace_minutes: int | float = 0
    percent_per_day: int | float | Fraction = 0
    at_most_days: int | None = None
    free_days: int = 0
    extensions: Mapping[str, datetime | int | float] = field(default_factory=dict, hash=False)

    @classmethod
    def from_toml(cls, table: Mapping, where: str = "[late]") -> LatePolicy:
        """Read the policy from a table of a TOML file.

        Parameters
        ----------
        table : mapping
            With keys named as the attributes, all optional.
        where : str
            Names the table in errors: ``"grading.toml, [late]"``.

        Returns
        -------
        LatePolicy

        Raises
        ------
        OctlessonsError
            If a key is not known, a value is of the wrong kind or out of range, or a time has no
            zone.
        """

        def refuse(why: str):
            raise OctlessonsError(f"{where}: {why}.")

        if not isinstance(table, Mapping):
            refuse(f"is {_kind(table)}; write a table with {listing(_KEYS)}")
        unknown = sorted(str(key) for key in table if key not in _KEYS)
        if unknown:
            refuse(f"has no setting called {listing(unknown, 'or')}; there are {listing(_KEYS)}")

        def moment(value, name: str) -> datetime:
            if not isinstance(value, datetime):
                refuse(
                    f"{name} is {_kind(value)}; write day, time and zone without quotes, as in "
                    "2026-12-01T12:00:00Z"
                )
            if value.utcoffset() is None:
                refuse(
                    f"{name} = {value.isoformat()} has no time zone; add Z for UTC or the "
                    f"difference to it, as in {value.isoformat()}+01:00"
                )
            try:
                value.astimezone(UTC) + timedelta(days=_MOST_DAYS)
                value.astimezone(UTC) - timedelta(days=1)
            except OverflowError:
                refuse(f"{name} = {value.isoformat()} is beyond the calendar")
            return value

        def number(value, name: str, most: float, whole: bool = False):
            kinds = (int,) if whole else (int, float)
            if isinstance(value, bool) or not isinstance(value, kinds):
                refuse(f"{name} is {_kind(value)}; write a {'whole ' * whole}number without quotes")
            if not (math.isfinite(value) and 0 <= value <= most):
                refuse(f"{name} = {value} is not between 0 and {most}")
            return value

        values: dict = {}
        if "due" in table:
            values["due"] = moment(table["due"], "due")
        if "grace_minutes" in table:
            values["grace_minutes"] = number(table["grace_minutes"], "grace_minutes", 100_000)
        if "percent_per_day" in table:
            values["percent_per_day"] = number(table["percent_per_day"], "percent_per_day", 100)
        for name in ("at_most_days", "free_days"):
            if name in table:
                values[name] = number(table[name], name, _MOST_DAYS, whole=True)
        if values.get("free_days", 0) > values.get("at_most_days", math.inf):
            refuse("free_days is larger than at_most_days, so the free days could not be used")
        if "due" not in values and set(table) - {"due"}:
            refuse("has no due, the deadline; write due = 2026-12-01T12:00:00Z with your own")
        values["extensions"] = extensions = {}
        given = table.get("extensions", {})
        if not isinstance(given, Mapping):
            refuse(f"extensions is {_kind(given)}; write a table [late.extensions]")
        for student, value in given.items():
            name = f'the extension of "{student}"'
            if not _key(student):
                refuse("there is an extension for nobody; name the student")
            if _key(student) in map(_key, extensions):
                refuse(f"{name} is there twice, once in other letters; keep one")
            if isinstance(value, int | float) and not isinstance(value, bool):
                extensions[student] = number(value, name, _MOST_DAYS)
            else:
                extensions[student] = moment(value, name)
                if extensions[student] < values["due"]:
                    refuse(f"{name} ends before the deadline for everybody; write a later time")
        return cls(**values)

    def deadline(self, *names: str) -> datetime | None:
        """Return the deadline of a student, the grace not included.

        Parameters
        ----------
        *names : str
            Whatever the student is known by. Capital letters and spaces around play no part. If
            several extensions fit, the latest counts.

        Returns
        -------
        datetime or None
            In UTC unless it is the deadline of everybody.
        """
        if self.due is None:
            return None
        known = {_key(name) for name in names} - {""}
        times = [self.due]
        for student, value in self.extensions.items():
            if _key(student) in known:
                later = isinstance(value, datetime)
                times.append(
                    value if later else self.due.astimezone(UTC) + timedelta(days=float(value))
                )
        return max(times, key=lambda moment: moment.astimezone(UTC))

    def apply(
        self,
        points: Fraction | int | float,
        max_points: int,
        submitted: datetime | None,
        student: str,
        *others: str,
    ) -> LateMark:
        """Give the mark that counts.

        Parameters
        ----------
        points : Fraction, int or float
            What was reached.
        max_points : int
            What was to be had.
        submitted : datetime or None
            When the work was handed in, with time zone.
        student : str
            `Submission.student`.
        *others : str
            What else the student is known by: name, address, numbers.

        Returns
        -------
        LateMark
            Exact: nothing is rounded.

        Examples
        --------
        >>> policy = LatePolicy(datetime(2026, 12, 1, 12, tzinfo=UTC), percent_per_day=10)
        >>> mark = policy.apply(8, 10, datetime(2026, 12, 2, 13, tzinfo=UTC), "ana")
        >>> mark.points, mark.days_late, mark.note
        (Fraction(6, 1), 2, '2 days late: 20 % of the points to be had are taken off.')
        """
        reached = _exact(points)
        due = self.deadline(student, *others)
        if due is None:
            return LateMark(reached, 0, Fraction(0), "")
        if submitted is None or submitted.utcoffset() is None:
            note = "The time of submission is not known, so nothing is taken off for lateness."
            return LateMark(reached, 0, Fraction(0), note)
        late = submitted.astimezone(UTC) - due.astimezone(UTC)
        days = max(0, -(-(late - timedelta(minutes=float(self.grace_minutes))) // _DAY))
        own = f"Extension until {time_text(due)}. " if due != self.due else ""
        if not days:
            return LateMark(reached, 0, Fraction(0), own.strip())
        text = f"{own}{count(days, 'day')} late"
        if self.at_most_days is not None and days > self.at_most_days:
            allowed = f"work is accepted up to {count(self.at_most_days, 'day')} late"
            if not self.at_most_days:
                allowed = "late work is not accepted"
            return LateMark(Fraction(0), days, Fraction(100), f"{text}: {allowed}, so 0 points.")
        free = min(days, self.free_days)
        if free:
            text += f", {free} of them free"
        percent = min(Fraction(100), (days - free) * _exact(self.percent_per_day))
        if not percent:
            return LateMark(reached, days, percent, f"{text}: nothing is taken off.")
        left = max(Fraction(0), reached - max_points * percent / 100)
        text += f": {points_text(percent)} % of the points to be had are taken off."
        return LateMark(left, days, percent, text)

    def strangers(self, known: Iterable[str]) -> list[str]:
        """Return the students with an extension that none of the `known` names fits: typos."""
        keys = {_key(name) for name in known}
        return [student for student in self.extensions if _key(student) not in keys]

    def sentences(self) -> str:
        """Return the policy for students to read; empty without a deadline."""
        if self.due is None:
            return ""
        text = f"Due {time_text(self.due)}"
        if self.grace_minutes:
            text += f", with {points_text(_exact(self.grace_minutes))} minutes of grace"
        text += "."
        if self.percent_per_day:
            percent = points_text(_exact(self.percent_per_day))
            text += f" Each started day late takes off {percent} % of the points to be had"
            if self.free_days:
                text += f"; the first {count(self.free_days, 'day')} cost nothing"
            text += "."
        if self.at_most_days == 0:
            text += " Late work gets 0 points."
        elif self.at_most_days is not None:
            text += f" More than {count(self.at_most_days, 'day')} late, work gets 0 points."
        return text


def points_text(value: Fraction | int) -> str:
    """Write points as a decimal number, rounded half up to four places.

    Examples
    --------
    >>> points_text(Fraction(15, 2)), points_text(Fraction(3)), points_text(Fraction(2, 3))
    ('7.5', '3', '0.6667')
    """
    tens = math.floor(value * 10_000 + Fraction(1, 2))
    whole, rest = divmod(tens, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")


def time_text(moment: datetime) -> str:
    """Write a time with its zone: ``2026-12-01 12:00 UTC``, ``2026-12-01 13:00 UTC+01:00``."""
    offset = moment.utcoffset()
    zone = moment.strftime("%z") if offset else ""
    return f"{moment:%Y-%m-%d %H:%M} UTC{zone[:3]}{':' * bool(zone)}{zone[3:5]}"


def _exact(value: Fraction | int | float) -> Fraction:
    """0.1 is a tenth, not the nearest binary number."""
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


def _key(name: object) -> str:
    return " ".join(str(name).split()).casefold()


def _kind(value: object) -> str:
    names = {
        bool: "true or false",
        str: "text",
        int: "a whole number",
        float: "a number with decimals",
        list: "a list",
        datetime: "a time",
        date: "a day without time",
        time: "a time without day",
    }
    return "a table" if isinstance(value, Mapping) else names.get(type(value), str(type(value)))
