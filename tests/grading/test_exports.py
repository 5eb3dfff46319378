"""Results as files: safe, silent about hidden checks, and never a zero without a mark."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup

from octlessons.exercises.outcomes import Outcome
from octlessons.grading.exports import (
    UNSAFE,
    Place,
    classroom50_result,
    gradescope_results,
    view_of,
    write_results,
    write_student,
)
from octlessons.grading.exports.overview import distribution, mistakes, without_numbers
from octlessons.grading.exports.page import student_html
from octlessons.grading.exports.writing import csv_text, harmless
from octlessons.grading.late import LatePolicy
from tests.grading.classes import (
    DARK,
    DUE,
    HOSTILE,
    LATE,
    PAIRS,
    SECRETS,
    Assignment,
    Result,
    Task,
    hidden,
    hostile_class,
    record,
    shown,
    small_class,
    submission,
)

STUDENT_FILES = ("index.html", "result.json", "gradescope.json", "classroom50.json", "junit.xml")


def table(path: Path) -> list[list[str]]:
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def rows(path: Path) -> list[dict[str, str]]:
    header, *lines = table(path)
    return [dict(zip(header, line, strict=True)) for line in lines]


def student(out: Path, slug: str, name: str):
    text = (out / "students" / slug / name).read_text("utf-8")
    return json.loads(text) if name.endswith(".json") else text


def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def words(soup) -> str:
    return " ".join(soup.get_text(" ").split())


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write_results(small_class(), folder)
    return folder


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write_results(hostile_class(), folder)
    return folder


def test_every_file_is_written_and_named(tmp_path):
    written = write_results(small_class(), tmp_path)
    there = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert sorted(written) == there
    assert {path.name for path in written if path.parent == tmp_path} == {
        "grades.csv",
        "moodle.csv",
        "canvas.csv",
        "junit.xml",
        "overview.html",
    }
    assert {path.name for path in (tmp_path / "students" / "bo").iterdir()} == set(STUDENT_FILES)


def test_two_runs_give_the_same_bytes(out, tmp_path):
    base = small_class()
    turned = replace(
        base,
        submissions=tuple(reversed(base.submissions)),
        records=dict(reversed(base.records.items())),
        timings={},
    )
    write_results(turned, tmp_path)
    for path in sorted(out.rglob("*")):
        if path.is_file() and path.name != "overview.html":
            assert path.read_bytes() == (tmp_path / path.relative_to(out)).read_bytes(), path


def test_hidden_checks_leak_into_no_file_but_the_overview(out, hostile):
    for folder in (out, hostile):
        for path in folder.rglob("*"):
            if path.is_file() and path.name not in ("overview.html", "grades.csv"):
                text = path.read_text("utf-8")
                assert not [secret for secret in SECRETS if secret in text], path
    # The reason of a missing mark is the tutor's; what hidden checks hold is not even there.
    grades = (out / "grades.csv").read_text("utf-8")
    assert [secret for secret in SECRETS if secret in grades] == ["SECRET-REASON"]


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.PASSED])
@pytest.mark.parametrize("public", [Outcome.PASSED, Outcome.NOT_ATTEMPTED])
def test_how_a_hidden_check_failed_does_not_show(outcome, public, tmp_path):
    """Failed, slow, stopped: all the same bytes for the student."""
    files = []
    for folder, found in (("one", outcome), ("two", Outcome.FAILED)):
        base = small_class()
        key = ("bo", DARK.id)
        records = base.records | {key: record("bo", DARK, shown(public), hidden(found))}
        written = write_student(
            replace(base, records=records), base.submissions[1], tmp_path / folder
        )
        files.append([path.read_bytes() for path in written])
    assert files[0] == files[1]


def test_students_see_whether_hidden_checks_passed(out):
    text = words(page(out / "students" / "bo" / "index.html"))
    assert "Passed: Hidden check 1 1 of 1 point" in text
    assert "Not passed: Hidden check 2 0 of 1 point" in text
    checks = student(out, "bo", "result.json")["exercises"][0]["checks"]
    assert [(c["title"], c["outcome"], c["message"]) for c in checks if c["hidden"]] == [
        ("Hidden check 1", "passed", ""),
        ("Hidden check 2", "not passed", ""),
    ]


def test_no_mark_is_never_a_zero(out):
    cy = next(row for row in rows(out / "grades.csv") if row["student"] == "cy@example.org")
    assert (cy[DARK.id], cy["total"], cy["penalty"], cy["final"]) == ("", "", "", "")
    assert (cy[PAIRS.id], cy["max"]) == ("4", "9")
    assert "no mark for dark-part" in cy["note"] and "sandbox did not start" in cy["note"]

    moodle = next(row for row in rows(out / "moodle.csv") if row["Full name"] == "Cy Öz")
    assert moodle["Grade"] == "" and "not a zero" in moodle["Feedback comments"]
    canvas = next(row for row in rows(out / "canvas.csv") if row["Student"] == "Cy Öz")
    assert canvas["Workshop 1"] == ""

    scope = student(out, "cy", "gradescope.json")
    assert "score" not in scope and "tests" not in scope
    assert "not a zero" in scope["output"] and scope["extra_data"]["no_mark"] == [DARK.id]

    classroom = student(out, "cy", "classroom50.json")
    assert classroom["schema"] != "classroom50/result/v1"
    assert "score" not in classroom and "tests" not in classroom

    result = student(out, "cy", "result.json")
    assert (result["total"], result["final"], result["exercises"][0]["points"]) == (None,) * 3

    suite = ElementTree.fromstring(student(out, "cy", "junit.xml")).find("testsuite")
    assert (suite.get("skipped"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")

    text = words(page(out / "students" / "cy" / "index.html"))
    assert "No mark yet" in text and "This is not a zero" in text and "0 of 9" not in text
    assert "0 of 5" not in text

    text = words(page(out / "overview.html"))
    assert "Cy Öz , The dark part, whatever its number: SECRET-REASON" in text


def test_a_missing_record_is_no_mark(tmp_path):
    base = small_class()
    records = {key: value for key, value in base.records.items() if key != ("ana", PAIRS.id)}
    write_results(replace(base, records=records), tmp_path)
    ana = next(row for row in rows(tmp_path / "grades.csv") if row["student"] == "Ana Li")
    assert (ana[PAIRS.id], ana["final"]) == ("", "") and "not graded in this run" in ana["note"]


def test_maximum_of_an_exercise_that_nobody_has_marked_is_not_known(tmp_path):
    base = small_class()
    records = {
        key: replace(value, checks=(), no_mark="broken") if key[1] == DARK.id else value
        for key, value in base.records.items()
    }
    write_results(replace(base, records=records), tmp_path)
    assert {row["max"] for row in rows(tmp_path / "grades.csv")} == {""}
    assert {row["final"] for row in rows(tmp_path / "grades.csv")} == {""}
    assert student(tmp_path, "bo", "result.json")["max_points"] is None
    assert "None" not in words(page(tmp_path / "students" / "bo" / "index.html"))
    assert "None" not in words(page(tmp_path / "overview.html"))
    assert not [row for row in rows(tmp_path / "canvas.csv") if row["Workshop 1"]]


def test_grades_have_points_and_the_late_policy(out):
    people = {row["student"]: row for row in rows(out / "grades.csv")}
    assert list(people) == ["Ana Li", "Bo", "cy@example.org", "Di"]
    assert people["Ana Li"]["final"] == "9" and people["Ana Li"]["penalty"] == "0"
    bo = people["Bo"]
    assert [bo[name] for name in ("dark-part", "count-the-pairs", "total", "max")] == [
        "2",
        "0",
        "2",
        "9",
    ]
    assert (bo["late days"], bo["penalty"], bo["final"]) == ("2", "1.8", "0.2")
    assert "2 days late: 20 % of the points to be had" in bo["note"]
    assert "not known" in people["cy@example.org"]["note"]


def test_excel_reads_grades_as_utf_8(out):
    assert (out / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    for name in ("moodle.csv", "canvas.csv"):
        assert not (out / name).read_bytes().startswith(b"\xef\xbb\xbf")


def test_moodle_finds_the_columns_it_needs(out):
    ana = rows(out / "moodle.csv")[0]
    assert list(ana) == [
        "Identifier",
        "Full name",
        "Email address",
        "Grade",
        "Last modified (grade)",
        "Feedback comments",
    ]
    assert (ana["Identifier"], ana["Full name"], ana["Grade"]) == ("Participant 11", "Ana Li", "9")
    assert rows(out / "moodle.csv")[2]["Email address"] == "cy@example.org"


def test_canvas_finds_the_columns_it_needs(out):
    lines = (out / "canvas.csv").read_bytes().decode("utf-8").split("\r\n")
    assert lines[0] == "Student,ID,SIS User ID,SIS Login ID,Section,Workshop 1"
    assert lines[1] == "    Points Possible,,,,,9"
    assert lines[2] == "Ana Li,21,,,,9"
    assert lines[3] == "Bo,,,,,0.2"
    assert lines[4] == "Cy Öz,,,cy@example.org,,"


def test_canvas_takes_no_student_for_the_points_possible(hostile):
    first = [row["Student"] for row in rows(hostile / "canvas.csv")]
    assert sum("Points Possible" in name for name in first) == 1
    assert len(first) == len(HOSTILE) + 1


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\u00a0=1",
        "\u3000＝1",
        "＝1",
        "＋1",
        "－1",
        "＠A",
        "﹦1",
        "−1",
        "\u200b=1",
        '"=1',
        "|cmd",
        "\t",
    ],
)
def test_text_never_begins_a_formula(text):
    (cell,) = next(csv.reader(io.StringIO(csv_text([text], []), newline="")))
    assert cell.startswith("'")
    assert harmless(harmless(text)) == harmless(text)


def test_a_semicolon_does_not_begin_a_cell_with_a_formula():
    line = csv_text(["x;=1+1", "a;b", "c; ＝2"], [])
    assert not [cell for cell in line.split(";") if cell.strip()[:1] in "=＝"]


def test_numbers_stay_numbers():
    assert csv_text(["a", "b"], [[-1, None], [0, "Ana"]]) == "a,b\r\n-1,\r\n0,Ana\r\n"


def test_hostile_names_stay_in_their_cells(hostile):
    for name in ("grades.csv", "moodle.csv", "canvas.csv"):
        lines = table(hostile / name)
        assert len({len(line) for line in lines}) == 1
        for row in lines:
            for cell in row:
                assert cell.strip()[:1] not in ("=", "@", "+", "-") and "\n" not in cell


def test_hostile_text_is_text_in_every_page(hostile):
    pages = [*hostile.rglob("*.html")]
    assert len(pages) == len(HOSTILE) + 1
    for path in pages:
        soup = page(path)
        assert not soup.find_all(["script", "img", "iframe", "object", "form", "base", "link"])
        for tag in soup.find_all(True):
            assert not [name for name in tag.attrs if name.startswith("on")], tag
        assert "49" not in words(soup.find("h1"))
    text = words(page(hostile / "students" / "h1" / "index.html"))
    assert text.count("]]>&<script>alert(1)</script>") >= 4


def test_hostile_text_is_valid_xml_and_json(hostile):
    for path in hostile.rglob("*.xml"):
        root = ElementTree.fromstring(path.read_bytes())
        assert root.tag == "testsuites"
    for path in hostile.rglob("*.json"):
        json.loads(path.read_bytes())
    suite = ElementTree.fromstring(student(hostile, "h1", "junit.xml")).find("testsuite")
    assert suite.find("system-out").text == HOSTILE[1]
    assert suite.find("testcase/failure").text == HOSTILE[1]


def test_junit_counts_failures_errors_and_skipped(out):
    root = ElementTree.parse(out / "junit.xml").getroot()
    cases = root.findall(".//testcase")
    assert root.get("tests") == str(len(cases)) == "14"
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(kind)) == len(root.findall(f".//testcase/{tag}"))
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("4", "1", "1")
    assert not root.findall(".//system-out")
    bo = ElementTree.fromstring(student(out, "bo", "junit.xml"))
    assert bo.find(".//system-out").text == "mine <b>\n"


def test_gradescope_gets_scores_and_hides_hidden_checks(out):
    content = student(out, "bo", "gradescope.json")
    assert content["score"] == 0.2 and content["stdout_visibility"] == "hidden"
    assert "execution_time" not in content
    tests = content["tests"]
    assert sum(test["max_score"] for test in tests) == 5 + 4
    assert [test["visibility"] for test in tests] == ["visible"] * 2 + ["hidden"] * 2 + ["visible"]
    assert {test["status"] for test in tests} == {"passed", "failed"}
    assert "hidden checks: 1 of 2 passed" in content["output"]
    assert "20 % of the points to be had" in content["output"]
    assert student(out, "ana", "gradescope.json")["score"] == 9


def test_classroom50_gets_what_its_runner_asks_for():
    base = small_class()
    place = Place(
        "cs",
        "w1",
        "submit/1",
        "https://git.example/c",
        "https://git.example/r",
        moment=datetime(2026, 12, 1, 13, tzinfo=UTC),
    )
    content = classroom50_result(view_of(base, base.submissions[1]), place)
    assert content["schema"] == "classroom50/result/v1"
    assert (content["classroom"], content["assignment"]) == ("cs", "w1")
    assert content["review"] == content["commit"] == "https://git.example/c"
    assert content["datetime"] == "2026-12-01T13:00:00Z"
    assert type(content["score"]) is int and content["score"] == 2 and content["max-score"] == 9
    for key in ("score", "max-score"):
        assert sum(test[key] for test in content["tests"]) == content[key]
    names = [test["test-name"] for test in content["tests"]]
    assert len(set(names)) == len(names)
    assert all(
        set(test) == {"test-name", "passed", "score", "max-score"} for test in content["tests"]
    )


def test_every_file_says_that_nothing_was_isolated(tmp_path):
    write_results(replace(small_class(), isolation="none"), tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.parent == tmp_path:
            assert UNSAFE in path.read_text("utf-8"), path
    # Marks that an earlier run made without isolation say so, too.
    base = small_class()
    records = {key: replace(value, isolation="none") for key, value in base.records.items()}
    write_results(replace(base, records=records), tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert UNSAFE in path.read_text("utf-8"), path
    assert all(row[UNSAFE] == UNSAFE for row in rows(tmp_path / "grades.csv"))
    assert student(tmp_path, "bo", "gradescope.json")["warning"] == UNSAFE
    assert student(tmp_path, "bo", "result.json")["warning"] == UNSAFE


def test_isolated_results_do_not_warn(out):
    for path in out.rglob("*"):
        assert path.is_dir() or UNSAFE not in path.read_text("utf-8"), path


def test_pages_stand_alone(out):
    for path in out.rglob("*.html"):
        soup = page(path)
        assert soup.html["lang"] == "en" and soup.title.get_text(strip=True)
        assert len(soup.find_all("h1")) == 1
        assert soup.find("meta", attrs={"name": "viewport"})
        assert "prefers-color-scheme: dark" in soup.style.string
        assert "url(" not in soup.style.string and "@import" not in soup.style.string
        for tag in soup.find_all(True):
            assert not tag.get("src")
            assert not str(tag.get("href", "")).startswith(("http", "//"))
        ids = [tag["id"] for tag in soup.find_all(id=True)]
        assert len(ids) == len(set(ids))
        for link in soup.find_all("a"):
            target = link["href"]
            if target.startswith("#"):
                assert target[1:] in ids
            else:
                assert (path.parent / target).is_file(), target


def test_the_page_says_what_failed_and_what_was_printed(out):
    soup = page(out / "students" / "bo" / "index.html")
    text = words(soup)
    assert "0.2 of 9 points" in text and "Before that you had 2 points" in text
    assert "gives 0.5. Expected: 0.25. Count pixels." in text
    assert soup.details.summary.string == "What your code printed"
    assert soup.details.pre.string == "mine <b>\n"
    assert "graded: dark-part.py" in text
    assert "Due 2026-12-01 12:00 UTC" in text


def test_the_page_says_what_is_wrong_with_the_file(out):
    text = words(page(out / "students" / "di" / "index.html"))
    assert "There is no dark-part.py." in text and "not attempted" in text
    assert student(out, "di", "result.json")["exercises"][0]["problem"]


def test_a_message_is_told_once():
    base = small_class()
    said = [
        shown(Outcome.ERROR, title=f"Check {i}", message="SyntaxError in line 3") for i in "abc"
    ]
    result = replace(base, records={**base.records, ("bo", DARK.id): record("bo", DARK, *said)})
    text = student_html(result, view_of(result, base.submissions[1]))
    assert text.count("SyntaxError in line 3") == 1 and text.count("The same as above.") == 2


def test_the_overview_counts_the_class(out):
    soup = page(out / "overview.html")
    dark = words(soup.find(id=DARK.id))
    for part in (
        "passed: 1",
        "partly passed: 1",
        "not passed: 0",
        "not attempted: 1",
        "no mark: 1",
    ):
        assert part in dark
    assert "median 3.50 s, longest 6.50 s" in dark
    pairs = words(soup.find(id=PAIRS.id))
    assert "1 student" in pairs and "Your code stopped." in pairs
    links = [link["href"] for link in soup.select(".wide tbody a")]
    assert "students/bo/index.html" in links
    assert "similarity.html" not in soup.decode()


def test_the_overview_links_to_the_similarity_page(tmp_path):
    (tmp_path / "similarity.html").write_text("<p>x</p>", "utf-8")
    write_results(small_class(), tmp_path)
    assert page(tmp_path / "overview.html").find("a", href="similarity.html")


def test_the_overview_names_extensions_that_fit_nobody(tmp_path):
    base = small_class()
    late = LatePolicy(base.assignment.late.due, extensions={"CY@example.org": DUE, "bob": DUE})
    write_results(replace(base, assignment=replace(base.assignment, late=late)), tmp_path)
    text = words(page(tmp_path / "overview.html"))
    assert "perhaps misspelt: bob." in text


def many_exercises(n):
    tasks = tuple(Task(f"exercise-{i}", f"Exercise {i}") for i in range(n))
    people = tuple(submission(f"S{i}", f"s{i}", submitted=DUE) for i in range(5))
    records = {
        (person.slug, task.id): record(person.slug, task, shown(Outcome.PASSED))
        for person in people
        for task in tasks
    }
    return replace(
        small_class(assignment=Assignment("All", tasks, LATE)), submissions=people, records=records
    )


@pytest.mark.parametrize("n", [3, 37])
def test_the_overview_begins_with_students_and_their_final_points(n, tmp_path):
    write_results(many_exercises(n), tmp_path, ["times.csv, line 3: <anna> fits no student."])
    soup = page(tmp_path / "overview.html")
    assert [h.get_text() for h in soup.find_all("h2")] == [
        "Students",
        "Points of the class",
        "Exercises",
    ]
    assert "line 3: <anna> fits no student" in words(soup.find("header"))
    head = [cell.get_text() for cell in soup.select(".wide thead th")]
    assert head[:4] == ["Student", "Final", "Before", "Days late"] and len(head) == 4 + n
    first = [cell.get_text(strip=True) for cell in soup.select_one(".wide tbody tr")]
    assert [text for text in first if text][:3] == ["S0", str(n), str(n)]
    # Many exercises are closed, so that the page stays short; each is reached by its column.
    sections = soup.select("details.exercise")
    assert [section.get("open") is not None for section in sections] == [n == 3] * n
    assert {a["href"] for a in soup.select(".wide thead a")} == {f"#{s['id']}" for s in sections}
    style = soup.style.string
    assert re.search(r"\.wide th:first-child \{ position: sticky; left: 0", style)
    assert re.search(r"\.wide thead th \{ position: sticky; top: 0", style)


def test_rows_of_one_name_have_slugs(tmp_path):
    base = small_class()
    people = tuple(replace(p, name="Ana", student="Ana", ids={}) for p in base.submissions)
    write_results(replace(base, submissions=people), tmp_path)
    slugs = [row["slug"] for row in rows(tmp_path / "grades.csv")]
    assert sorted(slugs) == ["ana", "bo", "cy", "di"]
    assert all((tmp_path / "students" / slug / "index.html").is_file() for slug in slugs)


def test_mistakes_that_differ_in_numbers_are_one():
    people = tuple(submission(f"S{i}", f"s{i}") for i in range(9))
    message = "f(array of shape ({0}, {0})) gives {0}.5e-3. Expected: -{0}.25."
    records = {}
    for i, person in enumerate(people):
        text = message.format(i) if i < 6 else "Your code stopped with KeyError: 'a'."
        checks = [shown(Outcome.FAILED, message=text), hidden(Outcome.FAILED)]
        records[person.slug, DARK.id] = record(person.slug, DARK, *checks)
    found = mistakes(Result(small_class().assignment, people, records), DARK.id)
    assert [(mistake.students, mistake.hidden) for mistake in found] == [
        (9, True),
        (6, False),
        (3, False),
    ]
    assert found[1].example == message.format(0) and found[1].checks == ("It is a share",)


def test_numbers_in_a_row_become_one_ellipsis():
    assert without_numbers("gives [1, 2.5, -3e4], not 7") == "gives […], not …"


def test_only_the_five_commonest_mistakes_are_listed():
    texts = [shown(Outcome.FAILED, message=f"Mistake {letter}") for letter in "abcdefgh"]
    records = {("s", DARK.id): record("s", DARK, *texts)}
    result = Result(small_class().assignment, (submission("S", "s"),), records)
    assert len(mistakes(result, DARK.id)) == 5


@pytest.mark.parametrize("most", [1, 5, 20, 21, 100, 999])
def test_a_distribution_counts_everybody_once(most):
    bars = distribution(range(most + 1), most)
    assert sum(bar.number for bar in bars) == most + 1 and len(bars) <= 21
    assert max(bar.width for bar in bars) == 100


def test_an_empty_class_writes_its_files(tmp_path):
    base = small_class()
    empty = replace(base, submissions=(), records={}, timings={}, isolation="none")
    write_results(empty, tmp_path)
    for path in tmp_path.iterdir():
        assert UNSAFE in path.read_text("utf-8") or path.name == "moodle.csv", path


def test_gradescope_and_classroom50_agree_on_points():
    base = small_class()
    for person in base.submissions:
        work = view_of(base, person)
        scope, room = gradescope_results(work), classroom50_result(work, Place())
        if work.total is not None:
            assert scope["extra_data"]["total"] == room["score"] == work.total
