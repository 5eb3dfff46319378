"""A class run: nothing lost, nothing twice, the same marks however it runs."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial

import psutil
import pytest

from octlessons.errors import OctlessonsError
from octlessons.exercises.outcomes import Outcome
from octlessons.grading import classrun, judge, sandbox
from octlessons.grading.classrun import grade
from octlessons.grading.records import Record
from octlessons.grading.sandbox.warm import Infrastructure
from tests.conftest import ROOT
from tests.grading.conftest import submission
from tests.grading.numpy_course import CORRECT, PARTLY, STUBS

KINDS = (CORRECT, PARTLY, STUBS)


def group(n: int):
    return [submission(f"s{i:03}", **KINDS[i % 3]) for i in range(n)]


def digest(folder) -> dict[str, str]:
    """What is in the records: file names and hashes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "records").rglob("*"))
        if path.is_file() and not path.name.startswith(".part-")  # what a killed run began
    }


@pytest.fixture
def run(isolation, assignment, tmp_path):
    def go(submissions, out="results", **settings):
        chosen = settings.pop("assignment", assignment)
        settings = {"isolation": isolation, "jobs": 1} | settings
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


def test_a_damaged_record_is_graded_again(run, tmp_path):
    whole = run(group(2))
    path = tmp_path / "results" / "records" / "s000" / "ex1.json"
    path.write_bytes(path.read_bytes()[:100])
    again = run(group(2))
    assert again.graded == 1 and again.records == whole.records


def test_the_same_marks_at_any_position_and_any_parallelism(run, tmp_path):
    some = group(9)
    run(some, "one", jobs=1)
    run(some[::-1], "two", jobs=2)
    shuffled = some[:]
    random.Random(0).shuffle(shuffled)
    run(shuffled[:4], "three", jobs=1)
    run(shuffled[4:], "three", jobs=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two") == digest(tmp_path / "three")


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


def test_time_out_is_tried_once_more_before_it_counts(run, monkeypatch, assignment):
    tried = []
    real = classrun.judge

    def watched(units, *rest, keep, **settings):
        tried.append(len(units))
        if len(tried) > 1:
            return real(units, *rest, keep=keep, **settings)

        def busy(marked):  # as if the machine had been, when it marked the first unit
            if marked.record.exercise != "ex1":
                return marked
            first, *others = marked.record.checks
            late = replace(first, outcome=Outcome.TIMED_OUT, points=0, message="slow")
            return replace(marked, record=replace(marked.record, checks=(late, *others)))

        keep_if = lambda marked: keep(busy(marked))  # noqa: E731
        return [busy(marked) for marked in real(units, *rest, keep=keep_if, **settings)]

    monkeypatch.setattr(classrun, "judge", watched)
    result = run(group(1))
    assert tried == [3, 1]
    assert result.records["s000", "ex1"].points == 2


def test_a_failure_of_the_grader_is_no_mark_and_never_a_zero(run, monkeypatch, tmp_path):
    def broken(setting):
        raise Infrastructure("the disk of the sandbox is full")

    monkeypatch.setattr(classrun, "_warm", broken)
    monkeypatch.setattr(classrun.time, "sleep", lambda seconds: None)
    failed = run(group(1))
    records = list(failed.records.values())
    assert [record.no_mark for record in records] == ["the disk of the sandbox is full"] * 3
    assert all(record.outcome == "no mark" and not record.checks for record in records)
    monkeypatch.undo()
    again = run(group(1))
    assert again.graded == 3 and all(record.points == 2 for record in again.records.values())


def test_a_sandbox_that_dies_is_replaced(run, monkeypatch):
    """A warm process that was killed costs nobody a mark."""
    real, killed = classrun._warm, []

    def dying(setting):
        warm = real(setting)
        if len(killed) < 2:
            killed.append(warm)
            for process in psutil.Process().children():
                process.kill()
            while warm.alive:
                time.sleep(0.01)
        return warm

    monkeypatch.setattr(classrun, "_warm", dying)
    monkeypatch.setattr(classrun.time, "sleep", lambda seconds: None)
    result = run(group(2))
    assert len(killed) == 2
    assert not any(record.no_mark for record in result.records.values())
    assert [result.records["s000", name].points for name in CORRECT] == [2, 2, 2]


def test_a_judge_process_that_dies_costs_nobody_a_mark(run, monkeypatch, tmp_path):
    """One of two processes ends in the middle of a batch; its units are marked by another."""
    flag = tmp_path / "died"
    monkeypatch.setattr(classrun, "mark_batch", partial(_dies_once, str(flag)))
    result = run(group(12), jobs=2)
    assert flag.exists()
    assert not any(record.no_mark for record in result.records.values())
    assert sum(record.points for record in result.records.values()) == 4 * (6 + 3)


def _dies_once(flag, units, setting):
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return _MARK_BATCH(units, setting)
    os.kill(os.getpid(), signal.SIGKILL)


_MARK_BATCH = classrun.mark_batch


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

KILLS = 100


def test_killed_a_hundred_times_the_results_are_the_same(isolation, course, tmp_path):
    """SIGKILL at random moments; every run goes on where the last one ended."""
    script = tmp_path / "grade_class.py"
    script.write_text(_CLASS)
    env = os.environ | {"PYTHONPATH": str(ROOT)}

    def start(out, jobs):
        command = [sys.executable, str(script), str(course), str(out), isolation, str(jobs)]
        return subprocess.Popen(command, env=env, cwd=ROOT)

    began = time.monotonic()
    assert start(tmp_path / "whole", 1).wait() == 0
    whole = time.monotonic() - began
    moments, kills, interrupted, round_ = random.Random(1), 0, 0, 0
    while kills < KILLS:
        out = tmp_path / f"killed-{round_}"
        while kills < KILLS:
            process = start(out, 1)
            try:
                process.wait(moments.uniform(0.3 * whole, 1.05 * whole))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                parts = [path for path in out.rglob(".part-*")]
                assert len(parts) <= 1
                interrupted += 0 < len(digest(out)) < 24
                continue
            break
        assert start(out, 1).wait() == 0
        assert digest(out) == digest(tmp_path / "whole")
        round_ += 1
    assert interrupted > KILLS / 20, "the kills missed the grading"


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


def test_a_machine_with_other_versions_marks_nothing(run, monkeypatch, assignment, tmp_path):
    real = classrun._setting

    def remote(*args, **settings):
        made = real(*args, **settings)
        return replace(made, proven=False, versions=(("numpy", "1.0"),))

    monkeypatch.setattr(classrun, "_setting", remote)
    monkeypatch.setattr(classrun.time, "sleep", lambda seconds: None)
    records = run(group(1)).records.values()
    assert all("its numpy is" in record.no_mark for record in records)


def test_no_scheduler_is_one_sentence(run):
    pytest.importorskip("distributed")
    with pytest.raises(OctlessonsError, match="no Dask scheduler"):
        run(group(1), dask="tcp://127.0.0.1:9")


def test_seeds_do_not_give_the_secret_away():
    assert judge.seed_of("secret", "Ana", "ex1") == judge.seed_of("secret", " ana ", "ex1")
    assert judge.seed_of("secret", "Ana", "ex1") != judge.seed_of("other", "Ana", "ex1")
    assert judge.seed_of("secret", "Ana", "ex1") != judge.seed_of("secret", "Ana", "ex2")
