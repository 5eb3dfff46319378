"""Bundles hold what they must and nothing else, and mark when they are run as the services do."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from octlessons.errors import OctlessonsError
from octlessons.exercises import load_catalogue
from octlessons.exercises.source import read_source
from octlessons.grading.assignment import load_assignment
from octlessons.grading.integrations import SERVICES, bundles, make_bundle, services
from tests.book.test_leaks import cuts, leaks, squeezed
from tests.grading.numpy_course import CORRECT, HIDDEN, PARTLY, make_course

ROOT = Path(__file__).resolve().parents[2]

#: Every way of making a bundle, and where students cannot read what is in it.
WAYS = {
    "gradescope": ("gradescope", ""),
    "classroom50": ("classroom50", ""),
    "actions": ("actions", ""),
    "actions with a private repository": ("actions", "school/checks"),
}

LATE = """
[late]
due = 2026-12-01T12:00:00Z
grace_minutes = 7.5
percent_per_day = 10

[late.extensions]
"ana@example.org" = 2026-12-05T12:00:00+01:00
'odd "name"' = 2026-12-03T12:00:00Z
"""

BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(BASH is None, reason="the scripts are for bash")


def content_of(path: Path) -> dict[str, bytes]:
    """Files of a folder and of a zip in it, by name."""
    found: dict[str, bytes] = {}
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file():
                found[file.relative_to(path).as_posix()] = file.read_bytes()
    else:
        found[path.name] = path.read_bytes()
    for name in [name for name in found if name.endswith(".zip")]:
        place = path / name if path.is_dir() else path
        inner = place.with_name(f"{place.name}-unpacked")
        with zipfile.ZipFile(place) as archive:
            archive.extractall(inner)
        found |= {f"{name}/{key}": value for key, value in content_of(inner).items()}
        shutil.rmtree(inner)
    return found


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module", params=WAYS)
def made(request, course, tmp_path_factory):
    """Files of a bundle of the small course, and whether students cannot read them."""
    service, repository = WAYS[request.param]
    out = tmp_path_factory.mktemp("bundle")
    bundle = make_bundle(service, out, config=course, repository=repository)
    private = service == "gradescope" or bool(repository)
    return content_of(out), private, bundle


def test_hidden_checks_and_key_are_only_where_students_cannot_read(made):
    files, private, bundle = made
    hidden = [name for name in files if "hidden/" in name]
    assert len(hidden) == (len(HIDDEN) if private else 0)
    tell_tale = b"test_random"
    assert any(tell_tale in data for data in files.values()) == private
    assert any(b"a secret of the course" in data for data in files.values()) == private
    assert (bundle.notes == ()) == private
    students = {name: data for name, data in files.items() if name.startswith("student/")}
    assert not any(tell_tale in data or b"secret of" in data for data in students.values())


def test_nothing_of_this_machine_is_in_it(made):
    files, _, _ = made
    for name, data in files.items():
        assert str(ROOT).encode() not in data, name


@pytest.mark.parametrize("service", SERVICES)
def test_same_input_gives_the_same_bytes(service, course, tmp_path):
    one, two = (tmp_path / name for name in ("one.zip", "two.zip"))
    make_bundle(service, one, config=course)
    for file in course.parent.rglob("*"):
        os.utime(file, (1e9, 1e9))
    make_bundle(service, two, config=course)
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_gradescope_zip_has_its_programs(course, tmp_path):
    bundle = make_bundle("gradescope", tmp_path / "new", config=course)
    assert bundle.path == tmp_path / "new" / "gradescope.zip"
    with zipfile.ZipFile(bundle.path) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    for name in ("setup.sh", "run_autograder", "install.sh"):
        assert modes[name] & stat.S_IXUSR
    assert not modes["grading.toml"] & stat.S_IXUSR


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_no_solution_is_in_it(way, tmp_path):
    service, repository = WAYS[way]
    out = tmp_path / "out"
    make_bundle(service, out, repository=repository)  # of the course itself
    files = {
        name: squeezed(data.decode("utf-8", errors="replace"))
        for name, data in content_of(out).items()
        if name.endswith(
            (".py", ".md", ".txt", ".toml", ".json", ".ipynb", ".sh", ".yml", "_autograder")
        )
    }
    assert len(files) > 100
    assert not any("solutions/" in name for name in files)
    for exercise in load_catalogue(ROOT):
        answer = cuts(read_source(exercise.solution))
        assert [name for name, text in files.items() if leaks(answer, text)] == [], exercise.id


@pytest.mark.slow
def test_the_package_in_it_is_this_one_and_runs(course, tmp_path):
    out = make_bundle("classroom50", tmp_path / "out", config=course).path
    package = out / "package" / "octlessons"
    ours = [p for p in (ROOT / "octlessons").rglob("*") if p.is_file() and p.suffix != ".pyc"]
    ours = [p for p in ours if not any(part.startswith(".") for part in p.parts[-3:])]
    assert {p.relative_to(package) for p in package.rglob("*") if p.is_file()} == {
        p.relative_to(ROOT / "octlessons") for p in ours
    }
    assert not (package / "course").exists()
    code = "import octlessons.grading.integrations.services as s; print(s.__file__)"
    environment = os.environ | {"PYTHONPATH": str(package.parent)}
    run = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=environment,
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == str(package / "grading" / "integrations" / "services.py")


def test_the_image_for_submissions_holds_no_checks(tmp_path):
    out = make_bundle("container", tmp_path / "image").path
    text = (out / "Dockerfile").read_text("utf-8")
    assert "FROM python:3." in text and "@" not in text
    assert {path.name for path in out.iterdir()} == {
        *("Dockerfile", "package", "requirements.txt", "constraints.txt")
    }
    assert not [path for path in out.rglob("*") if path.name.startswith("test_")]


def test_what_is_to_be_installed_is_what_the_package_needs_on_linux(course, tmp_path):
    out = make_bundle("classroom50", tmp_path / "out", config=course).path
    lines = (out / "requirements.txt").read_text("utf-8").splitlines()
    names = {re.match(r"[A-Za-z0-9_.-]+", line)[0] for line in lines}
    assert names >= {"numpy", "pytest", "onnxruntime", "jinja2", "copydetect", "pyseccomp"}
    assert not names & {"torch", "jupyter-book", "ruff", "octlessons"}


def test_config_is_the_same_assignment(course, tmp_path):
    config = course.with_name("late.toml")
    text = course.read_text("utf-8").replace("Three NumPy exercises", 'Ünï \\"3\\"\\u007f 🙂')
    config.write_text(
        f"{text}\n[limits]\ncpu_seconds = 7\n[limits.ex2]\nmemory_mb = 512\n{LATE}", "utf-8"
    )
    with zipfile.ZipFile(
        make_bundle("gradescope", tmp_path / "b.zip", config=config).path
    ) as zipped:
        zipped.extractall(tmp_path / "bundle")
    before = load_assignment(config)
    after = load_assignment(tmp_path / "bundle" / "grading.toml")
    assert replace(after, root=before.root, secrets=before.secrets) == before
    assert after.root == (tmp_path / "bundle").resolve()


def test_only_the_chosen_exercises_are_in_it(course, tmp_path):
    out = make_bundle("classroom50", tmp_path / "out", config=course, exercises=["ex2"]).path
    names = {path.stem for path in out.rglob("*.py") if "package" not in path.parts}
    assert names == {"autograder", "ex2", "test_ex2"}
    assert load_assignment(out / "grading.toml").ids == ["ex2"]


def test_exercises_with_networks_bring_their_libraries(tmp_path):
    config = make_course(tmp_path / "course")
    catalogue = config.parent / "exercises" / "catalogue.toml"
    first, rest = catalogue.read_text("utf-8").split('needs = "core"', 1)
    catalogue.write_text(f'{first}needs = "deep"{rest}', "utf-8")
    for name, deep in (("ex1", True), ("ex2", False)):
        out = make_bundle("classroom50", tmp_path / name, config=config, exercises=[name]).path
        assert ("torch>=" in (out / "requirements.txt").read_text("utf-8")) == deep


def test_versions_are_pinned(course, tmp_path, monkeypatch):
    out = make_bundle("classroom50", tmp_path / "one", config=course).path
    assert (out / "constraints.txt").read_bytes() == (ROOT / "constraints.txt").read_bytes()
    # Installed, there is no such file: then it is what is installed.
    monkeypatch.setattr(bundles, "_PACKAGE", bundles._PACKAGE / "grading")
    pins = bundles._constraints().splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin) for pin in pins)
    assert {"numpy", "scikit-learn", "pytest", "pillow"} <= {pin.split("==")[0] for pin in pins}


@pytest.mark.parametrize(
    ("service", "options", "says"),
    [
        ("moodle", {}, "no bundle for 'moodle'"),
        ("classroom50", {"hidden": "hidden"}, "stay out of this bundle"),
        ("actions", {"hidden": "hidden"}, "--repository OWNER/NAME"),
        ("gradescope", {"repository": "a/b"}, "is for actions"),
        ("actions", {"repository": "a/b\n  evil: true"}, "write OWNER/NAME"),
        ("gradescope", {"exercises": ["ex9"]}, "no exercise called 'ex9'"),
    ],
)
def test_mistakes_are_sentences(service, options, says, course, tmp_path):
    if "hidden" in options:
        options = {**options, "hidden": course.parent / "hidden"}
    with pytest.raises(OctlessonsError, match=re.escape(says)):
        make_bundle(service, tmp_path / "out", config=course, **options)
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over(course, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OctlessonsError, match="something in"):
        make_bundle("actions", tmp_path, config=course)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_workflow_is_careful(course, tmp_path):
    for repository in ("", "school/checks"):
        out = make_bundle(
            "actions", tmp_path / f"x{repository[:1]}", config=course, repository=repository
        )
        (path,) = out.path.rglob(".github/workflows/octlessons.yml")
        text = path.read_text("utf-8")
        assert "@" not in re.sub(r"uses: actions/[a-z-]+@v\d+\n", "", text)
        ours = (ROOT / ".github" / "workflows" / "test.yml").read_text("utf-8")
        pinned = dict(re.findall(r"uses: (actions/[a-z-]+)@(v\d+)", ours))
        used = re.findall(r"uses: (actions/[a-z-]+)@(v\d+)", text)
        assert used and all(pinned[name] == version for name, version in used)
        assert "permissions:\n  contents: read\n" in text
        assert text.count("persist-credentials: false") == text.count("actions/checkout")
        assert "kernel.apparmor_restrict_unprivileged_userns=0" in text
        assert ("repository: school/checks" in text) == bool(repository)
        # Nothing that a student names (branch, message) gets into a script.
        assert set(re.findall(r"\$\{\{\s*(\S+)\s*\}\}", text)) <= {
            "runner.temp",
            "github.workspace",
            "secrets.OCTLESSONS_CHECKS",
        }


@needs_bash
def test_scripts_are_valid_and_strict():
    for path in sorted((ROOT / "octlessons" / "grading" / "integrations" / "files").rglob("*")):
        if path.is_file() and path.read_text("utf-8").startswith("#!"):
            assert "\nset -euo pipefail\n" in path.read_text("utf-8")
            subprocess.run([BASH, "-n", str(path)], check=True)
            if shutil.which("shellcheck"):
                subprocess.run(["shellcheck", str(path)], check=True)


# --- run as the services do -----------------------------------------------------------------------

CRASHING = {**CORRECT, "ex2": "import os\n\n\ndef moving_average(x, k):\n    os._exit(7)\n"}

# Made by whatever is taken in from a submission outside its sandbox.
SHADOWED = Path(tempfile.gettempdir(), f"octlessons-shadowed-{os.getpid()}")
MAKE_SHADOW = f"open({str(SHADOWED)!r}, 'w').write('x')\n"

# Everything that Python or pytest would take in from a working folder.
SHADOWS = {
    "octlessons.py": "raise SystemExit('shadow')\n",
    "octlessons/__init__.py": "raise SystemExit('shadow')\n",
    "numpy.py": "raise SystemExit('shadow')\n",
    "pytest.py": "raise SystemExit('shadow')\n",
    "conftest.py": "def pytest_runtest_makereport(item, call): raise SystemExit('shadow')\n",
    "sitecustomize.py": MAKE_SHADOW,
    "usercustomize.py": MAKE_SHADOW,
    "pytest.ini": "[pytest]\naddopts = --collect-only\n",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--collect-only'\n",
    "run_autograder": "#!/bin/sh\necho '{\"score\": 100}' > /autograder/results/results.json\n",
    "autograder.py": "raise SystemExit(0)\n",
    "grading.toml": "exercises = []\n",
    "exercises/catalogue.toml": "",
    "tests/exercises/numpy/test_ex1.py": "def test_example(student):\n    '''Passes.'''\n",
    "results/results.json": '{"score": 100}',
    "result.json": '{"schema": "classroom50/result/v1", "score": 6, "max-score": 6, "tests": []}',
    "release-body.md": "# Full marks\n",
}

#: What is handed in, its points of 6, and by exercise.
HANDED_IN = {
    "right": ({f"{name}.py": text for name, text in CORRECT.items()}, 6),
    "crashing": ({f"{name}.py": text for name, text in CRASHING.items()}, 4),
    "nothing": ({}, 0),
    "shadows": ({**{f"{name}.py": text for name, text in PARTLY.items()}, **SHADOWS}, 3),
}

METADATA = {
    "id": 123456,
    "created_at": "2026-11-20T14:22:32.365935-07:00",
    "assignment": {"due_date": "2026-11-30T23:00:00.000000-07:00", "title": "W1", "id": 1},
    "submission_method": "upload",
    "users": [{"email": "ana@example.org", "id": 1234, "name": "Ana Li"}],
    "previous_submissions": [],
}


@pytest.fixture(autouse=True)
def no_shadow():
    """Nothing of a submission runs outside its sandbox."""
    yield
    there = SHADOWED.exists()
    SHADOWED.unlink(missing_ok=True)
    assert not there


def hand_in(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def public(files: dict[str, str], points: int) -> int:
    """Points where only the public checks, of one point each, are in the bundle."""
    return {6: 3, 3: 2, 4: 2, 0: 0}[points]


class Gradescope:
    """A folder that stands for Gradescope's /autograder."""

    def __init__(self, root: Path, bundle: Path):
        self.root = root
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(root / "source")
        # As its image is made: the program is copied one folder up.
        shutil.copy(root / "source" / "run_autograder", root / "run_autograder")
        (root / "run_autograder").chmod(0o755)
        self.metadata: dict | str | None = METADATA
        self.python = sys.executable

    def run(self, files: dict[str, str]) -> dict:
        shutil.rmtree(self.root / "submission", ignore_errors=True)
        folder = hand_in(self.root / "submission", files)
        if self.metadata is not None:
            text = self.metadata if isinstance(self.metadata, str) else json.dumps(self.metadata)
            (self.root / "submission_metadata.json").write_text(text)
        environment = {
            **os.environ,
            "OCTLESSONS_AUTOGRADER": str(self.root),
            "OCTLESSONS_PYTHON": self.python,
            "PYTHONPATH": str(folder),  # harsher than the service
        }
        self.process = subprocess.run(
            [self.root / "run_autograder"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return json.loads((self.root / "results" / "results.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def gradescope_zip(course, tmp_path_factory):
    return make_bundle("gradescope", tmp_path_factory.mktemp("zip") / "a.zip", config=course).path


@pytest.fixture
def gradescope(gradescope_zip, tmp_path, isolation):
    if BASH is None:
        pytest.skip("Gradescope's program is for bash")
    return Gradescope(tmp_path / "autograder", gradescope_zip)


@pytest.mark.slow
@pytest.mark.parametrize("what", HANDED_IN)
def test_gradescope(what, gradescope):
    files, points = HANDED_IN[what]
    results = gradescope.run(files)
    assert gradescope.process.returncode == 0, gradescope.process.stderr
    assert results["score"] == points
    assert sum(test["max_score"] for test in results["tests"]) == 6
    hidden = [test for test in results["tests"] if test["visibility"] == "hidden"]
    assert len(hidden) == 3
    assert "test_random" not in json.dumps(results)


@pytest.mark.slow
def test_gradescope_knows_student_and_time(gradescope, course):
    config = gradescope.root / "source" / "grading.toml"
    config.write_text(config.read_text("utf-8") + "\n" + LATE, "utf-8")
    right = HANDED_IN["right"][0]
    late = {**METADATA, "created_at": "2026-12-03T10:00:00Z"}
    gradescope.metadata = late | {"users": [{"email": "ben@example.org", "id": 5, "name": "Ben"}]}
    found = gradescope.run(right)
    assert found["score"] == pytest.approx(6 - 2 * 0.6)
    # An extension of the course's, known by the address; then one of Gradescope's.
    gradescope.metadata = late
    assert gradescope.run(right)["score"] == 6
    own = {"email": "ben@example.org", "assignment": {"due_date": "2026-12-03T12:00:00Z"}}
    gradescope.metadata = late | {"users": [own]}
    assert gradescope.run(right)["score"] == 6


@pytest.mark.parametrize("metadata", [None, "", "{", "[]", '{"users": null}', '{"users": [7]}'])
def test_unusable_metadata_of_gradescope_are_nobody(metadata, tmp_path):
    path = tmp_path / "submission_metadata.json"
    if metadata is not None:
        path.write_text(metadata)
    assert services.gradescope_sender(path) == services.Sender()


def failed(results: dict) -> bool:
    return "score" not in results and "tests" not in results and "no mark" in results["output"]


@pytest.mark.slow
def test_gradescope_failure_is_no_zero(gradescope):
    right = HANDED_IN["right"][0]
    gradescope.python = "/nowhere/python"
    assert failed(gradescope.run(right))
    assert gradescope.process.returncode
    gradescope.python = sys.executable
    config = gradescope.root / "source" / "grading.toml"
    text = config.read_text("utf-8")
    config.write_text("exercises = 3", "utf-8")
    assert failed(gradescope.run(right))
    assert "exercises is to be a list" in gradescope.process.stdout
    config.write_text(text, "utf-8")
    check = gradescope.root / "source" / "tests" / "exercises" / "numpy" / "test_ex2.py"
    check.write_text("import nowhere\n", "utf-8")
    assert failed(gradescope.run(right))
    assert gradescope.process.returncode


@pytest.mark.slow
def test_gradescope_replaces_an_earlier_result(gradescope):
    results = gradescope.root / "results"
    results.mkdir(parents=True)
    target = gradescope.root / "elsewhere"
    target.write_text("mine")
    (results / "results.json").symlink_to(target)
    assert gradescope.run(HANDED_IN["right"][0])["score"] == 6
    assert target.read_text() == "mine"


@pytest.mark.slow
def test_gradescope_shows_the_submission_nothing(gradescope):
    """Checks, hidden checks, key, metadata and results are out of a submission's sight."""
    spy = """\
import os


def standardize(X):
    seen = []
    for place in PLACES:
        try:
            seen.append(open(place).read()[:20] if not os.path.isdir(place) else os.listdir(place))
        except OSError:
            pass
    print("seen:", seen)
    return X
"""
    root = gradescope.root
    places = [
        *(root / "source" / name for name in ("grading.toml", "hidden", "tests", "exercises")),
        *(root / name for name in ("results", "submission", "submission_metadata.json")),
        root,
    ]
    source = spy.replace("PLACES", repr(list(map(str, places))))
    gradescope.run({"ex1.py": source})
    assert gradescope.process.returncode == 0
    for name in ("source", "submission", "submission_metadata.json"):
        assert not (root / name).stat().st_mode & 0o077
    sender = services.gradescope_sender(root / "submission_metadata.json")
    _, files = services.mark(root / "submission", root / "source", sender)
    (exercise, *_) = json.loads(files["result.json"])["exercises"]
    assert "seen: []" in exercise["printed"]


def test_group_is_known_by_all_members(tmp_path):
    path = tmp_path / "submission_metadata.json"
    users = [{"email": f"{name}@example.org", "name": name.title()} for name in ("zoe", "ana")]
    path.write_text(json.dumps({**METADATA, "users": users}))
    sender = services.gradescope_sender(path)
    assert sender.student == "ana@example.org"
    assert sender.name == "Ana, Zoe"
    assert list(sender.others.values()) == ["zoe@example.org"]
    assert sender.submitted == datetime(2026, 11, 20, 21, 22, 32, 365935, UTC)


#: What its runner tells.
KNOWN = {
    "CLASSROOM": "oct",
    "ASSIGNMENT": "w1",
    "SUBMISSION_TAG": "submit/2026-11-27T10-00-00Z-abcdef0",
    "COMMIT_URL": "https://example.org/commit/1",
    "RELEASE_URL": "https://example.org/release/1",
    "REVIEW_URL": "https://example.org/review/1",
    "USERNAME": "ana",
    "OWNER": "ana",
}


class Classroom50:
    """Runs autograder.py as Classroom 50's runner does: its own interpreter, in the checkout."""

    def __init__(self, bundle: Path, checkout: Path):
        self.bundle, self.checkout = bundle, checkout
        self.python = sys.executable

    def run(self, files: dict[str, str]) -> int:
        hand_in(self.checkout, files)
        environment = {**os.environ, **KNOWN, "OCTLESSONS_PYTHON": self.python}
        self.process = subprocess.run(
            [sys.executable, str(self.bundle / "autograder.py")],
            cwd=self.checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return self.process.returncode


@pytest.fixture(scope="module")
def classroom50_bundle(course, tmp_path_factory):
    return make_bundle("classroom50", tmp_path_factory.mktemp("c50"), config=course).path


@pytest.fixture
def classroom50(classroom50_bundle, tmp_path, isolation):
    return Classroom50(classroom50_bundle, tmp_path / "checkout")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["right", "shadows"])
def test_classroom50(what, classroom50):
    files, points = HANDED_IN[what]
    assert classroom50.run(files) == 0, classroom50.process.stdout + classroom50.process.stderr
    result = json.loads((classroom50.checkout / "result.json").read_text("utf-8"))
    assert result["schema"] == "classroom50/result/v1"
    assert (result["score"], result["max-score"]) == (public(files, points), 3)
    assert type(result["score"]) is int
    assert result["score"] == sum(test["score"] for test in result["tests"])
    assert result["submission"] == KNOWN["SUBMISSION_TAG"]
    for name in ("classroom", "assignment"):
        assert result[name] == KNOWN[name.upper()]
    for name in ("commit", "release", "review"):
        assert result[name] == KNOWN[f"{name.upper()}_URL"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", result["datetime"])
    body = (classroom50.checkout / "release-body.md").read_text("utf-8")
    assert f"<strong>{public(files, points)}</strong> of 3 points" in body
    assert "Full marks" not in body


@pytest.mark.slow
def test_classroom50_failure_leaves_no_result(classroom50):
    classroom50.python = "/nowhere/python"
    assert classroom50.run({**HANDED_IN["right"][0], **SHADOWS}) != 0
    assert not (classroom50.checkout / "result.json").exists()
    assert not (classroom50.checkout / "release-body.md").exists()


def test_classroom50_without_a_mark_for_every_exercise(tmp_path, monkeypatch):
    files = {"result.json": b"{}", "classroom50.json": b"{}"}
    monkeypatch.setattr(services, "mark", lambda *_: (False, files))
    assert services.main(["classroom50", str(tmp_path), str(tmp_path)]) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_classroom50_takes_away_what_the_student_put_there(classroom50, tmp_path):
    hand_in(classroom50.checkout, HANDED_IN["right"][0])
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    (classroom50.checkout / "result.json").symlink_to(precious)
    (classroom50.checkout / "release-body.md").mkdir()
    assert classroom50.run({}) == 0
    assert (precious / "file").read_text() == "mine"
    assert json.loads((classroom50.checkout / "result.json").read_text("utf-8"))["score"] == 3


class Actions:
    """Runs the workflow's last script on a workspace, as a runner of GitHub does."""

    def __init__(self, bundle: Path, workspace: Path, private: bool):
        self.workspace, self.python = workspace, sys.executable
        self.results = workspace / "results"
        self.summary = workspace / "summary.md"
        if private:
            shutil.copytree(bundle / "checks", workspace / "checks")
            shutil.copytree(bundle / "student", workspace / "submission")
            self.script = workspace / "checks" / "grade.sh"
        else:
            shutil.copytree(bundle, workspace / "submission")
            self.script = workspace / "submission" / ".github" / "octlessons" / "grade.sh"

    def run(self, files: dict[str, str], event: dict | None = None) -> int:
        folder = hand_in(self.workspace / "submission", files)
        (self.workspace / "event.json").write_text(json.dumps(event or {}))
        environment = {
            **os.environ,
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_EVENT_PATH": str(self.workspace / "event.json"),
            "GITHUB_REPOSITORY": "school/w1-ana",
            "OCTLESSONS_PYTHON": self.python,
            "OCTLESSONS_SUBMISSION": str(folder),
            "OCTLESSONS_RESULTS": str(self.results),
        }
        self.process = subprocess.run(
            [BASH, str(self.script)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return self.process.returncode


@pytest.fixture(scope="module", params=["public", "private"])
def actions_bundle(request, course, tmp_path_factory):
    private = request.param == "private"
    out = tmp_path_factory.mktemp("actions")
    repository = "school/checks" if private else ""
    return make_bundle("actions", out, config=course, repository=repository).path, private


@pytest.fixture
def actions(actions_bundle, tmp_path, isolation):
    if BASH is None:
        pytest.skip("the script is for bash")
    bundle, private = actions_bundle
    made = Actions(bundle, tmp_path / "workspace", private)
    made.private = private
    return made


@pytest.mark.slow
def test_actions(actions):
    files, points = HANDED_IN["shadows"]
    assert actions.run(files) == 0, actions.process.stdout + actions.process.stderr
    result = json.loads((actions.results / "result.json").read_text("utf-8"))
    expected = (points, 6) if actions.private else (public(files, points), 3)
    assert (result["final"], result["max_points"]) == expected
    assert result["student"] == "school/w1-ana"
    text = actions.summary.read_text("utf-8")
    assert f"<strong>{expected[0]}</strong> of {expected[1]} points" in text
    assert "\n\n" not in text
    assert "random" not in text.lower()
    assert (actions.results / "index.html").is_file()


@pytest.mark.slow
def test_actions_failure_is_red_and_no_zero(actions):
    actions.script.with_name("grading.toml").write_text("exercises = 3", "utf-8")
    assert actions.run(HANDED_IN["right"][0]) == 1
    assert "no mark" in actions.summary.read_text("utf-8")
    assert not actions.results.exists()


def test_pushed_at_is_githubs_time(tmp_path):
    event = tmp_path / "event.json"
    times = {1764230400: 1764230400, "2025-11-27T08:00:00Z": 1764230400, "soon": None, True: 1}
    for value, expected in times.items():
        event.write_text(json.dumps({"repository": {"pushed_at": value}}))
        found = services._pushed(str(event))
        assert (found and int(found.timestamp())) == expected
    assert services._pushed(None) is None
    assert services._pushed(str(tmp_path)) is None


def test_summary_keeps_text_text():
    evil = "<img src=x>\n\n[click](https://example.org)\n\n# heading | `code`"
    check = {"title": evil, "outcome": "failed", "message": evil, "points": 0, "max_points": 1}
    exercise = {
        "title": evil,
        "outcome": "failed",
        "points": None,
        "max_points": 1,
        "note": evil,
        "problem": evil,
        "checks": [check],
    }
    content = {
        "assignment": evil,
        "final": None,
        "max_points": 1,
        "late": {"note": evil},
        "exercises": [exercise],
    }
    text = services.summary(json.dumps(content).encode())
    assert "<img" not in text
    assert "\n\n" not in text
    assert "No mark yet." in text
    content["exercises"] = [exercise] * 20_000
    assert len(services.summary(json.dumps(content).encode())) < 2**20


def test_unknown_service_is_refused(capsys):
    assert services.main(["moodle", "a", "b"]) == 2
    assert services.main([]) == 2
    assert "gradescope BUNDLE ROOT" in capsys.readouterr().out


def test_runtime_of_classroom50_is_one_we_support(classroom50_bundle):
    runtime = json.loads((classroom50_bundle / "runtime.json").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"Programming Language :: Python :: {runtime['python']}" in project["classifiers"]
    assert "bubblewrap" in runtime["apt"]
    size = sum(path.stat().st_size for path in classroom50_bundle.rglob("*"))
    assert size < 10 * 2**20  # what the runner fetches
