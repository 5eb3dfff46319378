"""The changes that try the checks are changes, and weak checks are found out by them."""

import dataclasses

import pytest

from octlessons.exercises import load_catalogue
from tests.authoring.mutate import mutants, survivors

SOLUTION = '''
def f(x, k=1):
    """Docstring with 1 < 2."""
    # solution: do it
    total = 0
    for value in x:
        if value > k and not value == 7:
            total += value
    values = sorted(x, reverse=True)  # same: the order is looked at nowhere
    return max(total, len(values)) / 2
    # end of solution
'''


def test_mutants_change_one_place_between_the_marks():
    found = {mutant.what for mutant in mutants(SOLUTION)}
    for what in (
        "0  →  1",
        "value > k  →  value >= k",
        "value == 7  →  value != 7",
        "total += value  →  total -= value",
        "max(total, len(values))  →  min(total, len(values))",
        "2  →  3",
        "without: total += value",
    ):
        assert what in found, found
    assert not [what for what in found if "reverse" in what or "k=1" in what]
    sources = [mutant.source for mutant in mutants(SOLUTION)]
    assert len(sources) == len(set(sources)) and all(compile(s, "m", "exec") for s in sources)


@pytest.mark.parametrize("name", ["split-by-patient", "count-by-hand"])
def test_checks_of_the_course_let_hardly_any_through(name):
    left, n = survivors(load_catalogue()[name])
    assert n >= 8 and len(left) <= 1, left


def test_weak_checks_are_found_out(tmp_path):
    entry = load_catalogue()["count-by-hand"]
    path = tmp_path / "tests" / "exercises" / entry.chapter / f"test_{entry.id}.py"
    path.parent.mkdir(parents=True)
    path.write_text("def test_it(student):\n    student.count_classes(['CNV-1-1.jpeg'])\n")
    solution = tmp_path / "solutions" / entry.chapter / f"{entry.id}.py"
    solution.parent.mkdir(parents=True)
    solution.write_text(entry.solution.read_text("utf-8").replace(">>> ", ""))
    left, n = survivors(dataclasses.replace(entry, root=tmp_path))
    assert len(left) > n / 2
