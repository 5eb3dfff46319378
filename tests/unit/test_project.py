"""The project's own files: pins, licences, import cost, versions that agree."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from importlib.metadata import distributions

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import octlessons
from tests.conftest import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {normal(name): version for name, version in pairs}


def test_constraints_hold_exact_versions_and_no_addresses():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text and "@" not in text and "-i " not in text
    for line in text.splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line), (
            line
        )


unpinned = pytest.mark.skipif(
    bool(os.environ.get("OCTLESSONS_UNPINNED")), reason="other versions on purpose"
)


@unpinned
def test_every_requirement_is_pinned():
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(need for extra in extras for need in extra)]
    names = {normal(re.match(r"[A-Za-z0-9._-]+", need).group()) for need in wanted}
    assert names <= set(pins()), f"not pinned: {sorted(names - set(pins()))}"


@unpinned
def test_what_is_installed_is_what_is_pinned():
    installed = {normal(d.metadata["Name"]): d.version.split("+")[0] for d in distributions()}
    others = {
        name: f"{installed[name]} instead of {version}"
        for name, version in pins().items()
        if name in installed and installed[name] != version
    }
    # setuptools and wheel come with the interpreter, not from us
    others.pop("setuptools", None), others.pop("wheel", None)
    assert not others, f"run `make setup`: {others}"


def test_jupyter_book_stays_below_two():
    assert "jupyter-book>=1.0.4,<2" in PYPROJECT["project"]["optional-dependencies"]["book"]


def test_core_needs_no_torch():
    assert not [need for need in PYPROJECT["project"]["dependencies"] if "torch" in need]


def test_import_stays_light():
    heavy = "numpy sklearn skimage matplotlib scipy torch albumentations medmnist pooch typer PIL"
    code = (
        "import sys, octlessons; "
        f"print(*[name for name in {heavy.split()!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []


def test_public_names_exist():
    for name in octlessons.__all__:
        assert getattr(octlessons, name) is not None


def test_versions_agree():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {octlessons.__version__}\n" in citation
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "LICENSE",
        "LICENSE-TEXT",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "CODE_OF_CONDUCT.md",
        "CHANGELOG.md",
        "README.md",
    ],
)
def test_community_files_are_there(name):
    assert len((ROOT / name).read_text(encoding="utf-8")) > 300


def test_no_scan_or_weight_of_the_shared_folder_is_in_the_project(shared):
    import hashlib

    def digest(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()

    theirs = {digest(path): path.name for path in shared.rglob("*.jp*g")}
    theirs |= {digest(path): path.name for path in shared.rglob("*.safetensors")}
    assert len(theirs) > 50
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("not a git checkout, so there is no list of the project's files")
    copies = [
        path
        for path in tracked.stdout.split("\0")
        if path and (ROOT / path).is_file() and digest(ROOT / path) in theirs
    ]
    assert copies == []


@pytest.mark.slow
def test_the_first_snippet_of_the_readme_groups_real_scans(shared, tmp_path):
    """Loose scans in one folder, no classes, no names: the lines as they stand, with the path."""
    files = sorted((shared / "data" / "oct2017_sample").rglob("*.jpeg"))
    files = [files[i] for i in np.random.default_rng(0).permutation(len(files))]
    truth = [file.parent.name for file in files]
    for i, file in enumerate(files):
        shutil.copy(file, tmp_path / f"scan_{i:03d}.jpeg")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = textwrap.dedent(re.search(r"```python\n(.*?)```", text, re.S).group(1))
    assert "path/of/your/folder" in code
    found = {}
    exec(code.replace("path/of/your/folder", str(tmp_path)), found)
    assert list(found["images"].names) == [f"scan_{i:03d}.jpeg" for i in range(len(files))]
    assert adjusted_rand_score(truth, found["clusters"]) > 0.5
