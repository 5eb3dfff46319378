"""Late work: exact, fair, and clear about mistakes in the file."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from octlessons.errors import OctlessonsError
from octlessons.grading.late import LatePolicy, points_text

DUE = datetime(2026, 12, 1, 12, tzinfo=UTC)
DUE_LINE = "due = 2026-12-01T12:00:00Z\n"
POLICY = LatePolicy(DUE, grace_minutes=10, percent_per_day=10)


def after(**difference) -> datetime:
    return DUE + timedelta(**difference)


def read(text: str) -> LatePolicy:
    return LatePolicy.from_toml(tomllib.loads(text)["late"])


@pytest.mark.parametrize(
    ("submitted", "points", "days"),
    [
        (after(days=-3), 8, 0),
        (after(minutes=10), 8, 0),
        (after(minutes=10, seconds=1), 7, 1),
        (after(days=1, minutes=10), 7, 1),
        (after(days=1, minutes=10, microseconds=1), 6, 2),
        (after(days=3, minutes=10), 5, 3),
        (after(days=3, minutes=11), 4, 4),
        (after(days=4000), 0, 4000),
    ],
)
def test_started_days_after_grace_cost_ten_per_cent_each(submitted, points, days):
    mark = POLICY.apply(8, 10, submitted, "ana")
    assert (mark.points, mark.days_late) == (points, days)
    assert bool(mark.note) == bool(days)


@pytest.mark.parametrize(("seconds", "days"), [(30, 0), (60, 0), (61, 1)])
def test_the_minute_of_the_deadline_is_in_time(seconds, days):
    policy = LatePolicy(DUE, percent_per_day=10)
    assert policy.apply(8, 10, after(seconds=seconds), "ana").days_late == days
    assert LatePolicy(DUE, grace_minutes=0).apply(8, 10, after(seconds=1), "ana").days_late == 1


@pytest.mark.parametrize("submitted", [None, datetime(2027, 1, 1)])
def test_unknown_time_costs_nothing_and_says_so(submitted):
    mark = POLICY.apply(8, 10, submitted, "ana")
    assert (mark.points, mark.days_late, mark.penalty_percent) == (8, 0, 0)
    assert "not known" in mark.note


def test_without_deadline_nothing_is_late():
    assert LatePolicy().apply(8, 10, after(days=9), "ana").points == 8
    assert LatePolicy().apply(8, 10, None, "ana").note == ""


def test_arithmetic_is_exact():
    policy = LatePolicy(DUE, percent_per_day=0.1)
    assert policy.apply(0.3, 1, after(hours=1), "ana").points == Fraction(299, 1000)
    third = policy.apply(Fraction(1, 3), 1, after(hours=1), "ana")
    assert third.points == Fraction(1, 3) - Fraction(1, 1000)


def test_a_mark_never_falls_below_zero():
    policy = LatePolicy(DUE, percent_per_day=30)
    mark = policy.apply(2, 10, after(days=3), "ana")
    assert (mark.points, mark.penalty_percent) == (0, 90)
    assert policy.apply(2, 10, after(days=30), "ana").penalty_percent == 100


def test_summer_time_does_not_shorten_a_day():
    zone = ZoneInfo("Europe/Berlin")
    policy = LatePolicy(datetime(2027, 3, 27, 12, tzinfo=zone), percent_per_day=10)
    # 25 hours by the wall clock, 24 in truth: the night had an hour less.
    assert policy.apply(10, 10, datetime(2027, 3, 28, 13, tzinfo=zone), "ana").days_late == 1
    assert policy.apply(10, 10, datetime(2027, 3, 28, 13, 2, tzinfo=zone), "ana").days_late == 2
    # And an hour more in autumn.
    policy = LatePolicy(datetime(2026, 10, 24, 12, tzinfo=zone), percent_per_day=10)
    assert policy.apply(10, 10, datetime(2026, 10, 25, 11, 30, tzinfo=zone), "ana").days_late == 2


def test_zones_are_compared_as_moments():
    submitted = DUE.astimezone(timezone(timedelta(hours=13)))
    assert POLICY.apply(8, 10, submitted, "ana").days_late == 0


def test_extensions_fit_any_name_as_people_write_it():
    policy = read(
        """
        [late]
        due = 2026-12-01T12:00:00Z
        percent_per_day = 10
        [late.extensions]
        "Ana@Example.org" = 2026-12-05T12:00:00+01:00
        "Straße,  Bo" = 2026-12-03T00:00:00Z
        "Jose\u0301" = 2026-12-03T00:00:00Z
        "1234" = 2026-12-08T12:00:00Z
        """
    )
    in_time = datetime(2026, 12, 5, 11, tzinfo=UTC)
    mark = policy.apply(8, 10, in_time, "ana@example.ORG")
    assert mark.points == 8 and "Extension until 2026-12-05 12:00 UTC+01:00" in mark.note
    late = policy.apply(8, 10, in_time + timedelta(minutes=2), "ana@example.org")
    assert late.days_late == 1
    for name in ("bo STRASSE ", "Bo_Straße", "JOSÉ"):
        assert policy.apply(8, 10, after(hours=36), "x", name).days_late == 0
    assert policy.apply(8, 10, after(hours=36), "x", "Jose").days_late == 2
    assert policy.apply(8, 10, after(days=7), "Cy", "Cy Öz", "1234").days_late == 0
    # The latest counts.
    assert policy.apply(8, 10, after(days=7), "ana@example.org", "1234").days_late == 0


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("due = 2026-12-01T12:00:00", "has no time zone"),
        ("due = 2026-12-01", "due is no time"),
        ("due = 12:00:00", "due is no time"),
        ('due = "2026-12-01T12:00:00Z"', "without quotes"),
        ("due = 0001-01-01T00:00:00+14:00", "beyond the calendar"),
        ("percent_per_day = 10", "has no due"),
        (DUE_LINE + "percent_per_day = 101", "no number between 0 and 100"),
        (DUE_LINE + "percent_per_day = nan", "no number between"),
        (DUE_LINE + "percent_per_day = true", "no number between"),
        (DUE_LINE + "grace_minutes = -1", "no number between"),
        (DUE_LINE + "grace = 1", "no setting called grace"),
        (DUE_LINE + "free_days = 1", "no setting called free_days"),
        (DUE_LINE + "extensions = 3", "extensions is no table"),
        (DUE_LINE + 'extensions = {ana = "monday"}', 'extension of "ana" is no time'),
        (DUE_LINE + "extensions = {ana = 3}", 'extension of "ana" is no time'),
        (DUE_LINE + "extensions = {ana = 2026-12-05T12:00:00}", "has no time zone"),
        (DUE_LINE + "extensions = {ana = 2026-11-05T12:00:00Z}", "before the deadline"),
        (
            DUE_LINE + "extensions = {ana = 2026-12-05T12:00:00Z, ANA = 2026-12-05T12:00:00Z}",
            "is there twice",
        ),
        (DUE_LINE + 'extensions = {" " = 2026-12-05T12:00:00Z}', "extension for nobody"),
    ],
)
def test_mistakes_in_the_file_are_named(text, part):
    with pytest.raises(OctlessonsError) as caught:
        LatePolicy.from_toml(tomllib.loads(text), "grading.toml, [late]")
    assert part in str(caught.value)
    assert str(caught.value).startswith("grading.toml, [late]: ")


def test_an_empty_table_is_no_policy():
    assert LatePolicy.from_toml({}) == LatePolicy()
    assert LatePolicy().sentences() == ""


def test_the_policy_reads_as_sentences():
    text = POLICY.sentences()
    for part in ("2026-12-01 12:00 UTC", "10 minutes", "10 %"):
        assert part in text


def test_points_round_half_up():
    assert [points_text(Fraction(n, 100_000)) for n in (5, 4, 150_000)] == ["0.0001", "0", "1.5"]
