"""Sources of data, keys of caches, publishing and serving; whole builds are in tests/book."""

from __future__ import annotations

import json
import threading
import urllib.request
from pathlib import Path

import pytest

from octlessons import _fingerprint
from octlessons.errors import OctlessonsError
from octlessons.images import sources
from octlessons.site import building, buildlog, checkout, freshness, serving


@pytest.fixture
def course(tmp_path) -> Path:
    """A folder that looks like a checkout."""
    for folder in ("book", "octlessons"):
        (tmp_path / folder).mkdir()
    for name in ("_config.yml", "_toc.yml", "constraints.txt", "book/a.md", "octlessons/m.py"):
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def test_the_checkout_is_found_from_within(course):
    assert checkout.find_root(course / "book") == course.resolve()


def test_without_a_checkout_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(checkout, "__file__", str(tmp_path / "a" / "octlessons" / "site" / "x.py"))
    with pytest.raises(OctlessonsError, match="sources of the course are not here"):
        checkout.find_root(tmp_path)


@pytest.mark.parametrize(
    ("source", "name"),
    [("phantoms", "phantoms"), ("octmnist", "octmnist-28"), ("octmnist-224", "octmnist-224")],
)
def test_named_data(source, name):
    data = sources.resolve_data(source)
    assert data.name == data.value == data.edition == name


@pytest.mark.parametrize("source", ["octmnist-32", "octmnist-big", "nosuchfolder"])
def test_data_that_do_not_exist(source):
    with pytest.raises(OctlessonsError, match="octmnist-64"):
        sources.resolve_data(source)


def test_a_folder_is_known_by_its_files(tmp_path):
    folder = tmp_path / "Scans of mine (2)"
    (folder / "CNV").mkdir(parents=True)
    first = sources.resolve_data(str(folder))
    assert first.value == str(folder.resolve()) and first.edition == "Scans-of-mine-2"
    assert sources.resolve_data(str(folder)) == first
    (folder / "CNV" / "CNV-1-1.jpeg").write_bytes(b"abc")
    second = sources.resolve_data(str(folder))
    assert second.fingerprint != first.fingerprint
    (folder / "CNV" / "CNV-1-1.jpeg").write_bytes(b"abcd")
    assert sources.resolve_data(str(folder)).fingerprint != second.fingerprint


def test_keys_change_with_what_matters(course, monkeypatch):
    phantoms, other = sources.resolve_data("phantoms"), sources.resolve_data("octmnist-64")
    code, site = freshness.code_key(course, phantoms), freshness.site_key(course, phantoms)
    assert freshness.code_key(course, other) != code
    (course / "book" / "__pycache__").mkdir()
    (course / "book" / "__pycache__" / "m.pyc").write_text("x")
    assert freshness.site_key(course, phantoms) == site
    (course / "book" / "a.md").write_text("other prose")
    assert freshness.code_key(course, phantoms) == code
    assert freshness.site_key(course, phantoms) != site
    (course / "constraints.txt").write_text("changed")
    assert freshness.code_key(course, phantoms) != code
    code = freshness.code_key(course, phantoms)
    monkeypatch.setattr(_fingerprint, "fingerprint", lambda also: "another package")
    assert freshness.code_key(course, phantoms) != code


def test_pages_of_a_table_of_contents(course):
    toc = course / "_toc.yml"
    toc.write_text(
        "format: jb-book\nroot: book/index\nparts:\n- caption: A\n  chapters:\n"
        "  - file: book/a.md\n    sections: [{file: book/b}]\n"
    )
    assert checkout.pages_of(toc) == ["book/index", "book/a", "book/b"]


def built(index: Path) -> building.Built:
    return building.Built(index, sources.resolve_data("phantoms"), 1, {}, 1.0, building.versions())


def test_publishing_exchanges_the_site(tmp_path):
    output, site = tmp_path / "out", tmp_path / "_build" / "html"
    output.mkdir()
    site.mkdir(parents=True)
    (site / "old.html").write_text("old")
    (output / "index.html").write_text("new")
    building._publish(tmp_path, output, site, built(site / "index.html"), "key", {})
    assert sorted(path.name for path in site.iterdir()) == ["build.json", "index.html"]
    assert json.loads((site / "build.json").read_text())["key"] == "key"
    assert [path.name for path in site.parent.iterdir()] == ["html"]


def test_a_site_is_current_until_its_sources_change(course):
    site, phantoms = course / "_build" / "html", sources.resolve_data("phantoms")
    assert not freshness.is_current(site, course, phantoms)
    output = course / "out"
    output.mkdir()
    site.parent.mkdir()
    key = freshness.site_key(course, phantoms)
    building._publish(course, output, site, built(site), key, {})
    assert freshness.is_current(site, course, phantoms)
    (course / "_config.yml").write_text("title: other")
    assert not freshness.is_current(site, course, phantoms)


def test_old_caches_are_forgotten(tmp_path):
    import os
    import time

    caches = tmp_path / "_build" / "work" / "cache"
    for name, days in (("recent", 2), ("old", 30)):
        (caches / name).mkdir(parents=True)
        os.utime(caches / name, (time.time() - days * 86400,) * 2)
    now = freshness.execution_cache(tmp_path, sources.resolve_data("phantoms"))
    assert sorted(path.name for path in caches.iterdir()) == sorted([now.name, "recent"])


REPORT = """book/a.md: WARNING: Executing notebook failed: {kind}
Traceback (most recent call last):
nbclient.exceptions.{kind}: An error occurred while executing the following cell:
------------------
y = 2
x = 1 / 0
------------------

ZeroDivisionError                         Traceback (most recent call last)
{error}
 [mystnb.exec]
The above exception was the direct cause"""


@pytest.mark.parametrize(
    ("kind", "error", "expected"),
    [
        (
            "CellExecutionError",
            "ZeroDivisionError: division by zero",
            "cell 2 (line 10) raised ZeroDivisionError: division by zero",
        ),
        ("CellTimeoutError", "", "took longer than the time limit"),
        ("DeadKernelError", "", "memory of this machine is full"),
    ],
)
def test_a_failed_cell_is_told_with_its_place(course, kind, error, expected):
    first = "# T\n\n```{code-cell} python\nx = 0\n```\n\n"
    page = first + "```{code-cell} python\n:tags: [a]\n\ny = 2\nx = 1 / 0\n```\n"
    (course / "book" / "a.md").write_text(page)
    lines = REPORT.format(kind=kind, error=error).splitlines()
    lines[0] = lines[0].replace("book/a.md", str(course / "book" / "a.md"))
    sentence = buildlog.cell_failure(lines, course, course)
    assert sentence.startswith("The page book/a.md cannot be built: cell 2 (line 10)")
    assert expected in sentence
    assert "direct cause" not in (course / "failure.txt").read_text()


def test_no_failed_cell_no_sentence(course):
    assert buildlog.cell_failure(["all is well"], course, course) is None


def test_warnings_are_listed_once_and_kernel_chatter_is_not(course):
    lines = [
        f"{course}/book/a.md:3: WARNING: unknown document [x]",
        f"{course}/book/a.md:3: WARNING: unknown document [x]",
        "[IPKernelApp] WARNING | Kernel is running over TCP without encryption.",
        "reading sources",
    ]
    assert buildlog.problems(lines, course) == ["book/a.md:3: WARNING: unknown document [x]"]


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "index.html").write_text("hello")
    return tmp_path


def test_a_site_is_served_on_this_machine_only(folder):
    with serving.open_server(folder, 0) as server:
        host, port = server.server_address
        assert host == "127.0.0.1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/index.html", timeout=10) as answer:
            assert answer.read() == b"hello"
        server.shutdown()


def test_the_next_port_is_taken_when_one_is_in_use(folder):
    with serving.open_server(folder, 0) as first:
        port = first.server_address[1]
        with serving.open_server(folder, port) as second:
            assert second.server_address[1] > port


def test_without_a_free_port_there_is_a_sentence(folder):
    with (
        serving.open_server(folder, 0) as first,
        pytest.raises(OctlessonsError, match="--port 9000"),
    ):
        serving.open_server(folder, first.server_address[1], tries=1)


def test_the_summary_says_where_and_with_what(tmp_path):
    result = built(tmp_path / "index.html")
    result.executed = {"book/a": 2.0, "book/b": 40.0}
    text = building.summary(result)
    assert str(tmp_path / "index.html") in text
    assert "phantoms" in text and f"numpy {result.versions['numpy']}" in text
    assert "2 pages in 42 s, the slowest book/b (40 s)" in text


@pytest.mark.parametrize("name", ["phantoms", "octmnist-64", "html", "HTML", "work"])
def test_a_folder_never_takes_the_place_of_another_site(tmp_path, name):
    (tmp_path / name).mkdir()
    data = sources.resolve_data(str(tmp_path / name))
    assert data.is_folder and data.edition == f"folder-{name}"
    assert (
        checkout.place_of(tmp_path, data, [])[1] == tmp_path / "_build" / f"folder-{name}" / "html"
    )


def test_a_folder_of_links_is_known_by_what_they_lead_to(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "data").mkdir()
    try:
        (tmp_path / "data" / "CNV").symlink_to(tmp_path / "real", target_is_directory=True)
        (tmp_path / "data" / "up").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    first = sources.resolve_data(str(tmp_path / "data"))
    (tmp_path / "elsewhere").mkdir()
    assert sources.resolve_data(str(tmp_path / "data")) == first
    (tmp_path / "real" / "CNV-1-1.jpeg").write_bytes(b"abc")
    assert sources.resolve_data(str(tmp_path / "data")).fingerprint != first.fingerprint


@pytest.mark.parametrize("source", ["", "~no-such-user", "x" * 5000])
def test_a_path_that_cannot_be_is_a_sentence(source):
    with pytest.raises(OctlessonsError, match="There is no folder"):
        sources.resolve_data(source)


@pytest.mark.parametrize("port", [-1, 65536, 99999])
def test_a_port_that_cannot_be_is_refused_before_anything_is_built(folder, port):
    with pytest.raises(OctlessonsError, match="no port"):
        serving.serve(port=port, root=folder)
    with pytest.raises(OctlessonsError, match="no port"):
        serving.open_server(folder, port)
