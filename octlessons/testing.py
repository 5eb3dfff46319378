"""Assertions for checks that understand clustering.

Every failure is a sentence for the student: what was called, what came back, what was expected,
and the likely cause. Types, dtypes and shapes are compared before values, so that NaN,
broadcasting or an object with its own idea of equality cannot pass for an answer.

What a known mistake gives is known too: a check file marks functions with ``@reference("name")``
and ``@mistake("name")`` (or ``@symptom``), and the message of a failed check ends with the
docstring of the mistake that explains what came back, else with the check's own `because`, which
blames nothing (`octlessons.exercises.mistakes` has an example).

Checks get the student's functions through the fixture ``student``; everything here works on what
they return, whether they ran in this process or in another one. In every function, ``student`` is
that fixture (its last call is named in the message), ``found`` what came back, and ``because`` the
likely cause if it is wrong, as a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from octlessons.exercises.mistakes import mistake as mistake
from octlessons.exercises.mistakes import recognised
from octlessons.exercises.mistakes import reference as reference
from octlessons.exercises.mistakes import symptom as symptom
from octlessons.exercises.plain import MOST_BYTES, MOST_VALUES, described, extent, same

__all__ = [
    *("assert_agreement", "assert_array", "assert_close", "assert_equal", "assert_in_band"),
    *("assert_input_unchanged", "assert_labels", "assert_not_the_labels", "assert_number"),
    *("assert_repeatable", "assert_same_partition", "assert_seed_is_used", "band", "fail"),
    *("mistake", "reference", "same_partition", "symptom"),
]

_KINDS = {"integer": "iu", "float": "f", "number": "iuf", "boolean": "b", "text": "U"}


def fail(student, found: str, expected: str, because: str = "", *, named: bool = True) -> None:
    """Fail with the four parts of a message; a mistake that is recognised comes before `because`.

    Parameters
    ----------
    student : the fixture, or None
    found, expected : str
        What came back, and what was expected: ``"gives 3"``, ``"2"``.
    because : str
    named : bool
        Whether a known mistake may be what is wrong; False where `because` is sure.
    """
    call = getattr(student, "last_call", None) if student is not None else None
    what = str(call) if call is not None else "The result"
    text = f"{what} {found}. Expected: {expected}."
    because = (named and recognised(student)) or _forgot(call) or because
    raise AssertionError(f"{text}\n{because}" if because else text)


def assert_number(student, found, *, low=None, high=None, whole: bool = False, because="") -> float:
    """Check that a result is one finite number, and return it.

    Parameters
    ----------
    student, found, because
    low, high : float, optional
        Smallest and largest number possible, both allowed.
    whole : bool
        Only integers are right.
    """
    kind, found = "a whole number" if whole else "a number", _plain(found)
    if whole and isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int if whole else (int, float)):
        fail(student, f"gives {described(found)}", kind, because)
    if isinstance(found, float) and not np.isfinite(found):
        fail(student, f"gives {found}", f"{kind} that is finite", because)
    if (low is not None and found < low) or (high is not None and found > high):
        fail(student, f"gives {described(found)}", kind + _span(low, high), because)
    return found


def assert_array(
    student,
    found,
    *,
    shape: Sequence[int | None] | None = None,
    kind: str = "number",
    low: float | None = None,
    high: float | None = None,
    finite: bool = True,
    because: str = "",
) -> np.ndarray:
    """Check shape, type and range of an array; lists of numbers count as arrays.

    Parameters
    ----------
    student, found, because
    shape : sequence, optional
        None in a place allows any length there.
    kind : {"number", "integer", "float", "boolean", "text"}
        Whole floats count as integers, and integers as floats.
    low, high : float, optional
        Range of the values, both ends allowed.
    finite : bool
        Whether NaN and infinity are wrong.

    Returns
    -------
    ndarray
        The same values; integers where integers were asked for.
    """
    found = _as_array(student, found, kind, because)
    if shape is not None:
        wanted = str(tuple("any" if n is None else n for n in shape)).replace("'", "")
        fits = len(shape) == found.ndim and all(
            n is None or n == m for n, m in zip(shape, found.shape, strict=True)
        )
        if not fits:
            fail(student, f"gives an array of shape {found.shape}", f"shape {wanted}", because)
    if found.dtype.kind == "f" and finite and not np.isfinite(found).all():
        fail(student, "gives NaN or infinity", "finite values", because)
    if kind == "integer" and found.dtype.kind == "f" and _are_whole(found):
        found = found.astype(int)
    if found.dtype.kind not in _KINDS[kind] and not (kind == "float" and found.dtype.kind in "iu"):
        fail(student, f"gives values of dtype {found.dtype}", f"values of kind {kind}", because)
    if found.size and found.dtype.kind in "iuf":
        least, most = found.min(), found.max()
        if (low is not None and least < low) or (high is not None and most > high):
            said = f"gives values from {least:.4g} to {most:.4g}"
            fail(student, said, "values" + _span(low, high), because)
    return found


def assert_labels(student, found, n: int, k: int | None = None, because: str = "") -> np.ndarray:
    """Check that a result is one cluster number for each of `n` images, at most `k` of them.

    Returns them as an array of integers.
    """
    found = assert_array(student, found, shape=(n,), kind="integer", because=because)
    used = len(np.unique(found))
    if k is not None and used > k:
        fail(student, f"uses {used} different numbers", f"at most {k} clusters", because)
    return found


def assert_close(
    student, found, expected, *, rtol: float = 1e-4, atol: float = 1e-6, because: str = ""
) -> None:
    """Check numbers against expected ones, within a tolerance that float32 also meets.

    Parameters
    ----------
    student, found, because
    expected : number, ndarray, or a sequence or dict of these
        Type and shape must fit; then values.
    rtol, atol : float
        As in `numpy.allclose`.
    """
    if isinstance(expected, dict):
        if not isinstance(found, dict) or set(found) != set(expected):
            keys = ", ".join(map(repr, expected))
            fail(student, f"gives {described(found)}", f"a dict with {keys}", because)
        for key, value in expected.items():
            _close(student, found[key], value, rtol, atol, f" for {key!r}", because)
    elif isinstance(expected, tuple):
        if not isinstance(found, list | tuple) or len(found) != len(expected):
            n = len(expected)
            fail(student, f"gives {described(found)}", f"{n} results, in a tuple", because)
        for i, value in enumerate(expected):
            _close(student, found[i], value, rtol, atol, f" in place {i}", because)
    else:
        _close(student, found, expected, rtol, atol, "", because)


def _close(student, found, expected, rtol, atol, where: str, because: str) -> None:
    found, expected = _plain(found), _plain(expected)
    if isinstance(expected, str | int | float) or expected is None:
        if isinstance(expected, str | bool) or expected is None:
            right = type(found) is type(expected) and found == expected
        else:
            right = isinstance(found, int | float) and not isinstance(found, bool)
            right = right and not (isinstance(found, int) and found.bit_length() > 1_000)
            right = right and np.isclose(found, expected, rtol=rtol, atol=atol)
        if not right:
            fail(student, f"gives {described(found)}{where}", described(expected), because)
        return
    shown = np.asarray(expected) if isinstance(found, np.ndarray) else expected
    expected = np.asarray(expected)
    kind = "boolean" if expected.dtype.kind == "b" else "number"
    array = assert_array(student, found, shape=expected.shape, kind=kind, because=because)
    right = np.isclose(array, expected, rtol=rtol, atol=atol)
    if not right.all():
        if expected.size <= 8:
            fail(student, f"gives {described(found)}{where}", described(shown), because)
        place = tuple(int(i) for i in np.argwhere(~right)[0])
        differs = f"differs in {int((~right).sum())} of {right.size} values{where}: {list(place)}"
        fail(student, f"{differs} is {array[place]:.6g}", f"{expected[place]:.6g} there", because)


def assert_equal(student, found, expected, because: str = "") -> None:
    """Check for exactly this plain value; a list may stand for a tuple and the other way round."""
    if not same(_listed(found), _listed(expected)):
        fail(student, f"gives {described(found)}", described(expected), because)


def assert_same_partition(student, found, expected, because: str = "") -> None:
    """Check that two clusterings of n images group alike, whatever the numbers of the clusters."""
    expected = np.asarray(expected)
    found = assert_labels(student, found, len(expected), because=because)
    pairs = np.unique(np.stack([_codes(found), _codes(expected)]), axis=1).shape[1]
    if not pairs == len(np.unique(found)) == len(np.unique(expected)):
        from sklearn.metrics import adjusted_rand_score

        score = adjusted_rand_score(expected, found)
        said = f"groups the images in another way (adjusted Rand index {score:.2f})"
        wanted = f"the same {len(np.unique(expected))} groups, under any numbers (index 1)"
        fail(student, said, wanted, because)


def same_partition(found, expected) -> bool:
    """Whether two clusterings of the same images group alike, whatever their numbers."""
    found, expected = np.asarray(found), np.asarray(expected)
    return found.shape == expected.shape and np.array_equal(_codes(found), _codes(expected))


def assert_agreement(student, found, reference, at_least: float, because: str = "") -> None:
    """Check that a clustering agrees with reference labels: adjusted Rand index at least this."""
    from sklearn.metrics import adjusted_rand_score

    reference = np.asarray(reference)
    found = assert_labels(student, found, len(reference), because=because)
    score = adjusted_rand_score(reference, found)
    if score < at_least:
        said = f"agrees with the right groups to an adjusted Rand index of {score:.2f}"
        fail(student, said, f"at least {at_least:.2f}", because)


def assert_in_band(student, found, limits: Sequence[float], because: str = "") -> None:
    """Check that a score lies where right answers lie, with any seed: inside limits from `band`."""
    low, high = limits
    found = assert_number(student, found, because=because)
    if not low <= found <= high:
        wanted = f"a number from {low:.4g} to {high:.4g}, where right answers lie whatever the seed"
        fail(student, f"gives {described(found)}", wanted, because)


def band(check_file: str | Path, name: str) -> tuple[float, float]:
    """Return the limits of a score, as calibrated over many seeds.

    They lie in ``bands.json`` beside the check file, with the command that made them.

    Parameters
    ----------
    check_file : path
        ``__file__`` of the checks.
    name : str
        Name of the function in the checks that measures the score.
    """
    path = Path(check_file)
    table = json.loads((path.parent / "bands.json").read_text("utf-8"))["bands"]
    entry = table[path.stem.removeprefix("test_")][name]
    return entry["low"], entry["high"]


def assert_input_unchanged(student, because: str = "") -> None:
    """Check that the last call left its arguments as they were."""
    call, (args, kwargs) = student.last_call, student.arguments_after()
    if not (same(_listed(call.args), _listed(args)) and same(call.kwargs, kwargs)):
        copy = "Work on a copy: `x = x.copy()`, or write `x = x + 1` instead of `x += 1`."
        wanted = "that the caller's data stay as they are"
        fail(student, "changed the data that it was given", wanted, because or copy, named=False)


def assert_repeatable(student, call: Callable[[], object], because: str = "") -> None:
    """Check that the same call gives the same result twice."""
    first, second = call(), call()
    if not same(_listed(first), _listed(second)):
        seed = "Is the seed handed on (`random_state=seed`, `np.random.default_rng(seed)`)?"
        wanted = "the same result for the same seed"
        said = "gives another result the second time"
        fail(student, said, wanted, because or seed, named=False)


def assert_seed_is_used(
    student, call: Callable[[int], object], seeds: Sequence[int] = range(8), because: str = ""
) -> None:
    """Check that results for several seeds are not all the same."""
    results = [call(seed) for seed in seeds]
    if all(same(_listed(results[0]), _listed(other)) for other in results[1:]):
        because = because or "Is a fixed number where `seed` should be?"
        said = f"gives the same for {len(results)} different seeds"
        fail(student, said, "that the seed decides", because, named=False)


def assert_not_the_labels(student, found, given, because: str = "") -> None:
    """Check that a clustering is not just the labels that were given along."""
    found = assert_labels(student, found, len(given))
    if np.array_equal(_codes(found), _codes(np.asarray(given))):
        wanted = "clusters found in the images alone"
        fail(student, "gives back the labels it was given", wanted, because)


def _as_array(student, found, kind: str, because: str) -> np.ndarray:
    """Lists as arrays. What could become too large is refused before it is converted.

    An array of texts gives each the room of the longest, so that a list of a megabyte becomes one
    of many gigabytes.
    """
    if isinstance(found, list | tuple):
        n, largest, text = extent(found)
        if text and kind != "text":
            fail(student, "gives text among its values", f"values of kind {kind}", because)
        if n > MOST_VALUES or n * largest > MOST_BYTES:
            fail(student, f"gives {described(found)}, which is too large", "an array", because)
        try:
            found = np.asarray(found)
        except (ValueError, TypeError, OverflowError):
            fail(student, "gives rows of different lengths or kinds", "an array", because)
    if isinstance(found, np.ndarray) and found.dtype.kind == "c":
        fail(student, f"gives complex numbers ({found.dtype})", "real numbers", because)
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "biufU":
        forgot = "" if found is not None else "Is there a `return` at the end of the function?"
        fail(student, f"gives {described(found)}", "an array", because or forgot)
    return found


def _are_whole(values: np.ndarray) -> bool:
    return bool(np.all((values == np.round(values)) & (np.abs(values) < 2**53)))


def _codes(values: np.ndarray) -> np.ndarray:
    """Number groups by their first appearance."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse.reshape(-1)]


def _listed(value):
    """Lists for tuples, so that the two count as the same."""
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _span(low, high) -> str:
    low, high = "−∞" if low is None else f"{low:g}", "∞" if high is None else f"{high:g}"
    return f" from {low} to {high}"


def _forgot(call) -> str:
    nothing = call is not None and call.result is None
    return "Is there a `return` at the end of the function?" if nothing else ""
