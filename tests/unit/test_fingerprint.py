"""What a result depends on: what its code reaches, the libraries, and what it was given."""

from __future__ import annotations

import pytest

from octlessons import _fingerprint


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in the place of ours; `write` changes a file of it."""
    files = {
        "__init__.py": "",
        "top.py": "from octlessons.room import thing\n",
        "room/__init__.py": "",
        "room/inner.py": "def work():\n    from octlessons import deep\n",
        "room/facts.json": "{}",
        "deep.py": "x = 1\n",
        "other.py": "y = 1\n",
    }

    def forget():
        for name in ("reached", "imported", "versions", "_hash"):
            getattr(_fingerprint, name).cache_clear()

    def write(name, text):
        path = tmp_path / "octlessons" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        forget()

    for name, text in files.items():
        write(name, text)
    monkeypatch.setattr(_fingerprint, "PACKAGE", tmp_path / "octlessons")
    yield write
    monkeypatch.undo()
    forget()


@pytest.mark.parametrize("name", ["top.py", "room/inner.py", "room/facts.json", "deep.py"])
def test_what_is_reached_counts(package, name):
    before = _fingerprint.fingerprint("octlessons.top")
    package(name, "z = 2\n")
    assert _fingerprint.fingerprint("octlessons.top") != before


def test_what_is_not_reached_does_not(package):
    before, whole = _fingerprint.fingerprint("octlessons.top"), _fingerprint.fingerprint()
    package("other.py", "y = 2\n")
    assert _fingerprint.fingerprint("octlessons.top") == before
    assert _fingerprint.fingerprint() != whole


def test_settings_and_versions_count(package, monkeypatch):
    before = _fingerprint.fingerprint("octlessons.top")
    assert _fingerprint.fingerprint("octlessons.top", also={"scale": "quick"}) != before
    found = _fingerprint.versions() | {"numpy": "0.1"}
    monkeypatch.setattr(_fingerprint, "versions", lambda: found)
    assert _fingerprint.fingerprint("octlessons.top") != before


def test_line_ends_of_another_system_do_not(package):
    before = _fingerprint.fingerprint("octlessons.top")
    package("deep.py", "x = 1\r\n")
    assert _fingerprint.fingerprint("octlessons.top") == before


def test_kept_results_of_ours_know_what_they_are_made_of():
    """A claim about K-means on phantoms depends on both, and not on the grader."""
    places = {
        path.relative_to(_fingerprint.PACKAGE).as_posix()
        for path in _fingerprint.reached("octlessons.claims.silhouette_k2")
    }
    assert {"clustering/choosing.py", "images/phantoms/scanner.py"} <= places
    assert not [place for place in places if place.startswith(("grading/", "site/"))]
