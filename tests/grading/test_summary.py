"""`octlessons grade` as a tutor uses it: a folder in, marks out, sentences for mistakes."""

import contextlib
import csv
import subprocess
import sys
import zipfile

import pytest
from typer.testing import CliRunner

from octlessons.cli import app
from tests.conftest import ROOT
from tests.grading.numpy_course import CORRECT, PARTLY, STUBS


def octlessons(*arguments, cwd):
    """The command, in this process: what it needs is imported once for all tests."""
    with contextlib.chdir(cwd):
        return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def folder(tmp_path):
    """A class of three."""
    for name, sources in (("Ana Li", CORRECT), ("Bo", PARTLY), ("Cy", STUBS)):
        place = tmp_path / "class" / name
        place.mkdir(parents=True)
        for exercise, text in sources.items():
            (place / f"{exercise}.py").write_text(text)
    return tmp_path


def grades(out):
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_class_is_graded(isolation, course, folder):
    command = [sys.executable, "-m", "octlessons.cli", "grade", "class", "-o", "results"]
    command += ["--config", course]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "3 students. Isolation: bubblewrap" in done.stdout
    table = {row["name"]: row for row in grades(folder / "results")}
    assert {name: row["total"] for name, row in table.items()} == {
        "Ana Li": "6",
        "Bo": "3",
        "Cy": "0",
    }
    names = {path.name for path in (folder / "results").iterdir()}
    assert names >= {"overview.html", "moodle.csv", "canvas.csv", "junit.xml", "similarity.html"}
    again = octlessons("grade", "class", "-o", "results", "--config", course, cwd=folder)
    assert "0 exercises graded now, 9 taken from earlier runs" in " ".join(again.stdout.split())


def test_a_zip_gives_the_marks_of_its_folder(proven, course, folder):
    with zipfile.ZipFile(folder / "class.zip", "w") as archive:
        for path in sorted((folder / "class").rglob("*.py")):
            archive.write(path, path.relative_to(folder / "class"))
    for given, out in (("class", "one"), ("class.zip", "two")):
        done = octlessons("grade", given, "-o", out, "--config", course, cwd=folder)
        assert done.exit_code == 0, done.output
    assert grades(folder / "one") == grades(folder / "two")


def test_one_file_is_graded_for_one_exercise(proven, folder):
    stub = ROOT / "exercises" / "03-k-means-on-pixels" / "dark-part.py"
    (folder / "dark-part.py").write_text(stub.read_text("utf-8"))
    done = octlessons(
        "grade", "dark-part.py", "-o", "results", "--exercise", "dark-part", cwd=folder
    )
    assert done.exit_code == 0, done.output
    (row,) = grades(folder / "results")
    assert (row["total"], row["max"]) == ("0", "5")


@pytest.mark.slow
def test_a_table_of_all_exercises_fits_the_terminal(proven, folder):
    """Points stay beside the names; what does not fit is counted, and the page has it."""
    done = octlessons("grade", "class", "-o", "results", cwd=folder)  # of other exercises
    assert done.exit_code == 0, done.output
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    head = next(line for line in lines if line.startswith("student"))
    assert head.split() == ["student", "points", "open"] and "…" not in done.stdout
    assert [line.split()[-2:] for line in lines if line.startswith("Bo")] == [["0", "40"]]
    assert "40 exercises, one by one in overview.html; open: not attempted" in " ".join(
        done.stdout.split()
    )


def test_points_before_and_after_lateness_are_told_apart(proven, course, folder):
    config = course.with_name("late.toml")
    late = "[late]\ndue = 2026-12-01T12:00:00Z\npercent_per_day = 10\n[late.extensions]\n"
    late += "boo = 2026-12-09T00:00:00Z\n"
    config.write_text(course.read_text("utf-8") + late, "utf-8")
    (folder / "class" / "times.csv").write_text(
        "Student; Submitted\nLi, ANA; 2026-12-02T13:00:00Z\nanna; 2026-12-02T13:00:00Z\n"
    )
    done = octlessons("grade", "class", "-o", "results", "--config", config, cwd=folder)
    assert done.exit_code == 0, done.output
    (ana,) = [line.split() for line in done.stdout.splitlines() if line.startswith("Ana Li")]
    assert ana[2:5] == ["4.8", "6", "2"]
    said = " ".join(done.stdout.split())
    assert "before: without the policy on late work" in said
    assert "line 3: anna fits no student" in said and "no time for 2 students: Bo and Cy" in said
    assert "The extension of boo fits no student." in said
    overview = (folder / "results" / "overview.html").read_text("utf-8")
    assert "anna fits no student" in overview and "perhaps misspelt: boo" in overview


def test_one_student_is_said_in_words(proven, course, folder):
    arguments = ("class/Ana Li", "-o", "results", "--config", course)
    done = octlessons("grade", *arguments, cwd=folder)
    assert "1 student: Ana Li." in done.stdout, done.output


@pytest.mark.slow
@pytest.mark.parametrize("module", ["jinja2", "copydetect"])
def test_in_a_core_installation_it_is_one_sentence(module, folder):
    code = f"import sys; sys.modules['{module}'] = None; from octlessons.cli import app; app()"
    command = [sys.executable, "-c", code, "grade", "class", "-o", "results"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"A class is graded with {module}" in done.stderr and "pip install" in done.stderr
    assert not (folder / "results").exists()


@pytest.mark.slow
def test_parts_are_put_together(proven, course, folder):
    for part in ("1/2", "2/2"):
        done = octlessons(
            *("grade", "class", "-o", "results", "--config", course, "--shard", part), cwd=folder
        )
        assert done.exit_code == 0, done.output
        assert not (folder / "results" / "grades.csv").exists()
    done = octlessons("grade", "class", "-o", "results", "--config", course, cwd=folder)
    assert "0 exercises graded now" in done.stdout
    assert len(grades(folder / "results")) == 3


def test_without_isolation_every_file_says_so(course, folder):
    done = octlessons(
        *("grade", "class", "-o", "results", "--config", course, "--isolation", "none"), cwd=folder
    )
    assert done.exit_code == 0, done.output
    assert "NOT SAFE" in done.stdout
    for path in (folder / "results").rglob("*"):
        if path.is_file() and path.name != "timings.jsonl":  # holds no result
            assert "NOT SAFE" in path.read_text("utf-8"), path


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "-o", "results"], "nowhere"),
        (["empty", "-o", "results"], "empty holds no submissions"),
        (["class", "-o", "class/results"], "among the submissions"),
        (["class", "-o", "results", "--shard", "3"], "is no part"),
        (["class", "-o", "results", "--shard", "3/2"], "no part 3 of 2"),
        (["class", "-o", "results", "--isolation", "magic"], "no isolation called 'magic'"),
        (["class", "-o", "results", "--exercise", "ex9"], "no exercise called 'ex9'"),
        (["class", "-o", "results", "--config", "none.toml"], "cannot be read"),
    ],
)
def test_mistakes_are_sentences(course, folder, arguments, sentence):
    (folder / "empty").mkdir()
    if "--config" not in arguments:
        arguments = [*arguments, "--config", course]
    done = octlessons("grade", *arguments, cwd=folder)
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert sentence in " ".join(done.stderr.split())
    assert not (folder / "results" / "grades.csv").exists()
