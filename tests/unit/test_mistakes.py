"""Mistakes are named by what they give; examples come first; a call that failed can be tried."""

from __future__ import annotations

import types

import numpy as np
import pytest
from typer.testing import CliRunner

from octlessons.cli import app
from octlessons.errors import OctlessonsError
from octlessons.exercises import Outcome, check, exercise, load_catalogue
from octlessons.exercises.examples import worked_examples
from octlessons.exercises.outcomes import CheckResult, Report, StudentError
from octlessons.exercises.plain import alike
from octlessons.exercises.student import load_student
from octlessons.testing import assert_close, fail, mistake, reference, symptom

from .test_exercises import ROOT, course, solve

__all__ = ["course", "solve"]

DARK = "dark-part"
BRIGHTEST = """
import numpy as np
from sklearn.cluster import KMeans

def dark_share(picture, k, seed):
    model = KMeans(k, n_init=10, random_state=seed).fit(picture.reshape(-1, 1))
    return np.mean(model.labels_ == model.cluster_centers_.argmax())
"""


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def checks():
    """A check file of two results, with mistakes in either."""

    @reference("f")
    def right(x):
        return sum(x), max(x)

    @mistake("f")
    def the_mean(x):
        """This is the mean: take the sum."""
        return np.mean(x), ...

    @mistake("f")
    def smallest(x):
        """This is the smallest."""
        return ..., min(x)

    @mistake("f")
    def first(x):
        """This is the first."""
        return ..., x[0]

    @mistake("f")
    def stops(x):
        """There is no place of that number."""
        return x[len(x)]

    @symptom("f")
    def negative(found, x):
        """A sum of these
        cannot be negative.
        """
        return found[0] < 0

    module = types.ModuleType("checks")
    vars(module).update(a=right, b=the_mean, c=smallest, d=first, e=stops, f=negative)
    return module


def made(source, module):
    work = load_student(f"def f(x):\n    {source}", "work.py", 5)
    work.known = module
    return work


@pytest.mark.parametrize(
    ("source", "x", "words"),
    [
        ("return sum(x) / len(x), max(x)", [1, 2, 4], "This is the mean: take the sum."),
        ("return [sum(x) / len(x), 99]", [1, 2, 4], "take the sum"),  # a second mistake beside it
        ("return sum(x), min(x)", [1, 4, 0], "the smallest"),
        ("return -sum(x), max(x)", [1, 2, 4], "A sum of these cannot be negative."),
        ("return 17, 17", [1, 2, 4], "Only what is wanted."),
        ("return sum(x) / len(x), 5", [4], "Only what is wanted."),  # there the mean is right
        ("return None", [4], "Is there a `return`"),
    ],
)
def test_the_mistake_that_explains_the_result_is_named(checks, source, x, words):
    student = made(source, checks)
    with pytest.raises(AssertionError, match="gives") as caught:
        assert_close(
            student, student.f(x), (float(sum(x)), float(max(x))), because="Only what is wanted."
        )
    assert str(caught.value).split("\n")[1].startswith(words) or words in str(caught.value)


def test_of_two_mistakes_the_one_that_explains_the_calls_before(checks):
    student = made("return sum(x), x[0]", checks)
    student.f([3, 1])  # the first, not the smallest
    student.f([1, 4])  # both
    with pytest.raises(AssertionError, match="This is the first"):
        fail(student, "gives that", "something else")


def test_a_mistake_that_stops_in_the_same_way_is_named(course, solve):
    solve("rows-and-columns", "def width_and_height(s):\n    return s.shape[::-1]\n\n\n"
          "def value_at(s, a, b):\n    return s[a, b]\n")  # fmt: skip
    said = str(check("rows-and-columns"))
    assert "stopped with IndexError" in said and "the row, is the first index" in said


def test_mistakes_are_named_in_a_run_and_once(course, solve):
    solve(DARK, BRIGHTEST)
    report = check(DARK)
    assert report.outcome is Outcome.FAILED
    assert str(report).count("This is the brightest cluster") == 1
    assert report.results[0].title == "The example in the docstring of `dark_share`."
    assert (report.results[0].outcome, report.results[0].max_points) == (Outcome.FAILED, 0)
    assert "gives 0.375. Expected: 0.625." in report.results[0].message


def test_examples_take_lists_for_arrays_and_other_names_of_parameters():
    stub = (ROOT / "exercises/03-k-means-on-pixels/one-round-on-paper.py").read_text("utf-8")
    source = (
        ROOT / "tests/right_answers/03-k-means-on-pixels/one-round-on-paper/loops.py"
    ).read_text()
    (_, example), *rest = worked_examples(stub)
    example(load_student(source, "loops.py", 5))
    assert not rest
    with pytest.raises(AssertionError, match="Expected:"):
        example(load_student("def one_round(p, c):\n    return [0], [1], 2", "w.py", 5))


@pytest.mark.parametrize(
    ("found", "wanted", "right"),
    [
        ([1, 2.0], (1, 2), True),
        (np.float32([0.1]), np.array([0.1]), True),
        ([[1], [2, 3]], np.ones((2, 2)), False),
        ({"a": [1]}, {"a": np.array([1])}, True),
        ("1", 1, False),
        (None, 0, False),
        (10**400, 1.0, False),
        (["a", "b"], np.array(["a", "b"]), True),
        (float("nan"), float("nan"), True),
    ],
)
def test_results_are_alike_by_their_values(found, wanted, right):
    assert alike(found, wanted) is right


def test_the_call_that_failed_can_be_repeated(course, solve):
    entry = solve(DARK, BRIGHTEST)
    result = run("check", DARK, "--show")
    assert result.exit_code == 1
    code = result.output.split("run the file:\n\n")[1]
    assert code.startswith("import numpy as np\nprint(dark_share(np.array([[0, 2, 1, 200]")
    solve(
        DARK, BRIGHTEST.replace("argmax", "argmin").replace("return np", "return (k == 2) and np")
    )
    case = check(DARK, show=True).first_problem.case
    assert "given = np.load(" in case
    names = {}
    exec(entry.stub.read_text("utf-8") + "\nshown = []\nprint = shown.append\n" + case, names)
    assert names["shown"] == [False] and "# expected: 0." in case
    assert case.count("\n") <= 4
    assert not check(DARK).first_problem.case


def test_a_raise_that_was_left_over_is_named(course, solve):
    stub = course[DARK].stub.read_text("utf-8")
    marker = "    # TODO: "
    above, below = stub.replace(marker, "    n = 3\n" + marker), stub.rstrip() + "\n    return 3\n"
    for text in (above, below):
        solve(DARK, text)
        report = check(DARK)
        assert report.outcome is Outcome.ERROR, report
        assert "is written, but line" in report.first_problem.message
    solve(DARK, stub.replace("Find how", "Find out how"))  # nothing but words
    assert check(DARK).outcome is Outcome.NOT_ATTEMPTED
    with pytest.raises(StudentError, match=r"`exit\(\)` or `quit\(\)` was called"):
        load_student("quit()", "w.py", 5)


def test_one_function_of_two_is_a_failure_not_a_beginning(course, solve):
    solve("rows-and-columns", "def width_and_height(s):\n    return s.shape[1], s.shape[0]\n")
    report = check("rows-and-columns")
    assert report.outcome is Outcome.FAILED and report.points == 1


def test_one_time_out_ends_the_exercise(course, solve):
    solve(DARK, "def dark_share(image, k, seed):\n    while True:\n        pass\n")
    report = check(DARK, seconds=0.5)
    assert {result.outcome for result in report.results} == {Outcome.TIMED_OUT}
    assert report.seconds < 10 and str(report).count("did not come back") == 1
    assert str(report).count("Not tried") == 1


def test_names_with_a_path_are_understood(course, solve, tmp_path):
    entry = solve(DARK)
    for name in (f"{DARK}.py", str(entry.stub), "dark_part", f"{DARK}.ipynb"):
        assert course[name] == entry
    assert run("check", str(entry.stub)).exit_code == 0
    mine = tmp_path / f"{DARK}.py"
    mine.write_text(BRIGHTEST)
    assert (
        run("check", str(mine)).exit_code == 1
    )  # the file that was named, not the one in the course
    with pytest.raises(OctlessonsError) as caught:
        course["nonsense"]
    assert "Did you mean" not in str(caught.value)


def test_what_is_shown_where_nothing_can_be_remembered(course):
    (course.root / "exercises" / ".progress.json").mkdir()
    said = run("hint", DARK).output
    assert "Hint 1 of 3" in said and f"octlessons hint {DARK} 2" in " ".join(said.split())
    assert "Hint 2 of 3" in run("hint", DARK, "2").output


def test_folders_with_blanks_can_be_pasted(course, tmp_path):
    assert f"cd '{tmp_path / 'my course'}'" in "".join(
        run("start", str(tmp_path / "my course")).output
    )


def test_solutions_show_no_marks_of_their_authors(course):
    for entry in course:
        text = exercise(entry.id).solution(tutor=True)
        assert "# same:" not in text and "# solution" not in text and "end of solution" not in text


def test_solutions_in_a_folder_of_ones_own_are_those_of_the_checkout(
    course, solve, monkeypatch, tmp_path
):
    run("start", str(tmp_path / "mine"))
    monkeypatch.setenv("OCTLESSONS_COURSE", str(tmp_path / "mine"))
    entry = load_catalogue()[DARK]
    entry.stub.write_text(course[DARK].solution.read_text("utf-8"), "utf-8")
    assert run("check", DARK).exit_code == 0
    assert "cluster_centers_" in run("solution", DARK).output


def test_what_comes_after_is_told_to_whom_has_passed(course, solve):
    name = "split-by-patient"
    assert "After passing" not in run("check", name).output
    solve(name)
    after = " ".join(run("check", name).output.split())
    assert "After passing: " in after and course[name].after[:40] in after


def test_a_partly_missing_result_is_shown_as_the_docstring_has_it(checks):
    student = made("return {'DME': [2, 3]}", checks)
    with pytest.raises(AssertionError, match=r"gives \[2, 3\] for 'DME'. Expected: \(3, 2\)"):
        assert_close(student, student.f([1]), {"DME": (3, 2)})


def test_what_was_said_before_is_not_said_again():
    came = "f(1) gives 2. Expected: 3.", "f(2) gives 3. Expected: 4."
    results = [CheckResult("a", "b", Outcome.FAILED, f"{text}\nAdd one.") for text in came]
    said = str(Report("x", tuple(results)))
    assert all(text in said for text in came) and said.count("Add one.") == 1
