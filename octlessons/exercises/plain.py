"""Plain data: what may go into a student's function and come out of it.

Arrays, numbers, strings, None, and lists, tuples and dicts of these: the same whether the function
runs here or in another process.
"""

from __future__ import annotations

import contextlib

import numpy as np

_DEPTH = 20
_KINDS = "biufcSUmM"

#: Of lists that stand for arrays: how many values, and how many bytes as an array.
MOST_VALUES = 10_000_000
MOST_BYTES = 256 * 2**20

_SIMPLE: tuple[type, ...] = (int, float, complex, str, bytes)


class NotPlain(Exception):
    """A value that is not plain data; the message is a sentence about it."""


def copied(value, depth: int = 0):
    """Return a copy of plain data that shares nothing with it.

    NumPy scalars become Python's numbers, arrays without dimensions too, and subclasses of arrays
    plain arrays. Anything of another type, or nested more than 20 deep, raises `NotPlain`.
    """
    if depth > _DEPTH:
        raise NotPlain(f"is nested more than {_DEPTH} deep")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    for kind in _SIMPLE:
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, np.ma.MaskedArray):
        raise NotPlain("is a masked array; fill it first (.filled(...))")
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in _KINDS:
            raise NotPlain(
                f"is an array of dtype {value.dtype}; return numbers (arrays of lists of "
                "different lengths become this: make the rows equally long)"
            )
        return np.array(value, order="C", subok=False) if value.ndim else copied(value.item())
    if isinstance(value, list | tuple):
        items = (copied(item, depth + 1) for item in value)
        return list(items) if type(value) is list else tuple(items)
    if isinstance(value, dict):
        return {copied(key, depth + 1): copied(item, depth + 1) for key, item in value.items()}
    raise NotPlain(f"is {_described(value)}")


def _described(value) -> str:
    kind = type(value)
    whole = f"{kind.__module__}.{kind.__name__}"
    if kind.__module__.startswith("pandas"):
        return f"a pandas {kind.__name__}; return its values as an array (.to_numpy())"
    if kind.__module__.startswith("torch"):
        return f"a torch {kind.__name__}; return an array (.detach().cpu().numpy())"
    if kind.__name__ == "generator" or kind in (map, filter, zip, range, set, frozenset):
        return f"a {kind.__name__}; return a list or an array of its items"
    if callable(value):
        return "a function; call it, and return what it gives"
    return f"of type {whole}; return arrays, numbers, texts, or lists, tuples and dicts of them"


def same(a, b) -> bool:
    """Whether two pieces of plain data are equal, in value, type and shape."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
            return False
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (a != a and b != b)


def alike(found, wanted, rtol: float = 1e-4, atol: float = 1e-6) -> bool:
    """Whether plain data that came back are, as far as values go, those that were wanted.

    A list may stand for a tuple or an array, a whole float for an integer, and float32 is enough.
    """
    if isinstance(wanted, dict):
        same_keys = isinstance(found, dict) and set(found) == set(wanted)
        return same_keys and all(alike(found[key], wanted[key], rtol, atol) for key in wanted)
    if wanted is None or isinstance(wanted, str | bool | np.bool_):
        return isinstance(found, type(wanted) | bool) and bool(found == wanted)
    if isinstance(wanted, list | tuple) and isinstance(found, list | tuple):
        pairs = zip(found, wanted, strict=True) if len(found) == len(wanted) else ()
        return len(found) == len(wanted) and all(alike(a, b, rtol, atol) for a, b in pairs)
    expected = np.asarray(wanted)
    if isinstance(found, list | tuple):
        n, largest, _ = extent(found)
        if n > MOST_VALUES or n * largest > MOST_BYTES:
            return False
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            found = np.asarray(found)
    array = np.asarray(found) if isinstance(found, int | float | np.ndarray) else None
    if array is None or array.shape != expected.shape or array.dtype.kind not in "biufU":
        return False
    if "U" in (array.dtype.kind, expected.dtype.kind):
        return bool(np.array_equal(array, expected))
    return bool(np.isclose(array, expected, rtol=rtol, atol=atol, equal_nan=True).all())


def extent(values: list | tuple) -> tuple[int, int, bool]:
    """Of nested lists: how many values at most, bytes of the largest in an array, any text."""
    n, largest, text, waiting = 0, 16, False, [values]
    while waiting and n <= MOST_VALUES:
        values = waiting.pop()
        n += len(values)
        for value in values[:MOST_VALUES]:
            if isinstance(value, list | tuple):
                waiting.append(value)
            elif isinstance(value, np.ndarray):
                n, largest = n + value.size, max(largest, value.itemsize)
                text = text or value.dtype.kind in "US"
            elif isinstance(value, str | bytes):
                largest, text = max(largest, 4 * len(value)), True
    return n, largest, text


def described(value, width: int = 60) -> str:
    """Describe plain data in a few words, for a sentence: small things whole, arrays by shape.

    Whatever the value is, there are words for it: a wrong answer must never stop who explains it.
    """
    if isinstance(value, np.ndarray):
        if value.size <= 8 and value.itemsize <= 200 and value.dtype.kind in "biufcSU":
            with np.printoptions(precision=4, suppress=True):
                return " ".join(np.array2string(value, separator=", ").split())
        kind = {"U": "texts", "S": "bytes", "M": "dates", "m": "times"}.get(value.dtype.kind)
        return f"an array of shape {value.shape} of {kind or value.dtype}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int) and value.bit_length() > 1_000:
        return f"a whole number of {value.bit_length()} bits"
    if isinstance(value, list | tuple):
        inner = ", ".join(described(item, 20) for item in value[:6])
        more = ", …" if len(value) > 6 else ""
        if isinstance(value, tuple) and len(value) == 1:
            more = ","
        text = f"[{inner}{more}]" if isinstance(value, list) else f"({inner}{more})"
        return text if len(text) <= 3 * width else f"a {type(value).__name__} of {len(value)} items"
    if isinstance(value, dict):
        items = list(value.items())[:6]
        inner = ", ".join(f"{described(key, 20)}: {described(item, 20)}" for key, item in items)
        text = "{" + inner + (", …" if len(value) > 6 else "") + "}"
        return text if len(text) <= 3 * width else f"a dict of {len(value)} entries"
    if isinstance(value, str | bytes):
        value = value[: 4 * width]  # never work on all of a very long one
    text = repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"
