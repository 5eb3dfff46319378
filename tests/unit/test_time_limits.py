"""Nobody waits longer for a student's code than they may, wherever it runs and whatever it does."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from octlessons.exercises import Outcome, check, load_catalogue
from octlessons.exercises.outcomes import NOT_TRIED, TimedOut
from octlessons.exercises.student import load_student

ROOT = Path(__file__).resolve().parents[2]
ID = "split-by-patient"
SECONDS = 0.5

#: Bodies of functions that do not come back.
ENDLESS = {
    "a loop": "while True: pass",
    "a loop that catches everything": """while True:
        try:
            x = [i for i in range(10)]
        except BaseException:
            continue""",
    "a nap that catches everything": """import time
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            continue""",
    "a nap in a function in a function": """import time
    def inner(): time.sleep(1000)
    try: (lambda: inner())()
    finally: inner()""",
    "compiled code that never gives way": "return 7 ** (10 ** 8) % 10 ** 9",
    "a finalizer": """class X:
        def __del__(self):
            while True: pass
    X()""",
    "a text that never ends": """class Odd(Exception):
        def __str__(self):
            while True: pass
    raise Odd()""",
    "signals put off": """import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, 'SIGALRM'): signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True: pass""",
}
IN_PROCESS = [name for name in ENDLESS if not name.startswith(("compiled", "signals"))]


def source(body: str) -> str:
    return f"def split_patients(patients, test_share, seed):\n    print('here')\n    {body}\n"


def work(folder: Path, body: str) -> Path:
    path = folder / "work.py"
    path.write_text(source(body), "utf-8")
    return path


def assert_timed_out(report, seconds: float = SECONDS):
    assert report.outcome is Outcome.TIMED_OUT, report
    assert f"did not come back within {seconds:g} seconds" in report.first_problem.message
    late = [result.message for result in report.results if result.outcome is Outcome.TIMED_OUT]
    assert set(late[1:]) <= {NOT_TRIED}  # one time-out ends the exercise
    assert report.points == 0 and report.max_points == 5 and "here" in report.printed


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_a_file_is_stopped_by_the_clock(tmp_path, body):
    assert_timed_out(check(ID, work(tmp_path, body), seconds=SECONDS))


def test_the_next_check_is_none_the_worse(tmp_path):
    solution = load_catalogue()[ID].solution
    assert check(ID, solution).outcome is Outcome.PASSED
    assert_timed_out(check(ID, work(tmp_path, "while True: pass"), seconds=SECONDS))
    assert check(ID, solution).outcome is Outcome.PASSED


def test_a_file_that_never_ends_is_stopped(tmp_path):
    path = tmp_path / "work.py"
    path.write_text("print('begun')\nwhile True: pass\n", "utf-8")
    report = check(ID, path, seconds=SECONDS)
    assert report.outcome is Outcome.TIMED_OUT and "begun" in report.printed
    assert "loop outside the functions" in report.first_problem.message


@pytest.mark.slow
@pytest.mark.parametrize("where", ["file", "notebook"])
def test_limits_hold_off_the_main_thread(tmp_path, where):
    names: dict = {}
    exec(source(ENDLESS["a nap in a function in a function"]), names)
    given = work(tmp_path, "while True: pass") if where == "file" else names
    reports = []
    thread = threading.Thread(
        target=lambda: reports.append(check(ID, given, seconds=SECONDS)), daemon=True
    )
    thread.start()
    thread.join(60)
    assert_timed_out(reports[0])


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are ignored in another way there")
@pytest.mark.parametrize("where", ["file", "notebook"])
def test_limits_hold_where_interrupts_are_ignored(tmp_path, where):
    path = work(tmp_path, "while True: pass")
    program = f"""
from octlessons.exercises import check
names = {{}}
exec(open({str(path)!r}).read(), names)
print(check({ID!r}, {str(path)!r} if {where == "file"} else names, seconds={SECONDS}))
"""
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert f"did not come back within {SECONDS:g} seconds" in told.stdout, told.stderr
    assert told.stdout.count(NOT_TRIED) == 1 and "Traceback" not in told.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_PROCESS)
def test_functions_of_a_notebook_are_left_behind(name):
    # in a process of its own, since what cannot be stopped goes on in the background
    program = f"""
import os
from octlessons.exercises import check
names = {{}}
exec({source(ENDLESS[name])!r}, names)
report = check({ID!r}, names, seconds={SECONDS})
print(report.outcome, report.first_problem.message, report.printed)
os._exit(0)
"""
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert told.stdout.startswith("timed out") and "did not come back" in told.stdout, told.stderr
    assert "here" in told.stdout


def test_what_is_over_its_time_is_interrupted():
    made = load_student("def f():\n    while True: pass\n", "work.py", 0.2)
    before = set(threading.enumerate())
    with pytest.raises(TimedOut, match=r"f\(\) did not come back within 0.2 seconds"):
        made.f()
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()
    with pytest.raises(TimedOut, match=NOT_TRIED):
        made.f()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os; os._exit(3)", r"split_patients\(.*ended the whole process \(exit status 3\)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="no such signals there")
def test_the_end_of_the_process_is_a_sentence(tmp_path, body, words):
    report = check(ID, work(tmp_path, body))
    assert report.outcome is Outcome.ERROR and report.first_problem.outcome is Outcome.ERROR
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(report.first_problem.message)
    assert len(report.results) == len(check(ID).results)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("end", [None, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_running(tmp_path, end):
    file = tmp_path / "number"
    body = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(1000)"
    path = work(tmp_path, body)
    seconds = {None: SECONDS, signal.SIGINT: 60, signal.SIGKILL: 2}[end]
    program = f"from octlessons.exercises import check; check({ID!r}, {str(path)!r}, seconds=%g)"
    waiting = subprocess.Popen(
        [sys.executable, "-c", program % seconds], cwd=ROOT, stderr=subprocess.PIPE
    )
    while not (file.exists() and file.read_text()) and waiting.poll() is None:
        time.sleep(0.05)
    if end is not None:
        waiting.send_signal(end)
    _, said = waiting.communicate(timeout=60)
    assert (b"KeyboardInterrupt" in said) == (end == signal.SIGINT)
    for _ in range(600):  # where nobody could end it any more, its own alarm does
        if not _runs(file.read_text()):
            return
        time.sleep(0.05)
    raise AssertionError("it runs on")


def _runs(number: str) -> bool:
    try:
        return "State:\tZ" not in Path("/proc", number, "status").read_text("utf-8")
    except OSError:
        return False
