"""Answers that are much alike, listed for a person to look at.

The comparison is copydetect's: the code as tokens without names, comments and layout, cut into
overlapping pieces, without the pieces that the stub has, too (winnowing, Schleimer, Wilkerson and
Aiken 2003, https://doi.org/10.1145/872757.872770). Code is read as text and never run. A listed
pair decides nothing: no mark depends on it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from octlessons._files import write_atomically
from octlessons.grading.exports.rendering import render
from octlessons.grading.submission import Submission
from octlessons.grading.text import clean

if TYPE_CHECKING:
    from copydetect import CodeFingerprint

#: Share of one of two answers that must stand in the other one, too.
THRESHOLD = 0.8

#: Answers with fewer token characters beyond the stub are not compared: with three or four lines,
#: right answers are alike by themselves.
LEAST = 120

#: Characters of the longest answer that is compared.
MOST = 20_000

#: Pairs that are listed for one exercise, the most alike.
LISTED = 100

# Length of a piece, in characters of the token text, in which a name is one character.
_PIECE = 20

# Lines are compared and shown up to here. With that, and without runs of empty lines, no pattern
# of the lexer has much to try.
_LINE = 300

# Lines of an answer that the page shows.
_LINES_SHOWN = 400


@dataclass(frozen=True)
class Side:
    """One answer of a pair.

    Attributes
    ----------
    slug, name : str
        Of the submission.
    share : float
        Part of this answer, beyond the stub, that stands in the other one, too: 0 to 1.
    lines : tuple of (str, bool)
        The answer, and which lines stand in the other one, too.
    """

    slug: str
    name: str
    share: float
    lines: tuple[tuple[str, bool], ...] = field(repr=False)


@dataclass(frozen=True)
class Pair:
    """Two answers to one exercise that are much alike.

    Attributes
    ----------
    exercise : str
        Id of the exercise.
    first, second : Side
        In the order of their slugs.
    """

    exercise: str
    first: Side
    second: Side

    @property
    def share(self) -> float:
        """The larger share of the two."""
        return max(self.first.share, self.second.share)


@dataclass(frozen=True)
class Likeness:
    """What a comparison found; iteration gives the pairs.

    Attributes
    ----------
    exercises : tuple of str
        Ids, in order.
    pairs : tuple of Pair
        By exercise, the most alike first.
    threshold : float
    compared, short, unlisted : mapping of str to int
        By exercise: how many answers were compared, how many were too short for it, and how many
        pairs are alike but beyond `LISTED`.
    skipped : mapping of str to tuple of (str, str)
        By exercise: name of the submission, and a sentence why it was not compared.
    """

    exercises: tuple[str, ...]
    pairs: tuple[Pair, ...]
    threshold: float
    compared: Mapping[str, int]
    short: Mapping[str, int]
    unlisted: Mapping[str, int]
    skipped: Mapping[str, tuple[tuple[str, str], ...]]

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def of(self, exercise: str) -> list[Pair]:
        """Return the pairs of an exercise."""
        return [pair for pair in self.pairs if pair.exercise == exercise]


def alike(
    submissions: Iterable[Submission],
    exercises: Sequence[str],
    stubs: Mapping[str, str],
    *,
    threshold: float = THRESHOLD,
) -> Likeness:
    """Compare every answer to an exercise with every other one.

    Parameters
    ----------
    submissions : iterable of Submission
        Their order plays no part.
    exercises : sequence of str
        Ids.
    stubs : mapping of str to str
        What students began with, by exercise; it does not count as alike.
    threshold : float
        Least share, 0 to 1, of one of the two answers.

    Returns
    -------
    Likeness
        The same for the same submissions. Empty, very short and very long answers, and those that
        cannot be read as code, are left out; it says so.
    """
    submissions = sorted(submissions, key=lambda submission: submission.slug)
    parts = [
        _compare(submissions, exercise, stubs.get(exercise, ""), threshold)
        for exercise in exercises
    ]
    by_exercise = dict(zip(exercises, parts, strict=True))
    return Likeness(
        exercises=tuple(exercises),
        pairs=tuple(pair for part in parts for pair in part["pairs"]),
        threshold=threshold,
        **{
            name: {exercise: part[name] for exercise, part in by_exercise.items()}
            for name in ("compared", "short", "unlisted", "skipped")
        },
    )


def write_likeness(
    likeness: Likeness, out: str | Path, *, title: str = "", warning: str = ""
) -> Path:
    """Write ``likeness.html``: the pairs side by side.

    Parameters
    ----------
    likeness : Likeness
    out : path
        The folder of results.
    title : str
        Of the assignment.
    warning : str
        What every file of these results says at its top.

    Returns
    -------
    Path
        A page that stands alone, for tutors.
    """
    path = Path(out) / "likeness.html"
    page = render(
        "likeness.html",
        title=clean(title, 200, one_line=True),
        likeness=likeness,
        listed=LISTED,
        percent=lambda share: f"{round(100 * share)} %",
        warning=warning,
    )
    write_atomically(path, page)
    return path


@dataclass(frozen=True)
class _Answer:
    submission: Submission
    fingerprint: CodeFingerprint
    hashes: np.ndarray
    positions: np.ndarray

    def covered(self, other: np.ndarray) -> float:
        """Share of it that lies in pieces with these hashes."""
        return _length(self.positions[other[self.hashes]]) / self.fingerprint.token_coverage


def _compare(submissions: list[Submission], exercise: str, stub: str, threshold: float) -> dict:
    answers, skipped, short = [], [], 0
    handed_in = []
    for submission in submissions:
        work = submission.works.get(exercise)
        if work is None or work.source is None or not work.source.strip():
            continue
        if len(work.source) > MOST:
            why = f"It has {len(work.source):,} characters; up to {MOST:,} are compared."
            skipped.append((submission.name, why))
        else:
            handed_in.append((submission, work.source))
    if len(handed_in) < 2:
        handed_in = []  # nothing to compare, so the library is not even loaded
    known = set(_fingerprint(_plain(stub[:MOST])).hashes) if handed_in and stub.strip() else set()
    made: dict[str, CodeFingerprint] = {}
    numbers: dict[int, int] = {}
    for submission, source in handed_in:
        text = _plain(source)
        if text not in made:
            made[text] = _fingerprint(text, known)
        fingerprint = made[text]
        if fingerprint.token_coverage < LEAST:
            short += 1
            continue
        places = [(place, h) for h, places in fingerprint.hash_idx.items() for place in places]
        places.sort()
        answers.append(
            _Answer(
                submission,
                fingerprint,
                np.array([numbers.setdefault(int(h), len(numbers)) for _, h in places]),
                np.array([place for place, _ in places]),
            )
        )
    found = _alike(answers, len(numbers), threshold)
    return {
        "pairs": [_pair(exercise, *item[1:]) for item in found[:LISTED]],
        "compared": len(answers),
        "short": short,
        "unlisted": max(0, len(found) - LISTED),
        "skipped": tuple(skipped),
    }


def _alike(
    answers: list[_Answer], n_hashes: int, threshold: float
) -> list[tuple[tuple, _Answer, _Answer]]:
    """Pairs of answers over the threshold, the most alike first."""
    members = np.zeros(n_hashes, bool)
    shares = np.zeros((len(answers), len(answers)))
    for j, other in enumerate(answers):
        members[other.hashes] = True
        for i, answer in enumerate(answers):
            if i != j:
                shares[i, j] = answer.covered(members)
        members[other.hashes] = False
    found = []
    for i, j in combinations(range(len(answers)), 2):
        larger, smaller = sorted((shares[i, j], shares[j, i]), reverse=True)
        if larger >= threshold:
            size = answers[i].fingerprint.token_coverage + answers[j].fingerprint.token_coverage
            order = (-round(larger, 9), -round(smaller, 9), -size, i, j)
            found.append((order, answers[i], answers[j]))
    found.sort(key=lambda item: item[0])
    return found


def _length(positions: np.ndarray) -> int:
    """How much pieces at these positions, in order, cover together."""
    if not len(positions):
        return 0
    return int(np.minimum(np.diff(positions), _PIECE).sum()) + _PIECE


def _pair(exercise: str, first: _Answer, second: _Answer) -> Pair:
    from copydetect import compare_files

    _, shares, slices = compare_files(first.fingerprint, second.fingerprint)
    sides = [
        Side(
            answer.submission.slug,
            answer.submission.name,
            float(share),
            _marked(answer.fingerprint.raw_code, places),
        )
        for answer, share, places in zip((first, second), shares, slices, strict=True)
    ]
    return Pair(exercise, *sides)


def _marked(text: str, slices: np.ndarray) -> tuple[tuple[str, bool], ...]:
    """The lines of a text, and whether slices have them."""
    inside = np.zeros(len(text) + 1, bool)
    for start, end in slices.T.astype(int):
        inside[start:end] = True
    lines, at = [], 0
    for line in text.split("\n")[:-1]:
        bare = len(line) - len(line.lstrip())
        part = inside[at + bare : at + len(line)]
        lines.append((clean(line, 2 * _LINE), bool(part.size and part.mean() > 0.9)))
        at += len(line) + 1
    if len(lines) > _LINES_SHOWN:
        rest = len(lines) - _LINES_SHOWN
        lines[_LINES_SHOWN:] = [(f"[… {rest} more lines]", False)]
    return tuple(lines)


def _plain(source: str) -> str:
    """The source without what could stall a lexer: very long lines, runs of white space."""
    lines: list[str] = []
    for line in source.removeprefix("\ufeff").split("\n"):
        line = line.rstrip()[:_LINE].rstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip("\n") + "\n"


def _fingerprint(text: str, without: set[int] = frozenset()) -> CodeFingerprint:
    # Imported late: it brings a plotting library. Every piece is kept (a window of 1), so that
    # what is found does not depend on the order of hashes, which differ from run to run.
    from copydetect import CodeFingerprint
    from copydetect.utils import get_token_coverage

    made = CodeFingerprint("answer.py", _PIECE, 1, language="python", fp=io.StringIO(text))
    made.hashes = made.hashes - without
    made.hash_idx = {h: at for h, at in made.hash_idx.items() if h not in without}
    made.token_coverage = get_token_coverage(made.hash_idx, _PIECE, len(made.filtered_code))
    return made
