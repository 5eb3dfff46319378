"""Every known attack, end to end: from a folder of submissions to marks and sentences.

The cases are live code, kept outside the project; they run in the sandbox only. A case is a
submission whose ``ex1`` attacks and whose ``ex2`` and ``ex3`` are right, so it tests that nothing
is forged and that nothing else is lost. All are graded in one class run, each followed by a right
submission.
"""

import json
import os
import re
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from octlessons.grading import wire
from octlessons.grading.assignment import Limits
from octlessons.grading.classrun import grade
from octlessons.grading.exports import write_results
from octlessons.grading.intake import read_submissions
from tests.conftest import ROOT
from tests.grading.conftest import limited
from tests.grading.numpy_course import CORRECT

pytestmark = pytest.mark.slow


def _file() -> Path:
    shared = Path(os.environ.get("OCTLESSONS_SHARED") or ROOT.parent / "shared")
    return shared / "grading" / "attacks.json"


def _cases() -> list[dict]:
    try:
        return json.loads(_file().read_text("utf-8"))["cases"]
    except OSError:
        return []


CASES = {case["id"]: case for case in _cases()}

# These three speak the protocol of the grader that they were written against; here they speak ours.
ADAPTED = {
    "F12": "import os,struct\nfrom octlessons.grading import wire\n"
    "m=b''.join(wire.encode((n,'done',[[-1.,-1.],[1.,1.]],'')) for n in range(1,9))\n"
    "for fd in range(3,64):\n    try: os.write(fd,m)\n    except OSError: pass\n"
    "def standardize(X):\n    return None\n",
    "R17": 'import os,struct\nh=b\'["t",1,"done",["a","<f8",[1000000000000]],""]\'\n'
    "for fd in range(3,8):\n"
    "    try: os.write(fd,struct.pack('<II',len(h),8)+h+b'x'*8)\n    except OSError: pass\n",
    "R20": "import os,struct,time\nos.write(3,struct.pack('<II',1000,0))\n"
    "while True:\n    os.write(3,b'{'); time.sleep(.5)\n",
}


@pytest.fixture(scope="module")
def outcome(isolation, assignment, tmp_path_factory):
    """Grade all cases in one class run."""
    if not CASES:
        pytest.skip(
            "no attack cases here: set OCTLESSONS_SHARED to the folder that holds "
            "grading/attacks.json"
        )
    folder = tmp_path_factory.mktemp("class")
    for case in CASES.values():
        _write(folder, case["id"], case)
    for name, source in ADAPTED.items():
        _write(folder, f"{name}-adapted", CASES[name] | {"submission": {"ex1.py": source}})
    for number in range(len(CASES)):
        _write(folder, f"good-{number:03}", {"submission": {"ex1.py": CORRECT["ex1"]}})
    (folder / '=HYPERLINK("http:x")\n' / "x").mkdir(parents=True)
    quick = limited(assignment, Limits(cpu_seconds=1, wall_seconds=3, memory_mb=1024))
    submissions = read_submissions(folder, quick.ids)
    result = grade(submissions, quick, tmp_path_factory.mktemp("out"), isolation=isolation, jobs=2)
    return {entry.name: entry for entry in submissions}, result


def _write(folder: Path, name: str, case: dict) -> None:
    place = folder / name
    place.mkdir()
    files = case["submission"]
    if case.get("archive"):
        with zipfile.ZipFile(place / "work.zip", "w") as z:
            exec(case["archive"], {"z": z})
        return
    if not any(file.endswith(".ipynb") for file in files):
        for exercise in ("ex2", "ex3"):
            (place / f"{exercise}.py").write_text(CORRECT[exercise])
    for file, text in files.items():
        (place / file).write_text(text, "utf-8", newline="")
    if case.get("setup"):
        exec(case["setup"], {"d": str(place), "G": CORRECT, "os": os})


@pytest.mark.parametrize("name", CASES or ["none"])
def test_attack(outcome, name):
    submissions, result = outcome
    case, entry = CASES[name]["expected"], submissions[name]
    records = {ex: result.records[entry.slug, ex] for ex in CORRECT}
    said = " ".join(check.message for record in records.values() for check in record.checks)
    assert {ex: record.points for ex, record in records.items()} == case["scores"], said
    assert not any(record.no_mark for record in records.values())
    if case["message_regex"] and name not in ADAPTED:
        assert re.search(case["message_regex"], said, re.DOTALL), said


@pytest.mark.parametrize("name", ADAPTED)
def test_attack_in_our_own_protocol(outcome, name):
    submissions, result = outcome
    if not CASES:
        pytest.skip("no attack cases here")
    records = [result.records[submissions[f"{name}-adapted"].slug, ex] for ex in CORRECT]
    said = " ".join(check.message for check in records[0].checks)
    # What is forged for the public example is its known answer; the hidden check is not reached.
    assert sum(check.points for check in records[0].checks if check.hidden) == 0
    assert [record.points for record in records[1:]] == [2, 2]
    expected = CASES[name]["expected"]["message_regex"]
    if expected:
        assert records[0].points == 0 and re.search(expected, said), said


def test_everybody_else_keeps_their_marks(outcome):
    submissions, result = outcome
    good = [entry for name, entry in submissions.items() if name.startswith("good-")]
    assert len(good) == len(CASES)
    assert all(result.records[e.slug, ex].points == 2 for e in good for ex in CORRECT)


def test_nothing_was_written_outside_and_nothing_runs_on(outcome):
    left = ("/tmp/PWNED", "/tmp/PWNED_BY_PICKLE", "/tmp/autograde/mark/nbshell", "/out/r.xml")
    assert not [path for path in left if os.path.exists(path)]


def test_results_of_attackers_can_be_written(outcome, tmp_path):
    _, result = outcome
    for path in write_results(result, tmp_path):
        assert stat.S_ISREG(path.lstat().st_mode)
        path.read_bytes().decode("utf-8")


def test_the_adapted_cases_speak_the_protocol():
    """Without this, an adapted case could miss because it is malformed in another way."""
    header = b'["t",1,"done",["a","<f8",[1000000000000]],""]'
    with pytest.raises(wire.Unreadable, match="claims more bytes"):
        wire.decode(header, b"x" * 8)
    assert struct.calcsize("<II") == 8
