"""The exercise loop: reading work, checking, hints, solutions, watching, resetting."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from octlessons.cli import app
from octlessons.errors import OctlessonsError
from octlessons.exercises import Outcome, check, exercise, load_catalogue, variant_rng
from octlessons.exercises.outcomes import (
    CheckResult,
    NotAttempted,
    Report,
    StudentError,
    TimedOut,
)
from octlessons.exercises.plain import NotPlain, copied
from octlessons.exercises.progress import Progress
from octlessons.exercises.source import notebook_source, python_source, read_source
from octlessons.exercises.stubs import cut, drift
from octlessons.exercises.student import load_student
from octlessons.exercises.watching import Watcher

ROOT = Path(__file__).resolve().parents[2]
ID = "split-by-patient"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A copy of the course that may be edited, with two exercises."""
    root = tmp_path / "course"
    skip = shutil.ignore_patterns("__pycache__", ".progress.json", "*.bak")
    for name in ("exercises", "solutions", "tests/exercises"):
        shutil.copytree(ROOT / name, root / name, ignore=skip)
    monkeypatch.setenv("OCTLESSONS_COURSE", str(root))
    monkeypatch.chdir(root)
    return load_catalogue()


@pytest.fixture
def solve(course):
    """Write a solution into the student's file."""

    def write(name, source=None):
        entry = course[name]
        entry.stub.write_text(source or entry.solution.read_text("utf-8"), "utf-8")
        return entry

    return write


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


# ---------------------------------------------------------------------- reading work


def test_notebooks_are_read_as_data():
    cells = [
        {"cell_type": "markdown", "source": ["# not code"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!rm -rf x\n", "x = 1\n", "x?"]},
        {"cell_type": "code", "source": "%%bash\nrm -rf y"},
        {"cell_type": "code", "source": "apart()", "metadata": {"tags": ["apart"]}},
        {"cell_type": "code", "source": "if x:\n    %time y = 2\n", "outputs": [{"data": "z"}]},
    ]
    source = notebook_source(json.dumps({"cells": cells}).encode(), "n.ipynb")
    assert "rm -rf" not in source and "apart" not in source
    namespace = {}
    exec(source, namespace)
    assert namespace["x"] == 1


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"cells": 3}', b'{"cells": [{}]}', b"\xff\xfe"]
)
def test_what_is_no_notebook_is_a_sentence(data):
    with pytest.raises(OctlessonsError, match=r"w\.ipynb is not a valid notebook"):
        notebook_source(data, "w.ipynb")


def test_python_in_any_encoding():
    text = "s = 'é'\n"
    for data in (
        text.encode(),
        b"\xef\xbb\xbf" + text.encode(),
        text.replace("\n", "\r\n").encode(),
        ("# -*- coding: latin-1 -*-\n" + text).encode("latin-1"),
    ):
        assert python_source(data, "f.py").endswith("s = 'é'\n")
    with pytest.raises(OctlessonsError, match="zero bytes"):
        python_source("s".encode("utf-16"), "f.py")
    with pytest.raises(OctlessonsError, match="Save it as UTF-8"):
        python_source(b"s = '\xe9'\n", "f.py")


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(OctlessonsError, match=r"gone\.py cannot be read"):
        read_source(tmp_path / "gone.py")


# ---------------------------------------------------------------------- calling


def student(source, seconds=5):
    return load_student(source, "work.py", seconds)


def test_functions_get_copies_and_give_plain_data():
    made = student(
        "import numpy as np\ndef f(x):\n    x[0] = 9\n    return {'a': (np.float32(1), x)}"
    )
    x = np.arange(3)
    result = made.f(x)
    assert x[0] == 0 and made.last_call.after[0][0][0] == 9
    assert type(result["a"][0]) is float and result["a"][1].tolist() == [9, 1, 2]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("raise NotImplementedError('later')", NotAttempted, "later"),
        ("return 1 / 0", StudentError, r"ZeroDivisionError(.|\n)*line 2, in f:\n *return 1 / 0"),
        ("while True: pass", TimedOut, "did not come back within"),
        ("return open", StudentError, "is a function; call it"),
        ("return (i for i in x)", StudentError, "is a generator; return a list"),
        ("import numpy as np; return np.array([None])", StudentError, "array of dtype object"),
        ("exit(0)", StudentError, "SystemExit"),
        ("return input('?')", StudentError, "EOFError|OSError"),
    ],
)
def test_calls_that_go_wrong_are_explained(body, kind, words):
    made = student(f"def f(x):\n    {body}", seconds=0.3)
    with pytest.raises(kind, match=words):
        made.f([1])


def test_files_that_do_not_run_are_explained():
    with pytest.raises(StudentError, match=r"not valid Python \(SyntaxError\): .*line 2"):
        student("x = 1\ndef f(:\n")
    with pytest.raises(StudentError, match=r"NameError(.|\n)*line 1"):
        student("print(nothing)")
    with pytest.raises(TimedOut, match="loop outside the functions"):
        student("while True: pass", 0.2)
    with pytest.raises(NotAttempted, match=r"no function `f` in work\.py"):
        _ = student("g = 1").f
    with pytest.raises(StudentError, match=r"`f` in work\.py is an int, not a function"):
        _ = student("f = 1").f


def test_an_interrupt_of_ones_own_is_not_a_timeout():
    with pytest.raises(KeyboardInterrupt):
        student("def f():\n    raise KeyboardInterrupt").f()


def test_plain_data_has_limits():
    deep = []
    for _ in range(30):
        deep = [deep]
    with pytest.raises(NotPlain, match="nested more than"):
        copied(deep)
    with pytest.raises(NotPlain, match="masked"):
        copied(np.ma.array([1], mask=[True]))
    assert copied(np.array(3.5)) == 3.5 and type(copied(np.int64(3))) is int
    assert copied(np.bool_(True)) is True and copied(np.array(False)) is False


# ---------------------------------------------------------------------- the loop


def test_check_begins_not_attempted_and_ends_passed(course, solve):
    assert check(ID).outcome is Outcome.NOT_ATTEMPTED
    entry = solve(ID)
    report = check(ID)
    assert report.outcome is Outcome.PASSED and report.points == entry.points
    assert "✓" in str(report) and "passed" in report._repr_html_()
    solve(ID, "def split_patients(p, t, s):\n    print('hello')\n    return p == p")
    report = check(ID)
    assert report.outcome is Outcome.FAILED and 0 < report.points < entry.points
    assert "Expected:" in str(report) and "hello" in report.printed
    solve(ID, "def split_patients(p, t, s):\n    return <b>")
    report = check(ID)
    assert report.outcome is Outcome.ERROR and "line 2" in report.first_problem.message
    assert "<b>" not in report._repr_html_()


def test_the_notebook_counts_where_only_it_was_edited(course):
    entry = course[ID]
    notebook = json.loads(entry.notebook.read_text("utf-8"))
    solution = entry.solution.read_text("utf-8")
    notebook["cells"][2]["source"] = solution.splitlines(keepends=True)
    entry.notebook.write_text(json.dumps(notebook), "utf-8")
    assert check(ID).outcome is Outcome.PASSED


def test_in_a_notebook(course):
    here = exercise(ID)
    namespace = {}
    assert here.check(namespace).outcome is Outcome.NOT_ATTEMPTED
    assert "Hint 1 of" in here.hint() and "Hint 2 of" in here.hint() and "Hint 1 of" in here.hint(1)
    with pytest.raises(OctlessonsError, match="after you have passed"):
        here.solution()
    assert "def split_patients" in here.solution(tutor=True)
    exec(course[ID].solution.read_text("utf-8"), namespace)
    assert here.check(namespace).outcome is Outcome.PASSED
    shown = exercise(ID).solution()
    assert "np.isin" in shown and "end of solution" not in shown
    assert "not passed" not in repr(exercise(ID)) and "<pre>" in shown._repr_html_()


def test_unknown_exercises_are_answered_with_near_ones(course):
    with pytest.raises(OctlessonsError, match=f"Did you mean {ID}"):
        exercise("split-patient")


def test_progress_survives_and_damage_to_it_does_no_harm(course, solve):
    solve(ID)
    assert run("check", ID).exit_code == 0
    path = course.root / "exercises" / ".progress.json"
    assert json.loads(path.read_text())["passed"] == [ID]
    path.write_text("{]")
    assert "not passed yet" in repr(exercise(ID))
    assert run("check", ID).exit_code == 0 and "✓" in run("check", "--list").output


def test_commands(course, solve, tmp_path):
    result = run("check")
    assert result.exit_code == 0 and "None of the" in result.output
    assert run("check", ID).exit_code == 1
    assert "Hint 1 of" in run("hint", ID).output
    assert "Hint 2 of" in run("hint", ID).output
    result = run("solution", ID)
    assert result.exit_code == 1 and "after you have passed" in result.output
    assert "Traceback" not in result.output
    assert "def split_patients" in run("solution", ID, "--tutor").output
    answer = tmp_path / "mine.py"
    shutil.copy(course[ID].solution, answer)
    assert run("check", ID, "--file", str(answer), "--student", "ada").exit_code == 0
    result = run("check", "--file", str(answer))
    assert result.exit_code == 1 and "--file goes with one exercise" in result.output
    solve(ID)
    result = run("check")
    assert result.exit_code == 0 and ID in result.output
    assert run("reset", ID).exit_code == 0
    assert course[ID].stub.with_name(f"{ID}.py.bak").is_file()
    assert run("check", ID).exit_code == 1


def test_every_version_that_is_put_away_is_kept(course, solve, monkeypatch, tmp_path):
    for text in ("first = 1\n", "second = 2\n", "third = 3\n"):
        solve(ID, text)
        assert run("reset", ID).exit_code == 0
    kept = sorted(path.read_text() for path in course[ID].stub.parent.glob(f"{ID}.py*.bak"))
    assert kept == ["first = 1\n", "second = 2\n", "third = 3\n"]
    run("start", str(tmp_path / "mine"))  # a folder without solutions
    monkeypatch.setenv("OCTLESSONS_COURSE", str(tmp_path / "mine"))
    stub = load_catalogue()[ID].stub
    given = stub.read_text("utf-8")
    stub.unlink()
    assert run("reset", ID).exit_code == 0 and stub.read_text("utf-8") == given


def test_two_terminals_lose_no_tick_and_no_hint(course):
    here, there = Progress(course.root), Progress(course.root)
    first, second = list(course)[:2]
    here.next_hint(first)
    there.record(Report(second.id, (CheckResult("a", "b", Outcome.PASSED),)))
    here.record(Report(first.id, (CheckResult("a", "b", Outcome.PASSED),)))
    again = Progress(course.root)
    assert again.has_passed(first) and again.has_passed(second)
    assert again.next_hint(first)[0] == 2


def test_start_copies_what_a_student_needs_and_no_solution(course, tmp_path, monkeypatch):
    result = run("start", str(tmp_path / "mine"))
    assert result.exit_code == 0, result.output
    files = [path for path in (tmp_path / "mine").rglob("*") if path.is_file()]
    assert not [path for path in files if "# solution:" in path.read_text("utf-8")]
    assert run("start", str(tmp_path / "mine")).exit_code == 1
    monkeypatch.setenv("OCTLESSONS_COURSE", str(tmp_path / "mine"))
    assert check(ID).outcome is Outcome.NOT_ATTEMPTED


def test_watching(course, solve, tmp_path):
    steps = iter([
        lambda: None,
        lambda: solve(ID, "def split_patients(p, t, s):\n    return 1"),
        lambda: "h",
        lambda: "l",
        lambda: solve(ID) and None,
        lambda: "n",
        lambda: ID,
        lambda: "r",
        lambda: "nonsense",
        lambda: "q",
    ])  # fmt: skip

    def commands(seconds):
        result = next(steps)()
        return result if isinstance(result, str) else None

    out = io.StringIO()
    Watcher(course, Console(file=out, width=100), commands, start=ID).run()
    text = out.getvalue()
    states = (
        "not attempted",
        "Expected: an array",
        "Hint 1 of",
        f"→    2  {ID}",
        f"{ID}: passed",
        "Put back",
    )
    places = [text.index(state) for state in states]
    assert places == sorted(places), text
    assert f"1 of {len(course)} passed" in text and "quit" in text
    assert course[ID].stub.with_name(f"{ID}.py.bak").is_file()


def test_drift_is_noticed(course, solve):
    assert drift(course) == []
    solve(ID)
    (course.root / "exercises" / "stray.py").write_text("")
    (course.root / "solutions" / "02-meet-the-data-set" / "other.py").write_text("")
    assert len(drift(course)) == 3


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f():\n    return 1\n", "no `# solution:` mark"),
        ("def f():\n    # solution: a\n    return 1\n", "has no `# end of solution`"),
        ("def f():\n    # end of solution\n    return 1\n", "did not begin"),
        ("# solution: a\nx = 1\n# end of solution\n", "stands in a function"),
        (
            "def f():\n    # solution: a\n    # solution: b\n    # end of solution\n    x = 1",
            "inside",
        ),
    ],
)
def test_marks_that_do_not_fit_are_refused(source, words):
    with pytest.raises(OctlessonsError, match=words):
        cut(source, "s.py")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("minutes = 5", "minutes = 95"), "takes 95 minutes"),
        (("minutes = 5\n", ""), "lacks minutes"),
        (('needs = "core"', 'needs = "gpu"'), "needs 'gpu'"),
        (('id = "split-by-patient"', 'id = "Split"'), "small letters"),
        (('id = "split-by-patient"', 'id = "dark-part"'), "more than once"),
        (("[[exercise]]", "[[exercise"), "not valid TOML"),
        (("points = 5", "points = 5\ncolour = 1"), "unknown keys: colour"),
    ],
)
def test_mistakes_in_the_catalogue_are_named(course, change, words):
    path = course.root / "exercises" / "catalogue.toml"
    path.write_text(path.read_text("utf-8").replace(*change, 1), "utf-8")
    with pytest.raises(OctlessonsError, match=words):
        load_catalogue()


def test_neighbours_get_other_numbers():
    def draw(*who):
        return variant_rng(*who).random(3).tolist()

    assert draw("a", "ada") == draw("a", " Ada ") != draw("a", "bob")
    assert draw("a", "ada") != draw("b", "ada")
    assert variant_rng("a", "ada", key="k").random() != variant_rng("a", "ada").random()
    # the same on every machine and in every version
    assert variant_rng("dark-part", "ada").integers(1000, size=3).tolist() == [540, 36, 652]
