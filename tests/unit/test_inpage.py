"""What the page's Python does, in an ordinary Python."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from octlessons.exercises import inpage, load_catalogue
from octlessons.exercises.inpage import imports, run, runs_in_page
from octlessons.exercises.pagecells import Cells, needed_before, only, runs_here, steps
from octlessons.exercises.source import read_source
from tests.authoring.answers import told, wrong_answers

CATALOGUE = load_catalogue()


def ran(source: str, **more):
    return json.loads(run(source, **more))


# Running


def test_the_last_line_shows_its_value_and_print_prints():
    found = ran("print('a')\nx = 2\nx + 1")
    assert (found["printed"], found["shown"], found["problem"]) == ("a\n", "3", None)
    assert ran("x = 1")["shown"] == ran("None")["shown"] == ran("")["shown"] == ""


def test_what_is_printed_is_told_at_once():
    heard = []
    run("print('one')\nprint('two')", tell=heard.append)
    assert "".join(heard) == "one\ntwo\n"


def test_names_stay_where_they_are_shared():
    names: dict = {}
    run("a = 5", names=names)
    assert ran("a * 2", names=names)["shown"] == "10"
    assert ran("a")["problem"]["what"].startswith("NameError")


def test_an_error_shows_the_readers_own_lines():
    found = ran("import json\n\ndef read(text):\n    return json.loads(text)\n\nread('{')")
    assert found["problem"]["what"].startswith("json.decoder.JSONDecodeError")
    lines = [(line["number"], line["where"]) for line in found["problem"]["lines"]]
    assert lines == [(6, "<module>"), (4, "read")]


def test_a_slip_in_a_name_is_recognised():
    problem = ran("images = 1\nimgaes")["problem"]
    assert problem["what"].startswith("NameError: name 'imgaes'") and "spelt" in problem["advice"]
    if sys.version_info >= (3, 12):  # as in the page
        assert "Did you mean: 'images'?" in problem["what"]


@pytest.mark.parametrize("source", ["x = (1,\n", "def f(:\n    pass", "  x = 1\n y = 2"])
def test_code_that_is_no_python_names_the_line(source):
    problem = ran(source)["problem"]
    assert "Error: " in problem["what"] and problem["lines"][0]["number"] >= 1


@pytest.mark.parametrize(
    "source", ["raise SystemExit", "input('name? ')", "raise KeyboardInterrupt"]
)
def test_nothing_ends_the_page(source):
    assert ran(source)["problem"] is not None


def test_what_is_missing_is_wanted():
    code = (
        "from octlessons.exercises import inpage\n"
        "inpage.start()\n"
        "print(inpage.run('import json, no_such_library'), inpage.run('1'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert '"wanted": ["no_such_library"]' in done.stdout
    assert done.stdout.rstrip().endswith('"wanted": []}')


def test_long_values_are_cut():
    assert len(ran("'x' * 100_000")["shown"]) < 5_000


# Integers of 32 bits


def test_counting_takes_wide_integers():
    def narrow(values, repeats=None):
        if any(getattr(v, "dtype", None) == np.int64 for v in (values, repeats)):
            raise TypeError
        return values if repeats is None else repeats

    wide = np.arange(3, dtype=np.int64)
    as_platform = inpage._counting(narrow, 1)
    if np.dtype(np.intp) == np.int64:
        pytest.skip("integers have 64 bits here: tests/book/test_live.py tries it in a page")
    assert as_platform([1], wide).dtype == np.intp


# Exercises


@pytest.mark.parametrize("name", ["rows-and-columns", "what-the-site-knows"])
def test_an_answer_gets_what_it_gets_elsewhere(name):
    exercise, heard = CATALOGUE[name], []
    found = json.loads(inpage.check(name, read_source(exercise.solution), heard.append))
    assert found["outcome"] == "passed" and found["points"] == exercise.points
    assert heard == [result["title"] for result in found["results"]]
    wrong = wrong_answers(exercise)[0]
    found = json.loads(inpage.check(name, read_source(wrong)))
    said = " ".join(" ".join(r["message"] for r in found["results"]).split())
    assert found["outcome"] != "passed"
    assert any(part.strip() in said for part in told(wrong).split("|"))


def test_work_that_does_not_run_is_told_in_every_check():
    found = json.loads(inpage.check("rows-and-columns", "1 / 0"))
    assert {result["outcome"] for result in found["results"]} == {"error"}
    assert "ZeroDivisionError" in found["results"][0]["message"]


def test_which_exercises_a_page_can_check():
    assert [e.id for e in CATALOGUE if not runs_in_page(e)] == ["what-a-turn-costs"]


def test_imports_are_read_and_never_run():
    assert imports("import a.b, c\nfrom d.e import f\ndef g():\n    import h") == [
        "a",
        "c",
        "d",
        "h",
    ]
    assert imports("not python at all") == []


# Cells

CELLS = [
    "import numpy as np\nslow = np.ones(1)\nquick = 2",
    "text",
    "def twice(x):\n    return 2 * x + offset\n\noffset = 1",
    "rows = []\nfor i in range(3):\n    rows.append(i)\nquick = 3",
    "twice(quick)",
    "len(rows)",
]


def before(index: int, cells=CELLS) -> dict[int, str]:
    return {i: only(cells[i], s).strip() for i, s in needed_before(cells, index).items()}


def test_only_the_statements_that_matter_come_before():
    assert before(4) == {2: CELLS[2], 3: "quick = 3"}
    assert before(5) == {3: "rows = []\nfor i in range(3):\n    rows.append(i)"}
    assert before(0) == before(2) == {}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a = [1]", "a[0] = 2"),
        ("a = {}", "a.update(b=1)"),
        ("a = 1", "a += 1"),
        ("a = 1", "if True:\n    a = 2"),
        ("class A: pass\na = A()", "a.b = 1"),
    ],
)
def test_a_name_that_is_changed_needs_its_maker_and_its_changer(first, second):
    assert before(2, [first, second, "a"]) == {0: first, 1: second}


def test_names_inside_functions_and_loops_are_their_own():
    cells = [
        "i = x = row = 1",
        "def f(x):\n    return x\nfor i in range(3):\n    row = f(i)\n    row",
    ]
    assert before(1, cells) == {}


def test_names_of_comprehensions_are_their_own():
    cells = ["name = share = 1\nrows = [2]", "text = {name: share for name, share in rows}\ntext"]
    assert before(1, cells) == {0: "rows = [2]"}
    cells = ["x = k = 1", "f = lambda x: [x * k for x in range(x)]\nf(2)"]
    assert before(1, cells) == {0: "x = k = 1"}


def test_a_bare_call_sets_up_what_shows():
    cells = ["from figures import show, use_style\n\nuse_style()", "show(1)"]
    assert before(1, cells) == {0: cells[0]}


def test_statements_keep_their_lines():
    kept = only(CELLS[3], steps(CELLS[3])[2:])
    assert kept.splitlines() == ["", "", "", "quick = 3"]


def test_cells_run_after_what_they_need_and_again_after_a_change():
    cells, notes, sources = Cells(), [], list(CELLS)

    def answer(index):
        notes.clear()
        return json.loads(cells.run(json.dumps(sources), index, lambda _: None, notes.append))

    assert answer(4)["shown"] == "7" and len(notes) == 3
    assert "slow" not in cells.names
    assert answer(4)["shown"] == "7" and notes == ["Running"]
    sources[2] = CELLS[2].replace("offset = 1", "offset = 2")
    assert answer(4)["shown"] == "8"
    sources[3] = "quick = 10"
    assert answer(3)["problem"] is None
    assert answer(4)["shown"] == "22"


def test_a_problem_in_an_earlier_cell_is_told_as_that():
    cells = json.dumps(["a = 1 / 0", "a"])
    found = json.loads(Cells().run(cells, 1, lambda _: None, lambda _: None))
    assert found["cell"] == 0 and found["problem"]["what"].startswith("ZeroDivisionError")


def test_figures_are_caught_with_their_text():
    code = (
        "from octlessons.exercises import inpage\n"
        "from octlessons.exercises.pagecells import Cells\n"
        "import json\n"
        "inpage.start()\n"
        "cell = 'import matplotlib.pyplot as plt\\nfrom octlessons.figures import show\\n'\n"
        "cell += 'fig, ax = plt.subplots()\\nax.plot([1, 2])\\nshow(fig, alt=\"A line.\")'\n"
        "found = json.loads(Cells().run(json.dumps([cell]), 0, print, print))\n"
        "assert found['problem'] is None, found\n"
        "one, = found['displayed']\n"
        "print(one['alt'], len(one['light']) > 1000, one['light'] != one['dark'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "A line. True True", done.stderr


def test_cells_that_need_a_network_are_not_offered():
    cells = ["from octlessons.images.measurements import measure", "measure(1)", "2 + 2"]
    assert [runs_here(cells, i) for i in range(3)] == [True, False, True]
    assert not runs_here(["import torch\ntorch"], 0)
