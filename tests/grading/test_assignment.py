"""What is to be marked: read from the catalogue and a TOML file, or refused with a sentence."""

from datetime import UTC, datetime

import pytest

from octlessons.errors import OctlessonsError
from octlessons.grading.assignment import Limits, load_assignment
from octlessons.grading.cache_keys import record_key
from octlessons.grading.submission import Work
from tests.grading.numpy_course import make_course


@pytest.fixture
def config(tmp_path):
    return make_course(tmp_path)


def test_the_course_is_found_beside_the_file(config):
    assignment = load_assignment(config)
    assert assignment.title == "Three NumPy exercises"
    assert assignment.ids == ["ex1", "ex2", "ex3"]
    assert assignment.key == "a secret of the course"
    assert all(list(task.hidden_checks) == [f"test_{task.id}.py"] for task in assignment.tasks)
    assert assignment.tasks[0].preload == ("numpy",)
    assert assignment.root == config.parent


def test_without_a_file_all_exercises_of_the_course_are_marked():
    assignment = load_assignment()
    assert len(assignment.tasks) == 40 and assignment.title == "All exercises"
    assert not any(task.hidden_checks for task in assignment.tasks)
    banded = next(task for task in assignment.tasks if "bands.json" in task.checks)
    assert b"band(" in banded.checks[f"test_{banded.id}.py"]


def test_exercises_can_be_named(config):
    assignment = load_assignment(config, ["ex3"])
    assert assignment.ids == ["ex3"]


def test_limits_are_general_or_of_one_exercise(config):
    with config.open("a") as file:
        file.write("[limits]\ncpu_seconds = 3\nmemory_mb = 512\n[limits.ex2]\ncpu_seconds = 90\n")
    limits = {task.id: task.limits for task in load_assignment(config).tasks}
    assert load_assignment(config, ["ex1"]).ids == ["ex1"]  # limits of others may stay
    assert limits["ex1"] == Limits(3, 60, memory_mb=512)
    assert limits["ex2"] == Limits(
        90, 90, memory_mb=512
    )  # the clock never runs out before the processor


def test_the_policy_on_late_work_is_read(config):
    with config.open("a") as file:
        file.write("[late]\ndue = 2026-12-01T12:00:00Z\npercent_per_day = 10\n")
    assert load_assignment(config).late.due == datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("excercises = []", "has no setting called excercises"),
        ("title = 3", "title is to be text in quotation marks"),
        ("exercises = [1]", "list of ids in quotation marks"),
        ('exercises = ["ex1", "ex1"]', "ex1: named more than once"),
        ("exercises = []", "leave it out for all"),
        ('exercises = ["ex9"]', "no exercise called 'ex9'"),
        ('hidden = "nowhere"', "no folder .*nowhere"),
        ('hidden = "tests"', "holds no check for ex1, ex2 or ex3|no check"),
        ("[limits]\ncpu = 3", "has no setting called cpu"),
        ("[limits]\ncpu_seconds = -1", "no limit that can be kept"),
        ("[limits]\ncpu_seconds = true", "no limit that can be kept"),
        ("[limits]\nwall_seconds = 5", "wall_seconds is less than cpu_seconds"),
        ("[limits]\nsubmission_seconds = 30", "submission_seconds is less than wall_seconds"),
        ("[limits]\nmemory_mb = 1", "no limit that can be kept"),
        ("[limits.ex7]\ncpu_seconds = 1", "there is no such exercise"),
        ("[late]\ndue = 2026-12-01T12:00:00", "no time zone"),
        ("title = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(config, text, sentence):
    kept = [
        line
        for line in config.read_text().splitlines()
        if line.split("=")[0] != text.split("=")[0] or text.startswith("[")
    ]
    config.write_text("\n".join([*kept, text, ""]) if text.startswith("[") else f"{text}\n")
    if 'hidden = "tests"' in text:
        config.write_text(f'exercises = ["ex1", "ex2", "ex3"]\n{text}\n')
    with pytest.raises(OctlessonsError, match=sentence) as error:
        load_assignment(config)
    assert "Traceback" not in str(error.value)


def test_hidden_checks_that_fit_no_exercise_are_said(config):
    for name in ("numpy/test_ex9.py", "nunpy/test_ex1.py", "numpy/old/test_ex1.py", "test_ex1.py"):
        stray = config.parent / "hidden" / name
        stray.parent.mkdir(exist_ok=True)
        stray.write_text("")
        with pytest.raises(OctlessonsError, match=f"{name} fits no exercise"):
            load_assignment(config)
        stray.unlink()
    assert load_assignment(config, ["ex1"]).ids == ["ex1"]  # checks of others may stay


@pytest.mark.parametrize("points", ["1.5", "-1", "True", "'2'"])
@pytest.mark.parametrize("folder", ["hidden", "tests/exercises"])
def test_points_that_are_no_whole_number_are_said(config, points, folder):
    path = config.parent / folder / "numpy" / "test_ex2.py"
    path.write_text(f"import pytest\n\n@pytest.mark.points({points})\ndef test_it(): pass\n")
    with pytest.raises(OctlessonsError, match=r"test_ex2\.py, line 3: points\(.*no whole number"):
        load_assignment(config)
    path.write_text(path.read_text().replace(points, "0"))
    assert load_assignment(config).ids == ["ex1", "ex2", "ex3"]


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(OctlessonsError, match="cannot be read"):
        load_assignment(tmp_path / "none.toml")


def test_the_key_of_a_record_follows_everything_that_decides_it(config):
    task = load_assignment(config).tasks[0]
    work = Work("ex1", "ex1.py", "x = 1\n")
    key = record_key(task, work, 1, "bubblewrap")
    assert key == record_key(task, work, 1, "container")  # kept apart is kept apart
    others = [
        record_key(task, Work("ex1", "ex1.py", "x = 2\n"), 1, "bubblewrap"),
        record_key(task, Work("ex1", "ex1.ipynb", "x = 1\n"), 1, "bubblewrap"),
        record_key(task, work, 2, "bubblewrap"),
        record_key(task, work, 1, "none"),
        record_key(load_assignment(config).tasks[1], work, 1, "bubblewrap"),
    ]
    (config.parent / "hidden" / "numpy" / "test_ex1.py").write_text("# changed\n")
    others.append(record_key(load_assignment(config).tasks[0], work, 1, "bubblewrap"))
    assert len({key, *others}) == 7
