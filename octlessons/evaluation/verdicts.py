"""Verdicts: what a run shows, by one rule for the whole book.

A page asks a question, with a number and what it is held against; the answer picks the sentence.
Where the environment variable ``OCTLESSONS_VERDICTS`` names a file, every verdict is added to it as
a line of JSON: ``python -m tests.benchmarks.bench_verdicts`` collects them over many draws and
lists the sentences that change.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

import numpy as np

from octlessons.evaluation.uncertainty import Chance, Interval
from octlessons.wording import decimal

#: The environment variable with the file that verdicts are written to.
VERDICTS_VARIABLE = "OCTLESSONS_VERDICTS"
#: The answer of a run that decides nothing: neither yes nor no.
NOT_SHOWN = "not shown"


@dataclass(frozen=True)
class Verdict:
    """The answer to a question of a page; true where something was shown.

    Attributes
    ----------
    question : str
        In words.
    answer : str
        "above chance" or "below chance"; "higher" or "lower"; any other finding; or `NOT_SHOWN`.
    evidence : str
        The numbers it rests on.
    """

    question: str
    answer: str
    evidence: str = ""

    def __bool__(self) -> bool:
        return self.answer not in (NOT_SHOWN, "below chance")

    def __str__(self) -> str:
        return self.answer

    def pick(self, **sentences: str) -> str:
        """The sentence for this answer.

        Parameters
        ----------
        **sentences : str
            By answer, with ``_`` for a blank: ``higher=``, ``lower=``, ``above_chance=`` (or
            ``above=``), ``below_chance=`` (or ``below=``), ``not_shown=``. ``otherwise=`` stands
            for all that are not named.

        Raises
        ------
        ValueError
            If there is none for this answer.

        Examples
        --------
        >>> Verdict("Is it so?", "not shown").pick(higher="Yes.", not_shown="Not shown.")
        'Not shown.'
        """
        name = self.answer.replace(" ", "_")
        for key in (name, name.removesuffix("_chance"), "otherwise"):
            if key in sentences:
                return sentences[key]
        raise ValueError(
            f"There is no sentence for the answer {self.answer!r} to {self.question!r}: give "
            f"{name}= or otherwise=."
        )


def ask(
    question: str,
    value: float | Interval | None = None,
    against: float | Chance = 0.0,
    *,
    answer: str | None = None,
) -> Verdict:
    """Answer a question by a number and what it is held against.

    Parameters
    ----------
    question : str
        In words, once on a page.
    value : float or Interval
        A score, held against what chance gives; or an interval, held against one number.
    against : Chance or float
        A score is "above chance" beyond the range that holds 95 % of the shuffles, "below chance"
        under it. An interval that leaves the number out is "higher" or "lower". All else, NaN
        among it, is "not shown".
    answer : str, optional
        The answer itself, where it is no comparison, such as the name of the largest.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        If a score comes without a level of chance, or there is neither value nor answer.

    Examples
    --------
    >>> ask("Is it more?", Interval(0.2, 0.1, 0.3)).answer
    'higher'
    >>> bool(ask("Is it above chance?", 0.26, Chance(0.25, 0.2, 0.3)))
    False
    """
    if answer is None:
        answer, evidence = _compared(value, against)
    else:
        evidence = "" if value is None else _shown(value)
    verdict = Verdict(question, answer, evidence)
    path = os.environ.get(VERDICTS_VARIABLE)
    if path:
        with open(path, "a", encoding="utf-8") as file:
            print(json.dumps(asdict(verdict), ensure_ascii=False), file=file)
    return verdict


def _compared(value, against) -> tuple[str, str]:
    if isinstance(value, Interval):
        if not isinstance(against, int | float | np.number):
            raise ValueError("An interval is held against a number, a score against chance.")
        low, high, names = value.low, value.high, ("higher", "lower")
        above, below = low > against, high < against
    elif isinstance(against, Chance) and value is not None:
        above, below = value > against.high, value < against.low
        names = ("above chance", "below chance")
    else:
        raise ValueError(
            "A question needs an interval, or a score and its level of chance, or `answer`."
        )
    answer = names[0] if above else names[1] if below else NOT_SHOWN
    return answer, f"{_shown(value)} against {_shown(against)}"


def _shown(value) -> str:
    return str(value) if isinstance(value, Interval | Chance) else decimal(float(value), 3)
