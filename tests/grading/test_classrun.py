"""A class run: nothing lost, nothing twice, the same marks however it runs."""

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from octlessons.errors import OctlessonsError
from octlessons.exercises.outcomes import Outcome
from octlessons.grading import classrun, panel, sandbox
from octlessons.grading.assignment import Limits
from octlessons.grading.classrun import grade
from octlessons.grading.records import Record
from octlessons.grading.units import seed_of
from tests.conftest import ROOT
from tests.grading.conftest import limited, submission
from tests.grading.numpy_course import CORRECT, PARTLY, STUBS

KINDS = (CORRECT, PARTLY, STUBS)


def group(n: int):
    return [submission(f"s{i:03}", **KINDS[i % 3]) for i in range(n)]


def digest(folder) -> dict[str, str]:
    """What is in the records: file names and hashes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "records").rglob("*"))
        if path.is_file() and ".part-" not in path.name  # what a killed run began
    }


@pytest.fixture
def run(proven, assignment, tmp_path):
    def go(submissions, out="results", **settings):
        chosen = settings.pop("assignment", assignment)
        settings = {"isolation": proven, "jobs": 1} | settings
        return grade(submissions, chosen, tmp_path / out, **settings)

    return go


def test_a_second_run_grades_nothing(run):
    first = run(group(6))
    again = run(group(6))
    assert (first.graded, first.reused) == (18, 0)
    assert (again.graded, again.reused) == (0, 18)
    assert again.records == first.records


def test_changed_work_is_graded_again_and_nothing_else(run):
    run(group(6))
    changed = group(6)
    changed[2] = submission("s002", **STUBS | {"ex2": CORRECT["ex2"]})
    again = run(changed)
    assert (again.graded, again.reused) == (1, 17)
    assert again.records["s002", "ex2"].points == 2


def test_a_changed_check_regrades_its_exercise_and_nothing_else(run, assignment):
    run(group(4))
    tasks = list(assignment.tasks)
    text = tasks[1].checks["test_ex2.py"] + b"\n# another sentence\n"
    tasks[1] = replace(tasks[1], checks={"test_ex2.py": text})
    again = run(group(4), assignment=replace(assignment, tasks=tuple(tasks)))
    assert (again.graded, again.reused) == (4, 8)


def test_another_secret_regrades_everything(run, assignment):
    run(group(2))
    assert run(group(2), assignment=replace(assignment, key="another")).graded == 6


def test_marks_without_isolation_do_not_count_as_marks_with(run):
    run(group(2), isolation="none")
    assert run(group(2)).graded == 6


@pytest.mark.slow
def test_the_same_marks_at_any_position_and_any_parallelism(run, tmp_path):
    some = group(9)
    run(some, "one", jobs=1)
    run(some[::-1], "two", jobs=2)
    shuffled = some[:]
    random.Random(0).shuffle(shuffled)
    run(shuffled[:4], "three", jobs=1)
    run(shuffled[4:], "three", jobs=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two") == digest(tmp_path / "three")


@pytest.mark.slow
def test_parts_of_a_matrix_make_the_whole(run, tmp_path):
    some = group(7)
    run(some, "whole")
    for number in (1, 2, 3):
        run(some, "parts", shard=(number, 3))
    assert digest(tmp_path / "parts") == digest(tmp_path / "whole")
    merged = run(some, "parts")
    assert (merged.graded, merged.reused) == (0, 21)


def test_a_part_that_does_not_exist_is_refused(run):
    with pytest.raises(OctlessonsError, match="no part 4 of 3"):
        run(group(2), shard=(4, 3))


@pytest.fixture
def answers(monkeypatch):
    """Let judges say something else: a function of a unit, what it came to, and how often."""

    def install(change):
        real, seen = panel.Panel.mark, {}

        def mark(self, units):
            for unit, marked in real(self, units):
                seen[unit.place] = seen.get(unit.place, 0) + 1
                yield unit, change(unit, marked, seen[unit.place])

        monkeypatch.setattr(panel.Panel, "mark", mark)
        return seen

    return install


def test_time_out_is_tried_once_more_before_it_counts(run, answers):
    def busy(unit, marked, times):  # as if the machine had been, when it marked this first
        if unit.exercise != "ex1" or times > 1:
            return marked
        first, *others = marked.record.checks
        late = replace(first, outcome=Outcome.TIMED_OUT, points=0, message="slow")
        return replace(marked, record=replace(marked.record, checks=(late, *others)))

    seen = answers(busy)
    result = run(group(1))
    assert [seen["s000", name] for name in CORRECT] == [2, 1, 1]
    assert result.records["s000", "ex1"].points == 2


def test_a_judge_that_dies_at_the_second_try_costs_nothing(run, answers):
    def unlucky(unit, marked, times):
        if unit.exercise != "ex1" or times > 2:
            return marked
        late = [replace(check, outcome=Outcome.TIMED_OUT) for check in marked.record.checks]
        record = replace(marked.record, checks=tuple(late))
        return None if times == 2 else replace(marked, record=record)

    seen = answers(unlucky)
    record = run(group(1)).records["s000", "ex1"]
    assert seen["s000", "ex1"] == 3 and record.outcome is Outcome.PASSED and record.points == 2


def test_what_the_grader_fails_at_takes_no_time_from_the_student(run, answers):
    def broken(unit, marked, times):
        if unit.exercise != "ex1":
            return marked
        timing = replace(marked.timing, seconds=1e5)
        record = replace(marked.record, checks=(), no_mark="no")
        return replace(marked, record=record, timing=timing)

    answers(broken)
    records = run(group(1)).records
    assert [records["s000", name].points for name in ("ex2", "ex3")] == [2, 2]
    assert records["s000", "ex1"].no_mark == "no"


def test_a_failure_of_the_grader_is_no_mark_and_never_a_zero(run, answers, monkeypatch):
    def broken(unit, marked, times):
        return replace(marked, record=replace(marked.record, checks=(), no_mark="disk full"))

    answers(broken)
    failed = run(group(1))
    records = list(failed.records.values())
    assert [record.no_mark for record in records] == ["disk full"] * 3
    assert all(record.outcome == "no mark" and not record.checks for record in records)
    monkeypatch.undo()
    again = run(group(1))
    assert again.graded == 3 and all(record.points == 2 for record in again.records.values())


def _kill(name: str, wanted: int) -> list[int]:
    """Kill processes under this one whose command line has a word in it."""
    done: list[int] = []
    while len(done) < wanted:
        for process in psutil.Process().children(recursive=True):
            try:
                above = " ".join(" ".join(p.cmdline()) for p in [process, *process.parents()])
                if (
                    name in " ".join(process.cmdline())
                    and "octlessons.grading.panel" in above  # not of the self-test
                    and process.pid not in done
                ):
                    process.kill()
                    done.append(process.pid)
                    break
            except psutil.Error:
                continue
        time.sleep(0.3)
    return done


@pytest.mark.parametrize("name", ["octlessons.grading.worker", "octlessons.grading.panel"])
def test_sandboxes_and_judges_that_die_cost_nobody_a_mark(run, name):
    killing = threading.Thread(target=_kill, args=(name, 2), daemon=True)
    killing.start()
    result = run(group(24), jobs=2)
    killing.join(5)
    assert not killing.is_alive(), "the kills came too late"
    assert not any(record.no_mark for record in result.records.values())
    assert sum(record.points for record in result.records.values()) == 8 * (6 + 3)


def test_an_answer_that_ends_its_judge_twice_costs_that_exercise_and_is_named(run, answers):
    def deadly(unit, marked, times):
        return None if unit.exercise == "ex2" and unit.work.source is not None else marked

    answers(deadly)
    result = run([submission("s000")])
    record = result.records["s000", "ex2"]
    assert record.points == 0 and record.max_points == 2 and not record.no_mark
    assert "ended the grader's own process" in record.checks[0].message
    assert [result.records["s000", name].points for name in ("ex1", "ex3")] == [2, 2]


@pytest.mark.slow
def test_a_submission_has_a_limit_by_the_clock(run, assignment):
    limits = Limits(cpu_seconds=1, wall_seconds=1.5, submission_seconds=1.5, memory_mb=1024)
    quick = limited(assignment, limits)
    slow = dict.fromkeys(CORRECT, "import time\ntime.sleep(99)\n")
    result = run([submission("slow", **slow), submission("zoe")], assignment=quick)
    said = [result.records["slow", name].checks[0].message for name in CORRECT]
    assert any("Not tried" in text for text in said), said
    assert all(result.records["slow", name].points == 0 for name in CORRECT)
    assert [result.records["zoe", name].points for name in CORRECT] == [2, 2, 2]


CHANGES = (
    lambda text: text.replace('"points": 1', '"points": 5'),
    lambda text: text.replace('"points": 1', '"points": "1"'),
    lambda text: text.replace('"points": 1', '"points": NaN'),
    lambda text: json.dumps(json.loads(text) | {"checks": []}),
    lambda text: json.dumps(json.loads(text) | {"printed": 7}),
    lambda text: "[" * 100_000,
    lambda text: "3",
    lambda text: text[:100],
    lambda text: "",
)


def test_a_record_changed_by_hand_is_named_and_graded_again(run, tmp_path):
    some = [submission(f"s{number}") for number in range(len(CHANGES) + 1)]
    whole = run(some)
    places = [tmp_path / "results" / "records" / f"s{n}" / "ex1.json" for n in range(len(CHANGES))]
    for path, change in zip(places, CHANGES, strict=True):
        path.write_text(change(path.read_text()))
    (tmp_path / "results" / "timings.jsonl").write_text('{"key": 1}\n[]\nx\n')
    again = run(some)
    assert again.graded == len(CHANGES) and again.records == whole.records
    assert len(again.remarks) == len(CHANGES)
    assert all(str(path) in said for path, said in zip(places, again.remarks, strict=True))


def _without_processes() -> set[Path]:
    found = set()
    for folder in Path("/sys/fs/cgroup/memory").glob("octlessons-*"):
        with contextlib.suppress(OSError):
            if not (folder / "cgroup.procs").read_text():
                found.add(folder)
    return found


def test_nothing_is_left_behind(run):
    before = _without_processes()
    run(group(3), jobs=2)
    left = _without_processes() - before
    for _ in range(100):  # one that another test has just made has processes soon
        left &= _without_processes()
        time.sleep(0.05 if left else 0)
    assert not left
    old = Path(tempfile.gettempdir()) / "octlessons-judge-of-a-killed-run"
    old.mkdir(exist_ok=True)
    (old / "lock").touch()
    os.utime(old, (0, 0))
    run(group(4))
    assert not old.exists()


def test_nothing_is_graded_where_work_cannot_be_kept_apart(assignment, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "trouble", lambda name, secrets=(): "is not installed.")
    with pytest.raises(OctlessonsError, match="none was graded"):
        grade(group(1), assignment, tmp_path, isolation="auto", jobs=1)
    assert not list(tmp_path.rglob("*.json"))


def test_records_are_the_same_as_text(run, tmp_path):
    result = run(group(3))
    for (slug, name), record in result.records.items():
        text = (tmp_path / "results" / "records" / slug / f"{name}.json").read_text()
        assert Record.from_json(text) == record
        assert "seconds" not in json.loads(text)


# A process of its own, to be killed: it grades a class, as `octlessons grade` does.
_CLASS = """
import sys
from pathlib import Path
from tests.grading.test_classrun import group
from octlessons.grading.assignment import load_assignment
from octlessons.grading.classrun import grade

if __name__ == "__main__":
    grade(group(8), load_assignment(sys.argv[1]), Path(sys.argv[2]), isolation=sys.argv[3],
          jobs=int(sys.argv[4]))
"""


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.exhaustive)])
def test_killed_again_and_again_the_results_are_the_same(isolation, course, tmp_path, kills):
    """SIGKILL at random moments; every run goes on where the last one ended."""
    script = tmp_path / "grade_class.py"
    script.write_text(_CLASS)
    env = os.environ | {"PYTHONPATH": str(ROOT)}

    def start(out):
        command = [sys.executable, str(script), str(course), str(out), isolation, "1"]
        return subprocess.Popen(command, env=env, cwd=ROOT)

    assert start(tmp_path / "whole").wait() == 0
    whole = digest(tmp_path / "whole")
    moments, left, interrupted, round_ = random.Random(1), kills, 0, 0
    while left:
        out = tmp_path / f"killed-{round_}"
        while left and len(digest(out)) < len(whole):
            process = start(out)
            more = len(digest(out)) + moments.randrange(8)
            while process.poll() is None and len(digest(out)) < more:
                time.sleep(0.002)
            time.sleep(moments.uniform(0, 0.02))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                left -= 1
            process.wait()
            assert len(list(out.rglob(".*.part-*"))) <= 1
            interrupted += 0 < len(digest(out)) < len(whole)
        assert start(out).wait() == 0
        assert digest(out) == whole
        round_ += 1
    assert interrupted >= kills / 4, "the kills missed the grading"


@pytest.mark.slow
def test_a_cluster_of_two_workers_one_killed_loses_nothing(isolation, assignment, tmp_path):
    distributed = pytest.importorskip("distributed")
    some = group(24)
    expected = grade(some, assignment, tmp_path / "here", isolation=isolation, jobs=1)
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with distributed.LocalCluster(
        n_workers=0, scheduler_port=0, dashboard_address=None, protocol="tcp://"
    ) as scheduler:
        command = [
            *(sys.executable, "-m", "distributed.cli.dask_worker", scheduler.scheduler_address),
            *("--nthreads", "1", "--no-dashboard", "--no-nanny"),
            *("--local-directory", str(tmp_path)),
        ]
        workers = [subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) for _ in range(2)]
        try:
            seen = []

            def progress(done, of):
                seen.append(done)
                if done >= 6 and workers[0].poll() is None:
                    workers[0].kill()

            with distributed.Client(scheduler.scheduler_address) as client:
                client.wait_for_workers(2, timeout=60)
            result = grade(
                some,
                assignment,
                tmp_path / "cluster",
                isolation=isolation,
                dask=scheduler.scheduler_address,
                progress=progress,
            )
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
    assert workers[0].returncode == -signal.SIGKILL
    assert result.graded == 72 and seen[-1] == 72
    assert seen == sorted(set(seen)), "a unit was counted twice"
    assert result.records == expected.records
    assert digest(tmp_path / "cluster") == digest(tmp_path / "here")


def test_a_machine_with_other_versions_marks_nothing(run, monkeypatch):
    real = classrun.Setting

    def remote(*given):
        return replace(real(*given), proven=False, versions={"numpy": "1.0"})

    monkeypatch.setattr(classrun, "Setting", remote)
    records = run(group(1)).records.values()
    assert all("its numpy is" in record.no_mark for record in records)


@pytest.mark.slow
def test_no_scheduler_is_one_sentence(run):
    pytest.importorskip("distributed")
    with pytest.raises(OctlessonsError, match="no Dask scheduler"):
        run(group(1), dask="tcp://127.0.0.1:9")


def test_seeds_do_not_give_the_secret_away():
    assert seed_of("secret", "Ana", "ex1") == seed_of("secret", " ana ", "ex1")
    assert seed_of("secret", "Ana", "ex1") != seed_of("other", "Ana", "ex1")
    assert seed_of("secret", "Ana", "ex1") != seed_of("secret", "Ana", "ex2")
