"""Checks of the exercise count-by-hand."""

import pytest

from octlessons.testing import assert_close, assert_equal, assert_input_unchanged, fail

CLASSES = ["CNV", "DME", "DRUSEN", "NORMAL"]


@pytest.fixture
def scans_of(rng):
    """(class, patient, number of scans), with two patients in two classes each."""
    people = [str(number) for number in rng.choice(9000, 9, replace=False) + 1000]
    table = [(CLASSES[i % 4], person, int(rng.integers(1, 5))) for i, person in enumerate(people)]
    return [*table, ("DME", people[0], 2), ("NORMAL", people[2], 3)], [people[0], people[2]]


def file_names(table):
    """Names of the files, in the order of the table."""
    return [f"{kind}-{person}-{i + 1}.jpeg" for kind, person, n in table for i in range(n)]


def test_known_example(student):
    """Five files: 3 DME scans of 2 patients, one NORMAL, one DRUSEN."""
    names = ["DME-7-1.jpeg", "DME-7-2.jpeg", "NORMAL-8-1.jpeg", "DME-9-1.jpeg", "DRUSEN-7-3.jpeg"]
    found = student.count_classes(names)
    assert_input_unchanged(student)
    assert_close(
        student,
        found,
        {"DME": (3, 2), "NORMAL": (1, 1), "DRUSEN": (1, 1)},
        because="Scans, then patients of each class: a patient with two scans counts once.",
    )


@pytest.mark.points(2)
def test_any_names(student, scans_of, rng):
    """Scans and patients are counted in any list of names, in any order."""
    table, _ = scans_of
    expected = {
        kind: (
            sum(n for k, _, n in table if k == kind),
            len({person for k, person, _ in table if k == kind}),
        )
        for kind in CLASSES
    }
    names = file_names(table)
    found = student.count_classes([names[i] for i in rng.permutation(len(names))])
    assert_close(
        student,
        found,
        expected,
        because="A patient with scans that do not stand beside each other counts once; one in two "
        "classes counts in each.",
    )


def test_several_classes(student, scans_of, rng):
    """Patients in more than one class are found, each once."""
    table, both = scans_of
    names = file_names(table)
    found = student.in_several_classes([names[i] for i in rng.permutation(len(names))])
    if not isinstance(found, list | tuple) or not all(isinstance(item, str) for item in found):
        fail(student, "does not give a list of texts", "the patients' names in a list")
    if len(set(found)) < len(found):
        fail(
            student, "names a patient twice", "each patient once", "A `set` keeps each thing once."
        )
    assert_equal(
        student,
        sorted(found),
        sorted(both),
        because="Several scans in one class are not several classes.",
    )


def test_nobody(student):
    """Where nobody is in two classes, the list is empty."""
    assert_equal(student, student.in_several_classes(["CNV-1-1.jpeg", "CNV-1-2.jpeg"]), [])
