"""Checks of the exercise count-by-hand."""

import pytest

from octlessons.testing import (
    assert_close,
    assert_equal,
    assert_input_unchanged,
    fail,
    mistake,
    reference,
    symptom,
)

CLASSES = ["CNV", "DME", "DRUSEN", "NORMAL"]
COUNTS = "For each class: the number of its scans, then the number of different patients in it."
SEVERAL = "The patients with scans in more than one class, each once."


def parts(names):
    """Class and patient of each scan."""
    return [tuple(name.split("-")[:2]) for name in names]


def counted(names, people):
    """Scans of each class, with what `people` makes of them."""
    kinds = dict.fromkeys(kind for kind, _ in parts(names))
    own = {kind: [name for name in names if name.startswith(f"{kind}-")] for kind in kinds}
    return {kind: (len(own[kind]), people(own[kind])) for kind in kinds}


@reference("count_classes")
def scans_and_patients(names):
    """Scans and different patients."""
    return counted(names, lambda own: len(dict.fromkeys(parts(own))))


@mistake("count_classes")
def scans_twice(names):
    """Here every scan has a patient of its own: a patient with two scans counts once."""
    return counted(names, len)


@mistake("count_classes")
def patients_first(names):
    """The two numbers are exchanged: scans first, then patients."""
    return {kind: (b, a) for kind, (a, b) in scans_and_patients(names).items()}


@mistake("count_classes")
def neighbours_only(names):
    """Only scans side by side are seen as one patient's: look at all scans of the class."""

    def changes(own):
        people = [person for _, person in parts(own)]
        return sum(i == 0 or person != people[i - 1] for i, person in enumerate(people))

    return counted(names, changes)


@mistake("count_classes")
def patients_of_all(names):
    """A patient counts in one class only here: one with scans in two classes counts in each."""
    seen = {}
    for kind, person in parts(names):
        seen.setdefault(person, kind)
    kinds = scans_and_patients(names)
    return {kind: (n, list(seen.values()).count(kind)) for kind, (n, _) in kinds.items()}


@mistake("count_classes")
def everybody(names):
    """The patients of all classes are counted: count those of each class."""
    return counted(names, lambda own: len({person for _, person in parts(names)}))


@mistake("count_classes")
def largest_number(names):
    """The number in the name is a scan's name, not a count: count the files."""
    found = {}
    for kind, (_, people) in scans_and_patients(names).items():
        own = [name for name in names if name.startswith(f"{kind}-")]
        found[kind] = (max(int(name.split("-")[2].split(".")[0]) for name in own), people)
    return found


@reference("in_several_classes", same=lambda a, b: sorted(a) == sorted(b))
def several(names):
    """Patients with two classes."""
    pairs = dict.fromkeys(parts(names))
    people = [person for _, person in pairs]
    return [person for person in dict.fromkeys(people) if people.count(person) > 1]


@mistake("in_several_classes")
def several_scans(names):
    """These are the patients with several scans: several scans in one class are not several
    classes."""
    people = [person for _, person in parts(names)]
    return [person for person in dict.fromkeys(people) if people.count(person) > 1]


@mistake("in_several_classes")
def classes_not_patients(names):
    """These are classes: give the patients."""
    people = several(names)
    return list(dict.fromkeys(kind for kind, person in parts(names) if person in people))


@mistake("in_several_classes")
def everyone(names):
    """These are all patients: keep those with scans in more than one class."""
    return list(dict.fromkeys(person for _, person in parts(names)))


@symptom("in_several_classes")
def named_twice(found, names):
    """A patient is there twice: a `set` keeps each thing once."""
    return len(set(found)) < len(found)


@pytest.fixture
def scans_of(rng):
    """(class, patient, number of scans), with two patients in two classes each."""
    people = [str(number) for number in rng.choice(9000, 7, replace=False) + 1000]
    people += [people[0][:2], people[0] + "4"]  # a name that begins like another is another name
    table = [(CLASSES[i % 4], person, int(rng.integers(1, 5))) for i, person in enumerate(people)]
    table[4] = (*table[4][:2], 3)
    return [*table, ("DME", people[0], 2), ("NORMAL", people[2], 3)], [people[0], people[2]]


def file_names(table):
    """Names of the files, in the order of the table."""
    return [f"{kind}-{person}-{2 * i + 3}.jpeg" for kind, person, n in table for i in range(n)]


def test_known_example(student):
    """Five files: 3 DME scans of 2 patients, one NORMAL, one DRUSEN."""
    names = ["DME-7-1.jpeg", "DME-7-2.jpeg", "NORMAL-8-1.jpeg", "DME-9-1.jpeg", "DRUSEN-7-3.jpeg"]
    found = student.count_classes(names)
    assert_input_unchanged(student)
    expected = {"DME": (3, 2), "NORMAL": (1, 1), "DRUSEN": (1, 1)}
    assert_close(student, found, expected, because=COUNTS)


@pytest.mark.points(2)
def test_any_names(student, scans_of, rng):
    """Scans and patients are counted in any list of names, in any order."""
    names = file_names(scans_of[0])
    for _ in range(2):
        names = [names[i] for i in rng.permutation(len(names))]
        found = student.count_classes(names)
        assert_close(student, found, scans_and_patients(names), because=COUNTS)


def test_several_classes(student, scans_of, rng):
    """Patients in more than one class are found, each once."""
    table, both = scans_of
    names = file_names(table)
    found = student.in_several_classes([names[i] for i in rng.permutation(len(names))])
    if not isinstance(found, list | tuple) or not all(isinstance(item, str) for item in found):
        fail(student, "does not give a list of texts", "the patients' names in a list")
    if len(set(found)) < len(found):
        fail(student, "names a patient twice", "each patient once")
    assert_equal(student, sorted(found), sorted(both), because=SEVERAL)


def test_nobody(student):
    """Where nobody is in two classes, the list is empty."""
    names = ["CNV-1-1.jpeg", "CNV-1-2.jpeg"]
    assert_equal(student, student.in_several_classes(names), [], because=SEVERAL)
