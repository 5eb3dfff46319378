"""What is known of a scan beside its pixels: eye, date, date of its file, volume."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np

NOT_KNOWN = "not known"
#: Dates in at most this many months stay months.
FEW_MONTHS = 6
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_DOTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_LATIN = {"od": "right", "r": "right", "re": "right", "right": "right", "right eye": "right"}
_LATIN |= {"os": "left", "l": "left", "le": "left", "left": "left", "left eye": "left"}


def eyes(texts: Sequence[str]) -> np.ndarray:
    """Which eye each scan shows: "left", "right", another word as it is, or "not known"."""
    words = [text.strip().strip("\0").casefold() for text in texts]
    return np.array([_LATIN.get(word, word or NOT_KNOWN) for word in words])


def dates(texts: Sequence[str]) -> np.ndarray:
    """When scans were made: the month where there are few, else early, middle and late thirds.

    Parameters
    ----------
    texts : sequence of str
        ISO 8601, ``20240131``, ``31.1.2024``, or with slashes, if one date of them tells whether
        the day or the month comes first. Others are "not known".

    Returns
    -------
    ndarray of str, shape (n,)
    """
    pairs = [found.groups() for text in texts if (found := _SLASHES.fullmatch(text.strip()))]
    day_first = any(int(first) > 12 for first, _, _ in pairs)
    month_first = any(int(second) > 12 for _, second, _ in pairs)
    order = None if day_first == month_first else "day" if day_first else "month"
    return _grouped([_date(text.strip(), order) for text in texts], months=True)


def file_dates(paths: Sequence[str]) -> np.ndarray:
    """Thirds of the days on which files were last changed; one value if that is all one day."""
    days: list[date | None] = []
    times: list[float] = []
    for path in paths:
        try:
            times.append(os.stat(path).st_mtime)
            days.append(datetime.fromtimestamp(times[-1], UTC).date())
        except (OSError, OverflowError, ValueError):
            days.append(None)
    if not times or max(times) - min(times) <= 86_400:
        return np.full(len(paths), NOT_KNOWN)
    return _grouped(days, months=False)


def telling(things: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those that differ from scan to scan."""
    return {name: each for name, each in things.items() if len(set(each) - {NOT_KNOWN}) > 1}


def _date(text: str, order: str | None) -> date | None:
    try:
        if found := _DOTS.fullmatch(text):
            day, month, year = map(int, found.groups())
            return date(year, month, day)
        if found := _SLASHES.fullmatch(text):
            first, second, year = map(int, found.groups())
            if order is None:
                return None
            return date(year, second, first) if order == "day" else date(year, first, second)
        if re.fullmatch(r"(19|20)\d\d", text):
            return date(int(text), 1, 1)
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def _grouped(days: list[date | None], months: bool) -> np.ndarray:
    known = sorted({day for day in days if day is not None})
    if months and 0 < len({(day.year, day.month) for day in known}) <= FEW_MONTHS:
        return np.array([NOT_KNOWN if day is None else f"{day:%Y-%m}" for day in days])
    if not known:
        return np.full(len(days), NOT_KNOWN)
    edges = [known[len(known) * part // 3] for part in (1, 2)]
    words = ("early", "middle", "late")
    return np.array(
        [NOT_KNOWN if day is None else words[sum(day >= edge for edge in edges)] for day in days]
    )
