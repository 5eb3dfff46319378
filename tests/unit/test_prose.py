"""What `tests.authoring.prose` sees in the prose of the project, and what it leaves alone."""

from __future__ import annotations

import pytest

from tests.authoring import prose


def seen(folder, text: str, name: str = "page.md") -> list[str]:
    path = folder / name
    path.write_text(text, "utf-8")
    return [f"{line}: {what}" for line, what in prose.problems(path)]


def test_the_prose_of_the_project_is_in_order(capsys):
    assert prose.main([]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One.\n\nThe color of it.", "3: “color” is American; British is “colour”"),
        ("They are Labeled.", "1: “Labeled” is American; British is “labelled”"),
        ("A sanity\ncheck.", "1: “sanity check” shuts people out: test, or verification"),
        ("Simply look.", "1: “simply” talks down to who does not see it: leave it out"),
        ("[there](gone.md)", "1: the link gone.md leads to no file"),
        ("# Here\n\n[x](#there)", "3: the link #there leads to no place in page.md"),
        ("![scan](a.png)", "1: this picture needs a text that says what it shows"),
        (
            "```{figure} a.png\n:name: x\n```",
            "1: this picture needs an :alt: that says what it shows",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, sentence):
    assert seen(tmp_path, text) == [sentence]


@pytest.mark.parametrize(
    "text",
    [
        "---\ncolor: red\n---\n\nThe colour.",
        "```python\ncolor = 1\n```\n\nA `color` of https://color.org and $color$.",
        ":color: primary\n\n% American: Center\n\nThe Eye Center.",
        "A program tells a story.",
        "# A `k` and more?\n\n(label)=\n\n[x](#a-k-and-more) [y](#label) [z](page.md)",
        "![Twelve grey scans in two rows](a.png)",
        "```{figure} a.png\n:alt: Twelve grey scans in rows\n```",
        'No "simply" here.',
    ],
)
def test_what_is_right_is_left_alone(tmp_path, text):
    assert seen(tmp_path, text) == []


def test_quizzes_are_read_too(tmp_path):
    text = "questions:\n  - question: Which center?\n"
    assert seen(tmp_path, text, "03.yml") == ["2: “center” is American; British is “centre”"]


def test_what_is_wrong_fails_the_check(monkeypatch, tmp_path, capsys):
    (tmp_path / "page.md").write_text("The color.\n")
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    assert prose.main([]) == 1
    assert capsys.readouterr().out.startswith("page.md:1: “color” is American")
