"""What marks come to: through a class run, in a real sandbox, with the checks students run."""

import re
from dataclasses import replace

import pytest

from octlessons.exercises.outcomes import Outcome
from octlessons.grading.assignment import Limits
from octlessons.grading.classrun import grade
from octlessons.grading.submission import Submission, Work
from tests.grading.conftest import limited, submission
from tests.grading.numpy_course import CORRECT, PARTLY, STUBS

pytestmark = pytest.mark.slow

RIGHT = "    X = np.asarray(X, float)\n    return (X - X.mean(0)) / X.std(0)\n"
HEAD = "import numpy as np\n"


def messages(record) -> str:
    return "\n".join(check.message for check in record.checks) + record.no_mark


def test_right_partly_right_and_untouched_work(mark):
    records = mark(submission("right"), submission("partly", **PARTLY), submission("stub", **STUBS))
    points = {place: record.points for place, record in records.items()}
    assert [points["right", name] for name in CORRECT] == [2, 2, 2]
    assert [points["partly", name] for name in CORRECT] == [1, 2, 0]
    assert [points["stub", name] for name in CORRECT] == [0, 0, 0]
    assert records["stub", "ex1"].outcome is Outcome.NOT_ATTEMPTED
    assert records["right", "ex1"].max_points == 2
    assert "Expected: [1., 2.]" in messages(records["partly", "ex3"])
    assert [check.hidden for check in records["right", "ex1"].checks] == [False, True]


def test_an_untouched_stub_is_marked_as_one_with_a_note(mark, assignment):
    """The course's own text needs no sandbox; what is said of it is the same."""
    stubs = {task.id: task.stub for task in assignment.tasks}
    noted = {name: text + "\n# later\n" for name, text in stubs.items()}
    records = mark(submission("stub", **stubs), submission("noted", **noted))
    for name in CORRECT:
        assert records["stub", name].checks == records["noted", name].checks
        assert records["stub", name].outcome is Outcome.NOT_ATTEMPTED


# Right answers written in unusual ways keep their marks.
UNUSUAL = {
    "warns": "import warnings\ndef standardize(X):\n    warnings.warn('careful')\n" + RIGHT,
    "prints": "print('x' * 10**6)\ndef standardize(X):\n    print('here')\n" + RIGHT,
    "writes to stderr": "import sys\nsys.stderr.write('note')\ndef standardize(X):\n" + RIGHT,
    "lists": "def standardize(X):\n    X = np.asarray(X, float)\n"
    "    return ((X - X.mean(0)) / X.std(0)).tolist()\n",
    "float32": "def standardize(X):\n    X = np.asarray(X, float)\n"
    "    return ((X - X.mean(0)) / X.std(0)).astype(np.float32)\n",
    "another byte order": "def standardize(X):\n    X = np.asarray(X, float)\n"
    "    return ((X - X.mean(0)) / X.std(0)).astype('>f8')\n",
    "column order": "def standardize(X):\n    X = np.asarray(X, float)\n"
    "    return np.asfortranarray((X - X.mean(0)) / X.std(0))\n",
    "a temporary file": "import os, tempfile\ndef standardize(X):\n"
    "    path = os.path.join(tempfile.gettempdir(), 'a.npy')\n"
    "    np.save(path, np.asarray(X, float)); X = np.load(path)\n" + RIGHT,
    "a plot": "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\n"
    "plt.savefig('figure.png')\ndef standardize(X):\n    plt.figure()\n" + RIGHT,
    "threads": "from concurrent.futures import ThreadPoolExecutor\ndef standardize(X):\n"
    "    X = np.asarray(X, float)\n"
    "    with ThreadPoolExecutor(4) as pool:\n"
    "        means = list(pool.map(np.mean, X.T))\n    return (X - means) / X.std(0)\n",
    "joblib": "from joblib import Parallel, delayed\ndef standardize(X):\n"
    "    X = np.asarray(X, float)\n"
    "    means = Parallel(n_jobs=-1)(delayed(np.mean)(c) for c in X.T)\n"
    "    return (X - means) / X.std(0)\n",
    "dataclasses and annotations": "from dataclasses import dataclass\n@dataclass\n"
    "class Moments:\n    mean: 'float' = 0\n    kind: 'str' = ''\n"
    "async def unused(): ...\ndef standardize(X):\n" + RIGHT,
    "a main block": "def standardize(X):\n"
    + RIGHT
    + "if __name__ == '__main__':\n    raise SystemExit(standardize(1))\n",
    "its own classes": "class Scaler:\n    def __call__(self, X):\n    "
    + RIGHT.replace("\n    ", "\n        ")
    + "\nstandardize = Scaler()\n",
    "global state": "seen = []\ndef standardize(X):\n    seen.append(1)\n" + RIGHT,
    "a closed stdout": "import sys\nsys.stdout = None\ndef standardize(X):\n" + RIGHT,
    "octlessons itself": "import octlessons.images\ndef standardize(X):\n" + RIGHT,
}


@pytest.mark.parametrize("how", UNUSUAL)
def test_right_answers_keep_their_marks(marked, how):
    record = marked[f"unusual {how}", "ex1"]
    assert record.points == 2, messages(record)


def test_a_hang_costs_the_check_it_is_in(mark):
    source = HEAD + "def standardize(X):\n    while len(X) > 2: pass\n" + RIGHT
    record = mark(source)["student", "ex1"]
    assert [check.outcome for check in record.checks] == [Outcome.PASSED, Outcome.TIMED_OUT]
    assert "stopped after" in record.checks[1].message
    assert record.points == 1


def test_sleeping_is_not_computing_but_ends_too(mark, assignment):
    source = HEAD + "import time\ndef standardize(X):\n    time.sleep(1000)\n"
    short = limited(assignment, Limits(cpu_seconds=1, wall_seconds=1.5, memory_mb=1024))
    record = mark(source, assignment=short)["student", "ex1"]
    assert record.outcome is Outcome.TIMED_OUT
    assert "stopped after 1.5 seconds without an answer" in messages(record)


def test_waiting_costs_no_processor_time(mark):
    source = HEAD + "import time\ndef standardize(X):\n    time.sleep(1.5)\n" + RIGHT
    assert mark(source)["student", "ex1"].points == 2


def test_every_check_has_its_own_time(proven, assignment, tmp_path):
    """Two checks that take two thirds of the limit each do not add up."""
    source = (
        HEAD + "import time\ndef standardize(X):\n    end = time.process_time() + 0.6\n"
        "    while time.process_time() < end: pass\n" + RIGHT
    )
    task = replace(assignment.tasks[0], hidden_checks={})
    both = task.checks["test_ex1.py"] + b"\n\ntest_again = test_example\n"
    task = replace(task, checks={"test_ex1.py": both})
    short = replace(assignment, tasks=(task,))
    work = {"ex1": Work("ex1", "ex1.py", source)}
    result = grade([Submission("a", "a", work)], short, tmp_path, isolation=proven, jobs=1)
    record = result.records["a", "ex1"]
    assert record.points == 2 and len(record.checks) == 2, messages(record)


ENDS = {
    "exit": ("import os\ndef standardize(X): os._exit(0)", "process ended before"),
    "exit status of the grader": ("import os\ndef standardize(X): os._exit(77)", "status 77"),
    "sys.exit": ("import sys\nsys.exit(0)", "SystemExit"),
    "abort": ("import os\ndef standardize(X): os.abort()", "crashed"),
    "null pointer": (
        "import ctypes\ndef standardize(X): ctypes.string_at(0)",
        "crashed|ValueError",
    ),
    "deep recursion": (
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return f([x])\n"
        "def standardize(X): return f(X)",
        "crashed|killed|Memory|Recursion|stopped after",
    ),
    "memory": ("def standardize(X):\n    return bytearray(8 << 30)", "MemoryError"),
    "memory in small pieces": (  # that nothing is written to, so that it takes no time
        "def standardize(X):\n    kept = []\n    while True: kept.append(bytes(1 << 24))",
        "MemoryError|killed",
    ),
    "shared memory": (
        "import mmap\ndef standardize(X): return len(mmap.mmap(-1, 8 << 30))",
        "Permission|not permitted|MemoryError",
    ),
    "threads without end": (
        "import threading, time\ndef standardize(X):\n    while True:\n"
        "        threading.Thread(target=time.sleep, args=(99,)).start()",
        "can't start|stopped after|Memory|killed|crashed|RuntimeError",
    ),
    "a huge number": ("def standardize(X): return 10**10**9", "stopped after|Memory"),
    "an error without text": (
        "class E(Exception):\n    def __str__(self):\n        while True: pass\n"
        "def standardize(X): raise E()",
        "stopped after",
    ),
    "a keyboard interrupt": ("def standardize(X): raise KeyboardInterrupt", "KeyboardInterrupt"),
    "input": ("name = input()", "EOF"),
    "too many temporary files": (
        "def standardize(X):\n    for i in range(10**6): open(f'/tmp/{i}', 'w').close()",
        "OSError|space",
    ),
    "a program": ("import os\ndef standardize(X):\n    os.execv('/bin/true', ['x'])", "permitted"),
    "multiprocessing": (
        "import multiprocessing\ndef standardize(X):\n    multiprocessing.Pool(2)",
        "permitted|Permission|Read-only|No such file",
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_what_ends_badly_costs_its_exercise_only_and_says_why(marked, how):
    record = marked[f"ends {how}", "ex1"]
    assert record.points == 0 and not record.no_mark
    assert re.search(ENDS[how][1], messages(record)), messages(record)
    assert [marked[f"ends {how}", name].points for name in ("ex2", "ex3")] == [2, 2]
    assert [marked["next", name].points for name in CORRECT] == [2, 2, 2]


RETURNS = {
    "nothing": ("return None", "return"),
    "an object equal to everything": (
        "return type('A', (), {'__eq__': lambda s, o: True, 'shape': (2, 2)})()",
        "cannot return",
    ),
    "a subclass of float": ("return type('F', (float,), {'__eq__': lambda *a: True})(0)", "gives"),
    "an array of objects": ("return np.array([[object()] * 2] * 2)", "cannot return"),
    "a masked array": ("return np.ma.masked_all(np.shape(X))", "cannot return"),
    "NaN": ("return np.full(np.shape(X), np.nan)", "NaN"),
    "broadcasting": ("return np.zeros((1, 1))", "shape"),
    "complex numbers": ("return np.zeros(np.shape(X), complex)", "complex"),
    "text": ("return 'passed'", "gives 'passed'"),
    "too much": ("return np.zeros((4000, 4000))", "too large"),
    "a list in itself": ("a = []; a.append(a); return a", "nested"),
    "a function": ("return lambda: 1", "cannot return"),
    "a generator": ("return (x for x in X)", "cannot return"),
    "a dict": ("return {'score': 100, 'passed': True}", "gives"),
}


RETURNS |= {
    f"the number {value}": (f"return {value}", "")
    for value in ("10**400", "10**5000", "[[10**400] * 2] * 2", "{10**5000: 1}", "-(10**400)")
}


@pytest.mark.parametrize("what", RETURNS)
def test_wrong_values_are_only_ever_wrong(marked, what):
    record = marked[f"returns {what}", "ex1"]
    assert record.points == 0 and not record.no_mark
    assert re.search(RETURNS[what][1], messages(record)), messages(record)


FORGED = """
import os, json, struct, sys
from octlessons.grading import wire

def frame(*answer):
    return wire.encode(answer)

"""


FORGERIES = [
    # the answers to load and to the first calls, before they are asked for
    "for n in range(1, 9): os.write(3, frame(n, 'done', [[-1.0, -1.0], [1.0, 1.0]], ''))",
    "for n in range(1, 9): os.write(3, frame(n, 'passed', None, ''))",
    "os.write(3, frame(1, 'done', None, 7))",
    "wire.encode = lambda value: frame.__globals__['struct'].pack('<II', 4, 0) + b'true'",
    "import socket; socket.socket.send = lambda s, data: len(data)",
    "os.close(3)",
    "os.dup2(0, 3)",
    "os.write(3, os.urandom(4096))",
    "os.write(3, struct.pack('<II', 1 << 22, 1 << 22))",
]


@pytest.mark.parametrize("how", FORGERIES)
def test_forged_answers_earn_nothing(marked, how):
    name = f"forged {FORGERIES.index(how)}"
    record = marked[name, "ex1"]
    # A forged answer is an answer: of the public example, which is known, it may be right.
    assert all(check.points == 0 for check in record.checks if check.hidden)
    assert not record.no_mark
    assert [marked[name, exercise].points for exercise in ("ex2", "ex3")] == [2, 2]


@pytest.fixture(scope="module")
def marked(proven, assignment, tmp_path_factory):
    """All of the tables above in one class; records by student and exercise."""
    function = "def standardize(X):\n    "
    sources = {f"unusual {how}": HEAD + source for how, source in UNUSUAL.items()}
    sources["unusual dataclasses and annotations"] = (
        "from __future__ import annotations\n" + sources["unusual dataclasses and annotations"]
    )
    sources |= {f"ends {how}": HEAD + source for how, (source, _) in ENDS.items()}
    sources |= {f"returns {what}": HEAD + function + to for what, (to, _) in RETURNS.items()}
    sources |= {
        f"forged {number}": f"{FORGED}{how}\n{function}return None\n"
        for number, how in enumerate(FORGERIES)
    }
    given = [submission(name, ex1=source) for name, source in sources.items()]
    given = [replace(entry, slug=f"s{i:03}") for i, entry in enumerate(given)]
    given.append(submission("next"))
    out = tmp_path_factory.mktemp("marked")
    result = grade(given, assignment, out, isolation=proven, jobs=2)
    names = {entry.slug: entry.name for entry in given}
    return {(names[slug], exercise): r for (slug, exercise), r in result.records.items()}


def test_hidden_inputs_do_not_come_out(mark):
    """Nothing of a hidden check is in what students see: not printed then, nor later."""
    source = HEAD + (
        "import os, sys, tempfile\n"
        "sys.stdout.write('LOADED ' + repr(sorted(os.listdir(tempfile.gettempdir()))))\n"
        "kept = globals().setdefault('kept', [])\n"
        "def standardize(X):\n"
        "    kept.append(np.shape(X))\n"
        "    print('SEEN', kept)\n"
        "    open(os.path.join(tempfile.gettempdir(), 'seen'), 'w').write(repr(X))\n"
        "    raise ValueError(f'SEEN {kept}')\n"
    )
    record = mark(source)["student", "ex1"]
    public, hidden = record.checks
    assert "SEEN [(2, 2)]" in record.printed
    assert "(50, 3)" in hidden.message and hidden.hidden
    assert "(50, 3)" not in record.printed and "(50, 3)" not in public.message
    assert "'seen'" not in record.printed


def test_hidden_prints_do_not_come_out_without_isolation_either(assignment, tmp_path):
    source = HEAD + "def standardize(X):\n    print('SHAPE', np.shape(X))\n" + RIGHT
    given = [submission("a", ex1=source)]
    result = grade(given, assignment, tmp_path, isolation="none", jobs=1)
    assert result.records["a", "ex1"].printed == "SHAPE (2, 2)\n"


def test_submissions_leave_nothing_for_one_another(mark):
    leave = HEAD + (
        "import os, sys, builtins, tempfile\n"
        "builtins.left = np.left = sys.modules['left'] = 'left'\n"
        "for folder in (tempfile.gettempdir(), '/dev/shm', '/var/tmp', '.'):\n"
        "    try: open(folder + '/left', 'w').write('left')\n"
        "    except OSError: pass\n"
        "def standardize(X):\n" + RIGHT
    )
    look = HEAD + (
        "import os, sys, builtins, tempfile\n"
        "found = [hasattr(builtins, 'left'), hasattr(np, 'left'), 'left' in sys.modules]\n"
        "found += [os.path.exists(f + '/left') for f in (tempfile.gettempdir(), '/dev/shm', "
        "'/var/tmp', '.')]\n"
        "def standardize(X):\n    assert not any(found), found\n" + RIGHT
    )
    records = mark(submission("a", ex1=leave), submission("b", ex1=look))
    assert records["b", "ex1"].points == 2, messages(records["b", "ex1"])


def test_the_worker_holds_no_checks_and_no_solutions(proven, assignment, tmp_path):
    source = HEAD + (
        "import os, sys\n"
        "def holds():\n"
        "    for top in ('/', *sys.path):\n"
        "        for folder, folders, names in os.walk(top):\n"
        "            folders[:] = [f for f in folders if f not in ('proc', 'sys', 'dev')]\n"
        "            for name in names:\n"
        "                if name in ('test_ex1.py', 'test_ex3.py', 'catalogue.toml', 'grading.toml'"
        ", 'test_dark-part.py', 'dark-part.py'): yield os.path.join(folder, name)\n"
        "found = list(holds()) if os.path.isdir('/usr/lib') else ['/']\n"
        "def standardize(X):\n    raise RuntimeError(f'FOUND {found[:5]}')\n"
    )
    limits = Limits(cpu_seconds=30, wall_seconds=60, memory_mb=1024)
    given = submission("student", ex1=source)
    result = grade([given], limited(assignment, limits), tmp_path, isolation=proven, jobs=1)
    record = result.records["student", "ex1"]
    assert "FOUND []" in messages(record), messages(record)


@pytest.mark.parametrize(
    "body", ["raise KeyError('the table of the check')", "import pytest; pytest.skip('no torch')"]
)
def test_a_check_that_fails_itself_is_no_mark_and_never_a_zero(proven, assignment, tmp_path, body):
    text = f"def test_own(student):\n    student.standardize([[1.0], [2.0]])\n    {body}\n"
    task = replace(assignment.tasks[0], checks={"test_ex1.py": text.encode()}, hidden_checks={})
    broken = replace(assignment, tasks=(task, *assignment.tasks[1:]))
    result = grade([submission("a")], broken, tmp_path, isolation=proven, jobs=1)
    record = result.records["a", "ex1"]
    assert "The check test_own itself stopped" in record.no_mark and not record.checks
    assert [result.records["a", name].points for name in ("ex2", "ex3")] == [2, 2]


def test_work_that_the_grader_failed_to_read_is_no_mark(mark):
    work = Work("ex1", problem="What was handed in could not be read.", unexpected=True)
    works = {"ex1": work} | {n: Work(n, f"{n}.py", CORRECT[n]) for n in ("ex2", "ex3")}
    records = mark(Submission("student", "student", works))
    assert records["student", "ex1"].no_mark and records["student", "ex2"].points == 2


def test_changed_inputs_do_not_reach_the_judge(mark):
    """A submission that writes into its arguments changes its own copy only."""
    source = HEAD + (
        "def standardize(X):\n    if isinstance(X, np.ndarray): X[...] = 0\n"
        "    return np.zeros(np.shape(X))\n"
    )
    assert mark(source)["student", "ex1"].points == 0


def test_text_in_results_is_clean(mark):
    source = "raise ValueError('\\x1b[31m<b>\\x00\\ud800]]>\\x08\\u202e')\n"
    record = mark(source)["student", "ex1"]
    text = messages(record)
    assert "ValueError" in text and not re.search("[\x00\x1b\ud800\x08\u202e]", text)
    record.to_json().encode("utf-8")


def test_what_is_missing_or_unreadable_is_said(mark):
    works = {
        "ex1": Work("ex1", problem="There is no file ex1.py; hand it in.", missing=True),
        "ex2": Work("ex2", "ex2.py", problem="ex2.py is not UTF-8 text."),
        "ex3": Work("ex3", "ex3.py", CORRECT["ex3"]),
    }
    records = mark(Submission("student", "student", works))
    assert records["student", "ex1"].outcome is Outcome.NOT_ATTEMPTED
    assert records["student", "ex2"].outcome is Outcome.ERROR
    assert "hand it in" in messages(records["student", "ex1"])
    assert records["student", "ex3"].points == 2
    assert records["student", "ex1"].max_points == 2


def test_data_differ_from_student_to_student(mark):
    """Every student's hidden data are their own, and the same every time."""
    source = HEAD + "def standardize(X):\n    raise ValueError(repr(np.sum(X)))\n"
    records = mark(submission("a", ex1=source), submission("b", ex1=source))
    said = {name: records[name, "ex1"].checks[1].message for name in ("a", "b")}
    assert said["a"] != said["b"]


def test_random_numbers_are_the_same_every_time(proven, assignment, tmp_path):
    source = HEAD + (
        "import random\n"
        "def standardize(X):\n"
        '    raise ValueError(f\'{random.random()} {np.random.rand()} {hash("text")} '
        "{list({str(n) for n in range(9)})}')\n"
    )
    said = []
    for out in ("one", "two"):
        result = grade(
            [submission("a", ex1=source)], assignment, tmp_path / out, isolation=proven, jobs=1
        )
        said.append(messages(result.records["a", "ex1"]))
    assert said[0] == said[1]


def test_without_isolation_every_record_says_so(assignment, tmp_path):
    result = grade([submission("a")], assignment, tmp_path, isolation="none", jobs=1)
    assert {record.isolation for record in result.records.values()} == {"none"}
    assert [record.points for record in result.records.values()] == [2, 2, 2]
