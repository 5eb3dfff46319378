"""Inputs that graders were seen to get wrong, each with its right verdict.

They are kept outside the project, in ``$OCTLESSONS_SHARED/grading/cases``, and graded in two class
runs, in a process that may take little memory: some take all that they can get.
"""

import json
import os
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from octlessons.grading.assignment import Limits, load_assignment
from octlessons.grading.classrun import grade
from octlessons.grading.intake import read_submissions
from tests.conftest import ROOT
from tests.grading.conftest import limited

pytestmark = pytest.mark.slow

CASES = Path(os.environ.get("OCTLESSONS_SHARED") or ROOT.parent / "shared") / "grading" / "cases"

LOOSE = {"Ana Li": [2, 2, 2], "Bo Ek": [1, 2, 0], "Cy Oz": [0, 0, 0]}
BOTH = {"mallory": [0, 2, 2], "zoe": [2, 2, 2]}

#: Points in the three exercises of the course beside the cases, by student.
RIGHT = {
    "03-strings-end-the-grader/class": BOTH,
    "04-zip-of-loose-files/folder": LOOSE,
    "04-zip-of-loose-files/class.zip": LOOSE,
    "04-zip-of-loose-files/folder-and-loose.zip": {"ana": [2, 2, 2], "Bo Ek": [1, 2, 0]},
    "05-datetime/class": BOTH,
    "06-close-and-sleep/class": BOTH,
    "07-source-of-3-mb/class": BOTH | {"mallory": [2, 2, 2], "mallory-cjk": [2, 0, 0]},
    "10-display-and-get-ipython/class": {"cy": [2, 0, 0], "di": [2, 0, 0]},
    "11-times-that-fit-nobody/class": {"ana": [2, 0, 0], "José": [2, 0, 0]},
    "13-two-hand-ins-of-one-name/class": {
        "bob (bob.zip)": [2, 2, 2],
        "bob (bob_ex1.py)": [0, 0, 0],
        "zoe": [2, 2, 2],
    },
    "14-sentences/class": BOTH | {"complex": [0, 0, 0]},
}

#: Points in exercises of this course, by student.
OURS = {
    "01-no-return/class": {"cy": [0, 0], "di": [0]},
    "02-tie-or-empty/class": {"cy": [1], "di": [0]},
    "03-strings-end-the-grader/capstone": {"mallory": [0]},
    "09-hides-a-change/class": {"honest": [4], "mallory": [4]},
}

#: Words that are said about some of them.
SAID = {
    "01-no-return/class": "return",
    "03-strings-end-the-grader/class": "text among its values",
    "11-times-that-fit-nobody/class": "anna fits no student",
    "13-two-hand-ins-of-one-name/class": "2 hand-ins have the name bob",
    "14-sentences/class": "complex numbers",
}

MEMORY = 3 * 2**30

_GRADE = f"""
import json, resource, sys
resource.setrlimit(resource.RLIMIT_DATA, ({MEMORY}, {MEMORY}))
from pathlib import Path
from tests.grading.test_cases import graded
if __name__ == "__main__":
    found = graded(*sys.argv[1:])
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps([found, children]))
"""


def graded(out: str, isolation: str) -> dict:
    """Grade everything; points, texts and notices by case."""
    found: dict[str, dict] = {}
    three = load_assignment(CASES / "course" / "grading.toml")
    ours = load_assignment(exercises=_exercises())
    limits = Limits(cpu_seconds=2, wall_seconds=10, memory_mb=1024)
    for cases, loaded in ((RIGHT, three), (OURS, ours)):
        works, places = [], {}
        for case in cases:
            said: list[str] = []
            for entry in read_submissions(CASES / case, loaded.ids, notice=said.append):
                slug = f"{len(places):03}"
                places[slug] = (case, entry)
                works.append(replace(entry, slug=slug))
            found[case] = {"said": said, "points": {}}
        folder = Path(out, loaded.tasks[0].id)
        result = grade(works, limited(loaded, limits), folder, isolation=isolation, jobs=2)
        for slug, (case, entry) in places.items():
            points = found[case]["points"][unicodedata.normalize("NFC", entry.name)] = []
            for exercise in loaded.ids:
                if loaded is three or not entry.works[exercise].missing:
                    record = result.records[slug, exercise]
                    points.append(None if record.no_mark else record.points)
                    found[case]["said"] += [check.message for check in record.checks]
    return found


def _exercises() -> list[str]:
    return sorted({path.stem for case in OURS for path in (CASES / case).rglob("*.py")})


@pytest.fixture(scope="module")
def found(isolation, tmp_path_factory):
    if not CASES.is_dir():
        pytest.skip("no cases here: set OCTLESSONS_SHARED to the folder that holds grading/cases")
    out = tmp_path_factory.mktemp("cases")
    done = subprocess.run(
        [sys.executable, "-c", _GRADE, str(out), isolation],
        cwd=ROOT,
        env=os.environ | {"OCTLESSONS_COURSE": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", RIGHT | OURS)
def test_case(found, case):
    assert found[0][case]["points"] == (RIGHT | OURS)[case], found[0][case]["said"]
    assert SAID.get(case, "") in "\n".join(found[0][case]["said"])


def test_no_judge_takes_much_memory(found):
    assert found[1] * 1024 < MEMORY / 2


@pytest.mark.slow
def test_who_sleeps_in_every_call_is_stopped_by_the_clock(found, mark):
    """Within the time of each check, but not in that of all of them."""
    three = load_assignment(CASES / "course" / "grading.toml")
    given = read_submissions(CASES / "12-sleeps-in-every-call" / "class", three.ids)
    records = mark(*given, assignment=limited(three, Limits(submission_seconds=4)))
    assert "may take 4 seconds together" in records["mallory", "ex1"].checks[0].message
    assert records["mallory", "ex1"].points == 0
    assert [records["zoe", name].points for name in three.ids] == [2, 2, 2]
