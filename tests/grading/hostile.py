"""Ways to spoil a right answer: kind, dtype, shape, size, NaN, dates, text, nesting.

A submission is the course's own solution, each of whose functions hands its result to `spoil`.
"""

from __future__ import annotations

#: Expressions of ``x``, a right answer or one leaf of it; ``np`` is numpy.
WAYS: dict[str, str] = {
    "nothing": "None",
    "list of one": "[x]",
    "array of one": "np.array([x]) if not isinstance(x, (list, tuple, dict)) else [x]",
    "text": "str(x)[:50]",
    "bytes": "b'x'",
    "true": "True",
    "complex": "np.asarray(x) + 1j if isinstance(x, np.ndarray) else 1j",
    "NaN": "x * np.nan if isinstance(x, (float, np.ndarray)) else np.nan",
    "infinite": "np.inf",
    "huge number": "10**400",
    "huger number": "-(10**5000)",
    "largest float": "1.7e308",
    "dates without unit": "np.zeros(np.shape(x) if isinstance(x, np.ndarray) else (2, 2), 'M8')",
    "dates": "np.zeros(3, 'M8[D]')",
    "times": "np.zeros(np.shape(x) if isinstance(x, np.ndarray) else 2, 'm8')",
    "array of texts": "np.array(['a', 'b' * 30])",
    "array of bytes": "np.array([b'a', b'bb'])",
    "no rows": "np.zeros((0, 3))",
    "no columns": "np.zeros((len(x) if isinstance(x, np.ndarray) and x.ndim else 2, 0))",
    "empty array": "np.array([])",
    "many dimensions": "np.zeros((1,) * 32)",
    "wide": "np.zeros((len(x) if isinstance(x, np.ndarray) and x.ndim else 2, 300_000), 'u1')",
    "large": "np.zeros(50_000_000, 'u1')",
    "too large": "np.zeros(50_000_000)",
    "long texts in a list": "['x' * 10**6] + [''] * 4000",
    "long bytes in a list": "[b'x' * 10**6] + [b''] * 4000",
    "ragged": "[[1], [2, 3], []]",
    "mixed": "[1, 'a', None, 2.5]",
    "dates in a list": "[np.zeros(1, 'M8[D]'), 1.0]",
    "many lists": "[[]] * 300_000",
    "nested": "[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]",
    "dict": "{'a': 1, 'b': [2]}",
    "odd keys": "{1.5: 1, None: 2, (1, 'a'): 3}",
    "set": "{1, 2}",
    "objects": "np.array([None, 1], dtype=object)",
    "tuple of ten": "(x,) * 10",
    "float16": "np.asarray(x, 'f2') if isinstance(x, np.ndarray) and x.dtype.kind in 'f' else x",
    "unsigned": "np.array([2**64 - 1], 'u8')",
    "long double": "np.array([1e4000], 'g') if np.finfo('g').max > 1e300 else 1.0",
    "bools": "np.ones(np.shape(x) if isinstance(x, np.ndarray) else 3, bool)",
    "transposed": "x.T if isinstance(x, np.ndarray) else x",
    "flat": "x.ravel() if isinstance(x, np.ndarray) else x",
    "lone surrogate": "'\\ud800'",
    "control characters": "'\\x00\\x1b[31m'",
    "empty text": "''",
    "half the rows": "x[: len(x) // 2] if isinstance(x, np.ndarray) and x.ndim else 0.5",
    "one row more": "np.concatenate([x, x[:1]]) if np.ndim(x) and len(x) else [x, x]",
    "masked": "np.ma.masked_all(np.shape(x) if isinstance(x, np.ndarray) else 3)",
    "structured": "np.zeros(3, 'i4,f8')",
    "equal to everything": "type('F', (float,), {'__eq__': lambda *a: True})(-7.25)",
    "generator": "(i for i in range(3))",
    "function": "(lambda: 1)",
}

#: What changes nothing in a right answer of some kinds.
HARMLESS = ("float16", "transposed", "flat", "long double", "bools", "true")

#: What cannot be sent as a result: nothing at all is earned by it.
UNSENDABLE = ("objects", "masked", "structured", "set", "generator", "function", "too large")

#: What is the same whatever the question: it earns no more than no answer does, in a check that
#: looks at something else than the value.
CONSTANT = (
    *("bytes", "dates", "array of texts", "array of bytes"),
    *("many dimensions", "large", "long texts in a list", "long bytes in a list", "ragged"),
    *("mixed", "dates in a list", "many lists", "nested", "dict", "odd keys", "lone surrogate"),
    *("control characters", "empty text"),
)

#: What the suite tries; the slow test tries all.
FEW = ("nothing", "dates without unit", "long texts in a list")


def spoiled(solution: str, way: str, whole: bool) -> str:
    """Source of a submission whose functions spoil their results, as a whole or at the leaves."""
    return f"""{solution}

import types as _types
import numpy as np

def _one(x):
    return {WAYS[way]}

def _leaves(x):
    if isinstance(x, (list, tuple)):
        return type(x)(_leaves(item) for item in x)
    if isinstance(x, dict):
        return {{key: _leaves(item) for key, item in x.items()}}
    return _one(x)

def _spoil(function):
    return lambda *args, **kwargs: {"_one" if whole else "_leaves"}(function(*args, **kwargs))

for _name, _value in list(globals().items()):
    if isinstance(_value, _types.FunctionType) and not _name.startswith("_"):
        if _value.__module__ == __name__:
            globals()[_name] = _spoil(_value)
"""
