"""Checks of the exercise a-paragraph-for-the-paper."""

import re

import pytest

from octlessons.testing import assert_equal, fail, symptom

ORDER = "The strongest comes first: sort by AMI before you write."


def words_of(text):
    """The text in small letters, with single spaces."""
    return " ".join(str(text).casefold().replace("*", "").split())


def says(text, number):
    """Whether a number stands in the text, and not as a part of a longer one."""
    return re.search(rf"(?<![\d.]){re.escape(str(number))}(?!\d|\.\d)", words_of(text)) is not None


def beyond(followed):
    """What is followed more than by chance, strongest first."""
    return sorted((row for row in followed if row[1] > row[2]), key=lambda row: -row[1])


@symptom("paragraph")
def within_chance(found, n_scans, n_patients, k, stands_out, stability, followed):
    """It names something that chance explains: leave out rows whose AMI is not beyond chance."""
    return any(row[0] in words_of(found) for row in followed if row not in beyond(followed))


@symptom("paragraph")
def praised(found, n_scans, n_patients, k, stands_out, stability, followed):
    """It hides that no number of groups stands out: that sentence depends on `stands_out`."""
    return not stands_out and "no number" not in words_of(found)


@symptom("paragraph")
def without_chance(found, n_scans, n_patients, k, stands_out, stability, followed):
    """It gives the AMI without what chance reaches: an AMI alone says little."""
    rows = beyond(followed)
    return bool(rows) and all(
        says(found, f"{ami:.2f}") and not says(found, f"{chance:.2f}") for _, ami, chance in rows
    )


@pytest.fixture
def studies(rng):
    """Arguments of four studies: a number stands out or none, much is followed or nothing."""

    def rows(*factors):
        """Things with chances from .05 on, and AMI as multiples of these."""
        names = rng.permutation(["site", "tilt", "white side", "brightness"])
        chances = rng.permutation([0.052, 0.071, 0.094, 0.118])
        return [
            (str(name), float(chance * factor), float(chance))
            for name, chance, factor in zip(names, chances, factors, strict=True)
        ]

    def numbers():
        return int(rng.integers(200, 900)), int(rng.integers(60, 190)), int(rng.integers(3, 9))

    def steady():
        return float(rng.uniform(0.311, 0.989))

    return [
        (*numbers(), True, steady(), rows(0.5, 2.1, 0.7, 5.3)),
        (*numbers(), False, steady(), rows(4.9, 0.9, 1.7, 8.3)),
        (*numbers(), False, steady(), rows(0.4, 0.6, 0.7, 0.9)),
        (*numbers(), True, steady(), []),
    ]


def written(student, study):
    """The text of a student's function."""
    text = student.paragraph(*study)
    if not isinstance(text, str):
        fail(student, f"gives {type(text).__name__}", "a text, `str`")
    return text


def wants(student, condition, found, expected, because):
    """Fail with these words unless the condition holds."""
    if not condition:
        fail(student, found, expected, because)


def test_numbers(student, studies):
    """Scans, patients, groups and stability stand in the text."""
    for study in studies:
        text = written(student, study)
        numbers = dict(zip(("scans", "patients", "groups"), study[:3], strict=True))
        numbers["the stability, two decimals"] = f"{study[4]:.2f}"
        for what, number in numbers.items():
            wants(
                student, says(text, number), f"does not say {number}", f"the number of {what}"
                if what in ("scans", "patients", "groups") else what,
                "Digits without separators; the stability as `f\"{stability:.2f}\"`.",
            )  # fmt: skip


@pytest.mark.points(2)
def test_stands_out(student, studies):
    """Where no number stands out, the text says so; where one does, it does not."""
    for study in studies:
        found = "no number" in words_of(written(student, study))
        because = "The words *no number* if `stands_out` is false, and only then."
        assert_equal(student, found, not study[3], because=because)


@pytest.mark.points(2)
def test_followed(student, studies):
    """What is followed beyond chance is named, strongest first, with its AMI and chance."""
    for study in studies:
        text = written(student, study)
        words, rows = words_of(text), beyond(study[5])
        named = [name for name, *_ in study[5] if name in words]
        listed = sorted(named, key=words.index)
        wanted, because = sorted(row[0] for row in rows), "Those beyond chance, each by its name."
        assert_equal(student, sorted(listed), wanted, because=because)
        assert_equal(student, listed, [row[0] for row in rows], because=ORDER)
        for name, ami, chance in rows:
            wants(
                student, says(text, f"{ami:.2f}") and says(text, f"{chance:.2f}"),
                f"lacks a number of {name}", f"its AMI {ami:.2f} and its chance {chance:.2f}",
                "An AMI means something beside what chance reaches: give both, in two decimals.",
            )  # fmt: skip
        nothing = re.search(r"\bnothing\b", words) is not None
        because = "The word *nothing* if the list is empty, and only then."
        assert_equal(student, nothing, not rows, because=because)


def test_caution(student, studies):
    """The text says that groups are not diagnoses."""
    for study in studies:
        wants(
            student, "not diagnoses" in words_of(written(student, study)),
            "does not say what groups are not", "the words *not diagnoses*",
            "A reader who remembers one sentence should remember this one.",
        )  # fmt: skip
