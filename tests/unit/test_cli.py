"""The command line: what it offers, and how it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from octlessons import __version__, doctor
from octlessons.cli import app
from octlessons.errors import OctlessonsError
from octlessons.images import sources
from octlessons.site import building

run = CliRunner().invoke


def test_help_lists_the_commands():
    result = run(app, ["--help"])
    assert result.exit_code == 0
    for command in ("build", "serve", "fetch", "doctor"):
        assert command in result.output


def test_version():
    result = run(app, ["--version"])
    assert result.exit_code == 0
    assert result.output.strip() == f"octlessons {__version__}"


def test_an_error_is_one_sentence_without_a_traceback():
    result = run(app, ["build", "--data", "/no/such/folder"])
    assert result.exit_code == 1
    assert "There is no folder" in result.output
    assert "Traceback" not in result.output and result.exception.__class__ is SystemExit


def test_debug_shows_where_an_error_comes_from():
    result = run(app, ["--debug", "build", "--data", "/no/such/folder"])
    assert isinstance(result.exception, OctlessonsError)


def test_build_passes_on_what_was_asked(monkeypatch, tmp_path):
    asked = {}

    def build(data, **options):
        asked.update(options, data=data)
        found = building.versions()
        return building.Built(
            tmp_path / "index.html", sources.resolve_data("phantoms"), 3, {}, 2.0, found
        )

    monkeypatch.setattr(building, "build", build)
    result = run(app, ["build", "--data", "octmnist-64", "--page", "book/01-a", "--fresh"])
    assert result.exit_code == 0, result.output
    assert asked["data"] == "octmnist-64"
    assert asked["pages"] == ["book/01-a"] and asked["fresh"] is True
    assert str(tmp_path / "index.html") in result.output and "every page came" in result.output


def test_fetch_says_where_the_file_is(monkeypatch):
    from octlessons.images import medmnist

    asked = []
    monkeypatch.setattr(
        medmnist, "fetch_medmnist", lambda *args: asked.append(args) or Path("here.npz")
    )
    result = run(app, ["fetch", "octmnist", "--size", "28"])
    assert asked == [("octmnist", 28, None)]
    assert "here.npz" in result.output


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("note", 0), ("fail", 1)])
def test_doctor_fails_only_when_a_check_does(monkeypatch, state, code):
    checks = [doctor.Check("one", "ok", "fine"), doctor.Check("two", state, "so", "do this")]
    monkeypatch.setattr(doctor, "examine", lambda: checks)
    assert run(app, ["doctor"]).exit_code == code
    report = run(app, ["doctor", "--report"])
    assert report.exit_code == code and "two: so" in report.output


def test_starting_is_quick_and_imports_nothing_heavy():
    code = "import sys, octlessons.cli; print(sorted({'sklearn', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_error_of_the_system_is_a_sentence_too(monkeypatch):
    def build(*_, **__):
        raise PermissionError(13, "Permission denied", "_build")

    monkeypatch.setattr(building, "build", build)
    result = run(app, ["build"])
    assert result.exit_code == 1 and result.exception.__class__ is SystemExit
    assert "Error: " in result.output and "_build" in result.output
    assert isinstance(run(app, ["--debug", "build"]).exception, PermissionError)


def test_a_terminal_without_arrows_does_not_end_a_command():
    code = "from octlessons import cli; cli.main(); print('to \\u2192 from')"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert done.returncode == 0 and done.stdout.split() == [b"to", b"?", b"from"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'jinja2'", name="jinja2"), "[grade]"),
        (ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"), "[deep]"),
        (ModuleNotFoundError("No module named 'numpy'", name="numpy"), "pip install"),
        (ValueError("`scale` is quick, laptop or full, not 'huge'."), "`scale` is quick"),
        (FileNotFoundError(2, "No such file or directory", "a.zip"), "a.zip: No such file"),
        (KeyError("a fault of ours"), None),
    ],
)
def test_every_error_of_a_person_or_the_world_is_a_sentence(monkeypatch, error, words):
    def build(*_, **__):
        raise error

    monkeypatch.setattr(building, "build", build)
    result = run(app, ["build"])
    if words is None:  # what should not happen must not be dressed up
        assert isinstance(result.exception, KeyError)
        return
    assert result.exit_code == 1 and result.exception.__class__ is SystemExit
    assert result.output.startswith("Error: ") and words in result.output
    assert "Traceback" not in result.output
