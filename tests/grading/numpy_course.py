"""A small course of three NumPy exercises, as files: what tests and benchmarks of the grader mark.

It is the assignment that graders are compared and attacked with: ``ex1`` standardises columns,
``ex2`` takes moving averages, ``ex3`` fits least squares. Each has one public and one hidden
check, of one point each. The public check is a small example, so an answer that returns only that
example gets one point; the hidden one draws its data from the student's own ``rng``.

>>> config = make_course(tmp_path)
>>> os.environ["OCTLESSONS_COURSE"] = str(config.parent)
>>> assignment = load_assignment(config)
"""

from __future__ import annotations

import json
from pathlib import Path

CHAPTER = "numpy"

#: A right answer for each exercise.
CORRECT: dict[str, str] = {
    "ex1": """\
import numpy as np


def standardize(X):
    X = np.asarray(X, float)
    return (X - X.mean(0)) / X.std(0)
""",
    "ex2": """\
import numpy as np


def moving_average(x, k):
    return np.convolve(x, np.ones(k) / k, mode="valid")
""",
    "ex3": """\
import numpy as np


def ols(X, y):
    return np.linalg.lstsq(np.asarray(X, float), np.asarray(y, float), rcond=None)[0]
""",
}

#: An answer that gets 3 of 6 points: the public one of ex1, both of ex2, none of ex3.
PARTLY: dict[str, str] = {
    "ex1": """\
import numpy as np


def standardize(X):
    X = np.asarray(X, float)
    return (X - X.mean(0)) / (X.max(0) - X.mean(0))
""",
    "ex2": CORRECT["ex2"],
    "ex3": """\
import numpy as np


def ols(X, y):
    return np.asarray(X, float).T @ np.asarray(y, float)
""",
}

#: What students begin with.
STUBS: dict[str, str] = {
    "ex1": '''\
"""Standardise the columns of a matrix."""

import numpy as np


def standardize(X):
    """Return `X` with columns of mean 0 and population standard deviation 1."""
    # TODO: subtract the mean of each column, divide by its standard deviation
    raise NotImplementedError("`standardize` is still to be written.")
''',
    "ex2": '''\
"""Smooth a signal."""

import numpy as np


def moving_average(x, k):
    """Return the means of all windows of `k` neighbours: n - k + 1 numbers."""
    # TODO: average each window
    raise NotImplementedError("`moving_average` is still to be written.")
''',
    "ex3": '''\
"""Fit a linear model."""

import numpy as np


def ols(X, y):
    """Return the coefficients of ordinary least squares."""
    # TODO: solve the least-squares problem
    raise NotImplementedError("`ols` is still to be written.")
''',
}

PUBLIC: dict[str, str] = {
    "ex1": '''\
from octlessons.testing import assert_close


def test_example(student):
    """Two rows become minus one and plus one."""
    found = student.standardize([[0.0, 2.0], [4.0, 6.0]])
    assert_close(student, found, [[-1.0, -1.0], [1.0, 1.0]])
''',
    "ex2": '''\
import numpy as np

from octlessons.testing import assert_close


def test_example(student):
    """Windows of two."""
    found = student.moving_average(np.array([1.0, 2.0, 3.0, 6.0]), 2)
    assert_close(student, found, [1.5, 2.5, 4.5])
''',
    "ex3": '''\
import numpy as np

from octlessons.testing import assert_close


def test_example(student):
    """A line through three points."""
    X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    assert_close(student, student.ols(X, np.array([1.0, 3.0, 5.0])), [1.0, 2.0])
''',
}

HIDDEN: dict[str, str] = {
    "ex1": '''\
from octlessons.testing import assert_close


def test_random_matrix(student, rng):
    """A random matrix."""
    X = rng.normal(3, [1, 5, 20], size=(50, 3))
    assert_close(student, student.standardize(X), (X - X.mean(0)) / X.std(0))
''',
    "ex2": '''\
import numpy as np

from octlessons.testing import assert_close


def test_random_signal(student, rng):
    """A random signal."""
    x, k = rng.normal(size=40), int(rng.integers(3, 9))
    expected = np.lib.stride_tricks.sliding_window_view(x, k).mean(-1)
    assert_close(student, student.moving_average(x, k), expected)
''',
    "ex3": '''\
import numpy as np

from octlessons.testing import assert_close


def test_random_data(student, rng):
    """Random data."""
    X, y = rng.normal(size=(60, 4)), rng.normal(size=60)
    assert_close(student, student.ols(X, y), np.linalg.solve(X.T @ X, X.T @ y))
''',
}

_TITLES = {"ex1": "Standardise", "ex2": "Moving average", "ex3": "Least squares"}


def make_course(root: Path) -> Path:
    """Write the course into a folder.

    Parameters
    ----------
    root : Path
        It is made if need be. Afterwards it holds ``exercises/`` with catalogue and stubs,
        ``tests/exercises/numpy/`` with the public checks, ``hidden/numpy/`` with the hidden ones
        and ``grading.toml``.

    Returns
    -------
    Path
        Of ``grading.toml``.
    """
    root = Path(root)
    entries = [
        f'[[exercise]]\nid = "{name}"\nchapter = "{CHAPTER}"\ntitle = "{title}"\nminutes = 5\n'
        'points = 1\nneeds = "core"\nobjectives = ["use arrays"]\nhints = ["Read it again."]\n'
        for name, title in _TITLES.items()
    ]
    texts = {"exercises/catalogue.toml": "\n".join(entries)}
    for name in _TITLES:
        texts[f"exercises/{CHAPTER}/{name}.py"] = STUBS[name]
        texts[f"tests/exercises/{CHAPTER}/test_{name}.py"] = _checks(name, PUBLIC[name])
        texts[f"hidden/{CHAPTER}/test_{name}.py"] = _checks(name, HIDDEN[name])
    texts["grading.toml"] = (
        'title = "Three NumPy exercises"\n'
        f"exercises = {json.dumps(list(_TITLES))}\n"
        'hidden = "hidden"\n'
        'key = "a secret of the course"\n'
    )
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root / "grading.toml"


def _checks(name: str, text: str) -> str:
    return f'"""Checks of {name}."""\n\n{text}'
