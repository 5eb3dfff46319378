"""Whose fault it was: a check that an answer stops, a process that leaves, a file that is large."""

import re
import time
from types import SimpleNamespace

import pytest

from octlessons.grading import remote
from octlessons.grading.assignment import Assignment, Limits, Task
from octlessons.grading.classrun import grade
from octlessons.grading.submission import Submission, Work

SQUARE = "def f(x):\n    return x * x\n"
FLOATS = "def test_it(student):\n    assert abs(float(student.f(3.0)) - 9) < 1e-6\n"
UNCHANGED = """
import numpy as np
from octlessons.testing import assert_close, assert_input_unchanged

def test_it(student):
    assert_close(student, student.f(np.ones(3)), np.ones(3))
    assert_input_unchanged(student)
"""
HUNGRY = """
import numpy as np

def test_it(student):
    found = np.ones(len(student.f(3.0)), "u1")
    assert np.broadcast_to(found, (2, len(found))).copy().size
    np.multiply.outer(found, found).sum()
"""

#: A check, the course's own solution, an answer, its points (None: no mark), and what is said.
CASES = {
    "right": (FLOATS, SQUARE, SQUARE, 1, ""),
    "forgets return": (FLOATS, SQUARE, "def f(x):\n    x * x\n", 0, r"gives None\..*`return`"),
    "array of two": (
        FLOATS,
        SQUARE,
        "import numpy as np\ndef f(x):\n    return np.array([x, x])\n",
        0,
        r"gives \[3\., 3\.\].*TypeError",
    ),
    "a check that stops on everything": (
        FLOATS + "    {}['the table of the check']\n",
        SQUARE,
        SQUARE,
        None,
        "test_it itself stopped with KeyError",
    ),
    "a check that stops before any answer": (
        "def test_it(student):\n    {}['table']\n    student.f(3.0)\n",
        SQUARE,
        SQUARE,
        None,
        "itself stopped with KeyError",
    ),
    "no solution to compare with": (FLOATS, "", "def f(x): pass\n", None, "stopped with TypeError"),
    "more memory than a judge may take": (
        HUNGRY,
        "def f(x):\n    return [0] * 10\n",
        "def f(x):\n    return bytes(4 * 10**6)\n",
        0,
        "needs more memory",
    ),
    "the same without a solution": (
        HUNGRY,
        "",
        "def f(x):\n    return bytes(4 * 10**6)\n",
        0,
        "needs more memory",
    ),
    "changes its argument": (
        UNCHANGED,
        "",
        "def f(x):\n    x *= x\n    x += 1\n    return x - 1\n",
        0,
        "changed the data",
    ),
    "changes it and says that it did not": (
        UNCHANGED,
        "",
        "from octlessons.exercises import plain\nfrom octlessons.grading.worker import child\n"
        "child.same = plain.same = lambda a, b: True\n"
        "def f(x):\n    y = x * x\n    x[...] = 0\n    return y\n",
        0,
        "changed the data",
    ),
    "closes its channel and sleeps": (
        FLOATS,
        SQUARE,
        "import os, time\ndef f(x):\n    os.close(3)\n    time.sleep(10**6)\n",
        0,
        "closed the file through which its answer would come",
    ),
    "two megabytes of Chinese comments": (
        FLOATS,
        SQUARE,
        "# \u7b54\u6848\n" * 250_000 + SQUARE,
        1,
        "",
    ),
    "forks": (FLOATS, SQUARE, "import os\ndef f(x):\n    os.fork()\n", 0, "no other processes"),
    "opens a connection": (
        FLOATS,
        SQUARE,
        "import socket\ndef f(x):\n    socket.create_connection(('127.0.0.1', 9))\n",
        0,
        "open no connections",
    ),
    "asyncio": (
        FLOATS,
        SQUARE,
        "import asyncio\nasync def g(x):\n    return x * x\n"
        "def f(x):\n    return asyncio.run(g(x))\n",
        0,
        "do without asyncio",
    ),
    "names of notebooks": (
        FLOATS,
        SQUARE,
        "get_ipython().run_line_magic('matplotlib', 'inline')\ndisplay(1)\n" + SQUARE,
        1,
        "",
    ),
}


@pytest.fixture(scope="module")
def graded(proven, tmp_path_factory):
    """Each case an exercise of one submission, with the limits that there are by default."""
    ids = {name: name.replace(" ", "-") for name in CASES}
    tasks, works = [], {}
    for name, (check, solution, answer, _, _) in CASES.items():
        checks = {f"test_{ids[name]}.py": check.encode()}
        tasks.append(Task(ids[name], name, checks, {}, Limits(), solution=solution))
        works[ids[name]] = Work(ids[name], f"{ids[name]}.py", answer)
    given = [Submission("student", "student", works)]
    out = tmp_path_factory.mktemp("graded")
    result = grade(given, Assignment("Blame", tuple(tasks)), out, isolation=proven, jobs=2)
    return {name: result.records["student", ids[name]] for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_who_is_to_blame(graded, name):
    *_, points, words = CASES[name]
    record = graded[name]
    said = record.no_mark + "\n".join(check.message for check in record.checks)
    assert (None if record.no_mark else record.points) == points, said
    assert re.search(words, said, re.DOTALL), said


def test_the_time_that_a_sandbox_takes_to_start_is_nobodys(monkeypatch):
    """Libraries can take longer to import than a check may take."""
    now, started = [0.0], []
    child = SimpleNamespace(
        allow=lambda seconds: None,
        ask=lambda seconds, what, *content: ("done", 9.0 if what == "call" else None, ""),
    )

    def zygote():
        if not started:
            now[0] += 1000
            started.append(True)
        return SimpleNamespace(child=lambda memory, cpu: child)

    clock = SimpleNamespace(monotonic=lambda: now[0], perf_counter=time.perf_counter)
    monkeypatch.setattr(remote, "time", clock)
    student = remote.RemoteStudent(zygote, Work("f", "f.py", SQUARE), Limits(), 0)
    student.begin(False)
    assert student.f(3.0) == 9.0
