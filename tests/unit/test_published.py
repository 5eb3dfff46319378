"""What makes the course run elsewhere: Binder's environment, and the branch that Colab opens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv

import pytest
import yaml

from tests.conftest import ROOT


def git(folder, *arguments) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(
        ["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("git") is None or os.name == "nt", reason="needs git and a POSIX shell"
)
def test_notebooks_go_to_a_branch_of_their_own_one_folder_for_each_edition(tmp_path):
    """A bare repository stands for the one on a server."""
    server, clone = tmp_path / "server.git", tmp_path / "clone"
    subprocess.run(["git", "init", "-q", "--bare", str(server)], check=True)
    git(tmp_path, "clone", "-q", str(server), str(clone))
    (clone / "book.md").write_text("text")
    git(clone, "add", ".")
    git(clone, "commit", "-qm", "first")
    git(clone, "push", "-q", "origin", "HEAD:main")
    for edition, content in (("v1", "one"), ("main", "two"), ("main", "three")):
        (clone / "made").mkdir(exist_ok=True)
        (clone / "made" / "03.ipynb").write_text(content)
        push = ["bash", str(ROOT / ".github" / "push-notebooks"), "made", edition]
        subprocess.run(push, cwd=clone, check=True, capture_output=True)
        git(clone, "worktree", "prune")
    listed = git(server, "ls-tree", "-r", "--name-only", "notebooks").split()
    assert listed == ["main/03.ipynb", "v1/03.ipynb"]
    assert git(server, "show", "notebooks:main/03.ipynb") == "three"
    assert git(server, "show", "main:book.md") == "text"
    assert len(git(server, "log", "--format=%h", "notebooks").split()) == 3


def test_workflows_name_what_there_is():
    """Modules that are run exist, and only what publishes may write."""
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        text = path.read_text("utf-8")
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {"contents": "read"}, path.name
        for module in re.findall(r"python -m (octlessons[\w.]*|tests[\w.]*)", text):
            place = ROOT / module.replace(".", "/")
            assert place.with_suffix(".py").is_file() or place.is_dir(), module
        for program in re.findall(r"(\.(?:github|ci)/[\w-]+)(?= )", text):
            assert os.access(ROOT / program, os.X_OK), program
    release = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
    assert release["jobs"]["pypi"]["permissions"] == {"id-token": "write"}
    assert release["jobs"]["pypi"]["needs"] == "build"


def test_binder_installs_this_course_in_the_pinned_versions():
    lines = (ROOT / ".binder/requirements.txt").read_text("utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert wanted == ["-c ../constraints.txt", ".[book]"]
    assert re.fullmatch(r"python-3\.1[1-3]\n", (ROOT / ".binder/runtime.txt").read_text("utf-8"))
    assert os.access(ROOT / ".binder/postBuild", os.X_OK) or os.name == "nt"


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform != "linux", reason="Binder is Linux")
def test_binder_builds(tmp_path):
    """Its environment is installed, and makes the notebooks."""
    checkout = tmp_path / "course"
    leave = shutil.ignore_patterns(".git", ".venv", "_build", "dist", "__pycache__")
    shutil.copytree(ROOT, checkout, ignore=leave)
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    run = {"cwd": checkout, "capture_output": True, "text": True}
    install = [programs / "python", "-m", "pip", "install", "-q", "-r", ".binder/requirements.txt"]
    done = subprocess.run(install, **run)
    if "Retrying (" in done.stderr:
        pytest.skip("no package index here")
    assert done.returncode == 0, done.stderr[-2000:]
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    subprocess.run([checkout / ".binder/postBuild"], **run, check=True, env={"PATH": path})
    assert (checkout / "notebooks/03-k-means-on-pixels.ipynb").is_file()
