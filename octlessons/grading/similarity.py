"""Answers that are much alike, listed for a person to look at.

The comparison is copydetect's: the code as tokens without names, comments and layout, cut into
overlapping pieces, without the pieces that the stub has, too (winnowing, Schleimer, Wilkerson and
Aiken 2003, https://doi.org/10.1145/872757.872770). Code is read as text and never run. A listed
pair decides nothing: no mark depends on it.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from octlessons._files import write_atomically
from octlessons._optional import need
from octlessons.grading.exports.page import render
from octlessons.grading.submission import Submission
from octlessons.grading.text import sanitize

if TYPE_CHECKING:
    from copydetect import CodeFingerprint

#: Share of one of two answers that must stand in the other one, too.
THRESHOLD = 0.8
#: Answers with fewer token characters beyond the stub are not compared: right ones are alike then.
LEAST = 120
#: Characters of the longest answer that is compared.
MOST = 20_000
#: Pairs that are listed for one exercise, the most alike.
LISTED = 100

_PIECE = 20  # length of a piece in characters of the token text, where a name is one character
_LINE = 300  # characters of a line that are compared; the lexer's patterns have little to try then
_LINES_SHOWN = 400  # of an answer, in the page


@dataclass(frozen=True)
class Side:
    """One answer of a pair; each line comes with whether it stands in the other one, too.

    `share`, 0 to 1, is the part of this answer, beyond the stub, that does.
    """

    slug: str
    name: str
    share: float
    lines: tuple[tuple[str, bool], ...] = field(repr=False)


@dataclass(frozen=True)
class SimilarPair:
    """Two answers to one exercise that are much alike, in the order of their slugs."""

    exercise: str
    first: Side
    second: Side

    @property
    def share(self) -> float:
        """The larger share of the two."""
        return max(self.first.share, self.second.share)


@dataclass(frozen=True)
class Compared:
    """What was found for one exercise: the most alike pairs first, at most `LISTED`.

    Then how many answers were compared, were too short, how many pairs are not listed, and who was
    skipped and why.
    """

    exercise: str
    pairs: list[SimilarPair]
    compared: int
    short: int
    unlisted: int
    skipped: list[tuple[str, str]]


def similar_answers(
    submissions: Iterable[Submission],
    exercises: Sequence[str],
    stubs: Mapping[str, str],
    *,
    threshold: float = THRESHOLD,
) -> list[Compared]:
    """Compare every answer to an exercise with every other one; a `Compared` for each exercise.

    The stub, what students began with, does not count as alike; `threshold` is the least share of
    one of two answers, 0 to 1. The order of the submissions plays no part.
    """
    ordered = sorted(submissions, key=lambda submission: submission.slug)
    return [_compare(ordered, one, stubs.get(one, ""), threshold) for one in exercises]


def write_similarity(
    found: Sequence[Compared], out: str | Path, *, title: str = "", warning: str = ""
) -> Path:
    """Write ``similarity.html`` into the folder of results, for tutors: the pairs side by side."""
    path = Path(out) / "similarity.html"
    page = render(
        "similarity.html",
        title=sanitize(title, 200, one_line=True),
        found=found,
        listed=LISTED,
        threshold=THRESHOLD,
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


def _compare(
    submissions: Sequence[Submission], exercise: str, stub: str, threshold: float
) -> Compared:
    handed_in, skipped = [], []
    for submission in submissions:
        work = submission.works.get(exercise)
        if work is None or work.source is None or not work.source.strip():
            continue
        if len(work.source) > MOST:
            why = f"It has {len(work.source):,} characters; up to {MOST:,} are compared."
            skipped.append((submission.name, why))
        else:
            handed_in.append((submission, work.source))
    if len(handed_in) < 2:  # nothing to compare, so the library is not even loaded
        return Compared(exercise, [], 0, 0, 0, skipped)
    known = set(_fingerprint(_plain(stub[:MOST])).hashes) if stub.strip() else set()
    made: dict[str, CodeFingerprint] = {}
    numbers: dict[int, int] = {}
    answers = []
    for submission, source in handed_in:
        text = _plain(source)
        if text not in made:
            made[text] = _fingerprint(text, known)
        if made[text].token_coverage >= LEAST:
            answers.append(_answer(submission, made[text], numbers))
    found = _alike(answers, len(numbers), threshold)
    return Compared(
        exercise=exercise,
        pairs=[_pair(exercise, *item[1:]) for item in found[:LISTED]],
        compared=len(answers),
        short=len(handed_in) - len(answers),
        unlisted=max(0, len(found) - LISTED),
        skipped=skipped,
    )


def _answer(submission: Submission, made: CodeFingerprint, numbers: dict[int, int]) -> _Answer:
    places = sorted((place, int(h)) for h, found in made.hash_idx.items() for place in found)
    hashes = np.array([numbers.setdefault(h, len(numbers)) for _, h in places])
    return _Answer(submission, made, hashes, np.array([place for place, _ in places]))


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


def _pair(exercise: str, first: _Answer, second: _Answer) -> SimilarPair:
    library = need("copydetect", "Answers are compared with copydetect")
    _, shares, slices = library.compare_files(first.fingerprint, second.fingerprint)
    one, two = [
        Side(
            answer.submission.slug,
            answer.submission.name,
            float(share),
            _marked(answer.fingerprint.raw_code, places),
        )
        for answer, share, places in zip((first, second), shares, slices, strict=True)
    ]
    return SimilarPair(exercise, one, two)


def _marked(text: str, slices: np.ndarray) -> tuple[tuple[str, bool], ...]:
    """The lines of a text, and whether slices have them."""
    inside = np.zeros(len(text) + 1, bool)
    for start, end in slices.T.astype(int):
        inside[start:end] = True
    lines, at = [], 0
    for line in text.split("\n")[:-1]:
        bare = len(line) - len(line.lstrip())
        part = inside[at + bare : at + len(line)]
        lines.append((sanitize(line, 2 * _LINE), bool(part.size and part.mean() > 0.9)))
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


def _fingerprint(text: str, without: Collection[int] = ()) -> CodeFingerprint:
    # Imported late: it brings a plotting library. Every piece is kept (a window of 1), so that
    # what is found does not depend on the order of hashes, which differ from run to run.
    library = need("copydetect", "Answers are compared with copydetect")
    made = library.CodeFingerprint("answer.py", _PIECE, 1, language="python", fp=io.StringIO(text))
    made.hashes = made.hashes - set(without)
    made.hash_idx = {h: at for h, at in made.hash_idx.items() if h not in without}
    coverage = library.utils.get_token_coverage
    made.token_coverage = coverage(made.hash_idx, _PIECE, len(made.filtered_code))
    return made
