"""The assertions for checks: what passes, what fails, and with which sentence."""

import json
import tracemalloc

import numpy as np
import pytest

from octlessons import testing as t
from octlessons.exercises.student import load_student


@pytest.fixture
def student():
    made = load_student("def f(x, seed=0):\n    x[0] = seed\n    return x\n", "work.py")
    made.f([0, 1], seed=0)
    return made


class Always:
    """Claims to equal everything."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = None


PASSING = [
    lambda s: t.assert_same_partition(s, [5, 5, 7, 7, 1], np.array([0, 0, 1, 1, 2])),
    lambda s: t.assert_same_partition(s, np.array([1.0, 1.0, 0.0]), ["b", "b", "a"]),
    lambda s: t.assert_close(s, np.float32([0.1, 0.2]), [0.1, 0.2]),
    lambda s: t.assert_close(s, [[1, 2]], np.array([[1.0, 2.0]])),
    lambda s: t.assert_close(s, {"b": 2, "a": [1.0]}, {"a": np.array([1]), "b": 2.0}),
    lambda s: t.assert_close(s, [1, 2], (1, 2.0)),
    lambda s: t.assert_close(s, True, True),
    lambda s: t.assert_equal(s, [1, (2, "x")], (1, [2, "x"])),
    lambda s: t.assert_array(s, [1.0, 2.0], shape=(2,), kind="integer", low=1, high=2),
    lambda s: t.assert_number(s, 3.0, whole=True, low=3, high=3),
    lambda s: t.assert_agreement(s, [0, 0, 1, 1], [1, 1, 0, 0], 0.99),
    lambda s: t.assert_in_band(s, 0.5, (0.4, 0.5)),
    lambda s: t.assert_repeatable(s, lambda: (1, np.arange(3))),
    lambda s: t.assert_seed_is_used(s, lambda seed: seed % 2),
    lambda s: t.assert_not_the_labels(s, [0, 1, 1], [0, 0, 1]),
]
FAILING = [
    (lambda s: t.assert_same_partition(s, [0, 0, 1, 2], [0, 0, 1, 1]), "another way"),
    (lambda s: t.assert_same_partition(s, [0, 0, 0], [0, 0, 1]), "another way"),
    (lambda s: t.assert_same_partition(s, [0, 1], [0, 0, 1]), r"shape \(2,\)"),
    (lambda s: t.assert_same_partition(s, [0.5, 0.5, 1], [0, 0, 1]), "kind integer"),
    (lambda s: t.assert_close(s, float("nan"), float("nan")), "gives nan"),
    (lambda s: t.assert_close(s, np.array([np.nan]), np.array([np.nan])), "NaN or infinity"),
    (lambda s: t.assert_close(s, 1.0, np.array([1.0, 1.0])), "an array"),
    (lambda s: t.assert_close(s, [1.0], np.array([1.0, 1.0])), r"shape \(2,\)"),
    (lambda s: t.assert_close(s, Always(), 1.0), "Expected: 1"),
    (lambda s: t.assert_close(s, True, 1.0), "gives True"),
    (lambda s: t.assert_close(s, "1", 1.0), "gives '1'"),
    (lambda s: t.assert_close(s, {"a": 1}, {"a": 1, "b": 2}), "a dict with 'a', 'b'"),
    (lambda s: t.assert_close(s, (1,), (1, 2)), "2 results"),
    (lambda s: t.assert_close(s, np.zeros((3, 4)), np.eye(3, 4)), r"\[0, 0\] is 0.*1 there"),
    (lambda s: t.assert_equal(s, Always(), 1), "Expected: 1"),
    (lambda s: t.assert_equal(s, 1, True), "Expected: True"),
    (lambda s: t.assert_array(s, None), "`return` at the end"),
    (lambda s: t.assert_array(s, [[1], [1, 2]]), "different lengths|an array"),
    (
        lambda s: t.assert_array(s, [1, 2], low=0, high=1),
        "from 1 to 2. Expected: values from 0 to 1",
    ),
    (lambda s: t.assert_number(s, 2.5, whole=True), "a whole number"),
    (lambda s: t.assert_number(s, 2, high=1), "a number from −∞ to 1"),
    (lambda s: t.assert_number(s, float("inf")), "finite"),
    (lambda s: t.assert_agreement(s, [0, 1, 0, 1], [1, 1, 0, 0], 0.5), "at least 0.50"),
    (lambda s: t.assert_labels(s, [0, 1, 2], 3, k=2), "at most 2 clusters"),
    (lambda s: t.assert_in_band(s, 0.6, (0.4, 0.5)), "whatever the seed"),
    (lambda s: t.assert_repeatable(s, np.random.default_rng(0).random), "Is the seed handed on"),
    (lambda s: t.assert_seed_is_used(s, lambda seed: 1), "for 8 different seeds"),
    (lambda s: t.assert_not_the_labels(s, [3, 9, 9], [0, 1, 1]), "gives back the labels"),
    (lambda s: t.assert_input_unchanged(s), "changed the data.*Expected"),
]


@pytest.mark.parametrize("check", PASSING)
def test_right_answers_pass(student, check):
    student.f([0, 1], seed=0)
    check(student)


@pytest.mark.parametrize(("check", "words"), FAILING)
def test_wrong_answers_fail_with_a_sentence(student, check, words):
    student.f([5, 1], seed=0)
    with pytest.raises(AssertionError, match=rf"(?s)^f\(\[5, 1\], seed=0\) .*({words})"):
        check(student)


def test_cause_comes_last(student):
    with pytest.raises(AssertionError, match=r"Expected: 2\.\nForgot to add\?$"):
        t.assert_close(student, 1.0, 2.0, because="Forgot to add?")


def test_bands_come_from_the_file_beside_the_checks(tmp_path):
    entry = {"bands": {"my-exercise": {"score": {"low": 0.1, "high": 0.2}}}}
    (tmp_path / "bands.json").write_text(json.dumps(entry))
    assert t.band(tmp_path / "test_my-exercise.py", "score") == (0.1, 0.2)


LONG = "x" * 1_000_000
TOO_LARGE = [
    ([LONG] + [""] * 4_000, "number", "text among its values"),
    ([LONG] + [""] * 4_000, "text", "too large"),
    ([[LONG], [""] * 4_000], "text", "too large"),
    ([np.array([LONG]), *[""] * 4_000], "text", "too large"),
    ([LONG, *[0.5] * 4_000], "float", "text among its values"),
    ([LONG.encode(), *[b""] * 4_000], "integer", "text among its values"),
    ([np.broadcast_to(0.0, 10**6)] * 11, "number", "too large"),
    ([np.broadcast_to(0.0, 10**6)] * 10**4, "number", "too large"),
]


@pytest.mark.parametrize(("found", "kind", "words"), TOO_LARGE, ids=range(len(TOO_LARGE)))
def test_lists_that_would_fill_the_memory_as_arrays_are_refused_before(found, kind, words):
    tracemalloc.start()
    try:
        with pytest.raises(AssertionError, match=words):
            t.assert_array(None, found, shape=(2,), kind=kind)
        assert tracemalloc.get_traced_memory()[1] < 120 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("found", "kind", "words"),
    [
        (np.array([1j, 2]), "number", "complex numbers.*Expected: real numbers"),
        ([1j, 2], "number", "complex numbers.*Expected: real numbers"),
        ([1.0, np.inf], "integer", "NaN or infinity"),
        ([1.0, 1e300], "integer", "kind integer"),
        ([np.array(["2020"], "M8[Y]"), [1.5]], "number", "different lengths or kinds|an array"),
        ([[1, 2], [3]], "number", "different lengths"),
        (["a", "b"], "number", "text among its values"),
    ],
)
def test_arrays_of_other_things_are_refused_with_their_kind(found, kind, words):
    with pytest.raises(AssertionError, match=words):
        t.assert_array(None, found, kind=kind)


def test_texts_in_lists_are_an_array_where_texts_are_asked_for():
    assert t.assert_array(None, ["ab", "c"], shape=(2,), kind="text").tolist() == ["ab", "c"]


@pytest.mark.parametrize(
    "huge", [10**400, 10**5000, [10**5000] * 2, {10**5000: 10**400}], ids="abcd"
)
def test_numbers_beyond_every_float_are_wrong_and_described(huge):
    for check in (
        lambda: t.assert_close(None, huge, 1.0),
        lambda: t.assert_close(None, huge, [1.0, 2.0]),
        lambda: t.assert_array(None, huge, shape=(2,)),
        lambda: t.assert_in_band(None, huge, (0, 1)),
        lambda: t.assert_number(None, huge, high=1),
        lambda: t.assert_equal(None, huge, 1),
    ):
        with pytest.raises(AssertionError):
            check()
