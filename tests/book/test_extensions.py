"""The Sphinx extensions of the book: mathematics, quizzes, the lean step, the reference."""

from __future__ import annotations

import importlib.util
import struct
import sys
import zlib
from pathlib import Path

import pytest
import yaml

from octlessons.site.renderer import png_size

EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"


def load(name: str):
    """Import a module of book/_ext, which is no package."""
    spec = importlib.util.spec_from_file_location(f"book_ext_{name}", EXTENSIONS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


mathml, quiz, lean, reference = map(load, ["mathml", "quiz", "lean", "reference"])


# Mathematics


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"\min_k x_k", "<munder><mo"),
        (r"\arg\min_{k} x_k", 'movablelimits="false">arg min</mo><mrow><mi>k</mi>'),
        (r"\operatorname*{arg\,max}_k f", ">arg max</mo><mi>k</mi></munder>"),
        (r"\mathbf{x}", "𝐱"),
        (r"\boldsymbol{\mu}", "𝝁"),
        (r"\lVert x \rVert", '<mo form="prefix" stretchy="false">‖</mo>'),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", 'style="text-align: right"'),
        (r"a < b", "&lt;"),
    ],
)
def test_display_mathematics(tex, expected):
    markup = mathml.to_mathml(tex, display=True)
    assert expected in markup
    assert markup.startswith('<math display="block"')
    assert "\\" not in markup


def test_limits_stay_beside_in_the_line():
    assert "<munder>" not in mathml.to_mathml(r"\min_k x_k")


@pytest.mark.parametrize("tex", [r"\unknowncommand x", r"a & b"])
def test_latex_that_would_reach_the_page_is_refused(tex):
    with pytest.raises(ValueError, match="is not known"):
        mathml.to_mathml(tex)


# Quizzes


def a_quiz(**changes):
    options = [
        {"text": "yes", "feedback": "Right.", "correct": True},
        {"text": "no", "feedback": "No."},
    ]
    questions = [{"question": f"Question {i}?", "options": options} for i in range(3)]
    first = {"question": "First?", "options": [dict(option) for option in options]}
    for where, value in changes.items():
        place, _, key = where.partition("__")
        target = first if place == "question" else first["options"][int(place[-1])]
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
    return {"questions": [first, *questions[1:]]}


def write(folder: Path, content) -> Path:
    path = folder / "03-name.yml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), "utf-8")
    return path


def test_a_quiz_is_read(tmp_path):
    questions = quiz.read_quiz(write(tmp_path, a_quiz(question__question="What\n  is $k$?")))
    assert len(questions) == 3
    assert questions[0]["question"] == "What is $k$?"
    assert [option["correct"] for option in questions[0]["options"]] == [True, False]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (a_quiz(option1__feedback=None), "question 1, option 2: has no 'feedback'"),
        (a_quiz(option1__feedback="  "), "question 1, option 2: has no 'feedback'"),
        (a_quiz(option0__text=None), "question 1, option 1: has no 'text'"),
        (a_quiz(question__question=None), "question 1: has no 'question'"),
        (a_quiz(option0__correct=False), "exactly one option"),
        (a_quiz(option1__correct=True), "exactly one option"),
        (a_quiz(option1__correct="true"), "must be true or false"),
        (a_quiz(option1__hint="x"), "unknown key 'hint'"),
        (a_quiz(option1__text="yes"), "two options have the same text"),
        (a_quiz(question__options=[]), "needs 2 to 5 options, has 0"),
        ({"questions": []}, "needs 3 to 5 questions, has 0"),
        ({"quiz": []}, "one key at its top"),
        ("questions: [", "not valid YAML"),
    ],
)
def test_a_broken_quiz_is_refused_with_its_place(tmp_path, content, sentence):
    with pytest.raises(quiz.QuizError, match=r"03-name\.yml") as error:
        quiz.read_quiz(write(tmp_path, content))
    assert sentence in str(error.value)


def test_a_missing_quiz_is_named(tmp_path):
    with pytest.raises(quiz.QuizError, match=r"There is no quiz 09-none\.yml"):
        quiz.read_quiz(tmp_path / "09-none.yml")


# The lean step

PAGE = """<!DOCTYPE html>
<html lang="en"><head>
<meta name="viewport" content="a"><meta name="viewport" content="b">
<script src="_static/scripts/fontawesome.js?digest=1" defer></script>
<script>const THEBE_JS_URL = "https://unpkg.com/thebe"</script>
<script src="_static/doctools.js"></script><script src="searchindex.js"></script>
<script src="_static/documentation_options.js"></script>
</head><body><header id="pst-header"><button class="primary-toggle"></button></header>
<div id="pst-primary-sidebar"></div>
<button class="search-button-field" aria-label="Search"><i class="fa-solid fa-bars"></i>
Search</button><button title="Toggle"></button>
<table><tr><th></th><th>k</th></tr></table><pre>  a &lt; b
</pre><img src="a.png" alt="a"><math><mi>x</mi></math></body></html>
"""


def test_a_page_becomes_lean(tmp_path):
    (tmp_path / "a.png").write_bytes(a_png(30, 20))
    page = lean.lean_page(PAGE, folder=tmp_path)
    for gone in ("fontawesome.js", "thebe", "searchindex.js", 'aria-label="Search"', "<th></th>"):
        assert gone not in page
    assert page.count('name="viewport"') == 1
    assert '<script defer="defer" src="_static/doctools.js">' in page
    assert '<script src="_static/documentation_options.js">' in page
    assert 'aria-label="Toggle"' in page
    assert 'height="20"' in page and 'width="30"' in page
    assert "<pre>  a &lt; b\n</pre>" in page
    assert "primary-toggle" not in page


def test_the_search_page_keeps_its_index():
    assert "searchindex.js" in lean.lean_page(PAGE, search=True)


def test_a_lean_page_stays_as_it_is(tmp_path):
    (tmp_path / "a.png").write_bytes(a_png(30, 20))
    once = lean.lean_page(PAGE, folder=tmp_path)
    assert lean.lean_page(once, folder=tmp_path) == once


def test_foreign_addresses_are_found():
    page = """<link rel="stylesheet" href="https://a.org/x.css"><script src="//b.org/x.js"></script>
    <img src="_images/x.png"><a href="https://c.org/">c</a><link rel="license" href="https://d.org">
    <iframe src="https://e.org"></iframe>"""
    found = lean.foreign_addresses(page)
    assert found == ["//b.org/x.js", "https://a.org/x.css", "https://e.org"]


def test_only_used_icons_are_kept():
    css = (
        '.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}.fa-user:before{content:"\\f007"}'
        '.x{color:red}@font-face{src:url(a.woff2) format("woff2"),url(a.ttf) format("truetype")}'
    )
    kept = lean.keep_icons(css, {"fa-bars"})
    assert "fa-bars" in kept and "fa-user" not in kept and ".x{color:red}" in kept
    assert "a.woff2" in kept and "a.ttf" not in kept
    assert lean.characters(kept) == {0xF0C9}


# Figures and reference


def a_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(height)))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_the_size_of_a_png():
    assert png_size(a_png(12, 7)) == (12, 7)
    with pytest.raises(ValueError, match="must be a PNG"):
        png_size(b"GIF89a" + bytes(40))


def test_names_that_end_in_an_underscore_are_no_links():
    lines = ["components_ : ndarray (n_components_, d)", ">>> model.labels_", "As `labels_` says."]
    reference.escape_types(None, "class", "x", None, None, lines)
    assert lines == [
        "components_ : ndarray (n_components\\_, d)",
        ">>> model.labels_",
        "As `labels_` says.",
    ]
