"""Chapters keep their contract, and the contract notices when they do not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from .cells import code_cells
from .contract import blocks, front_matter, minutes, problems

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "book").glob("[0-9][0-9]-*.md"))

GOOD = """---
kernelspec: {name: python3}
teaching: 30
exercises: 15
needs: core
data: any
myst:
  html_meta:
    description: "A page that is long enough to be described by one sentence such as this."
---
# 3. A chapter

:::{objectives}
- write it
- run it
- explain it
:::

```{code-cell} ipython3
:tags: [remove-input, data-notice]
# not a heading
data_notice(images)
```

## Can it be done?

```{code-cell} ipython3
show(figure)
```

::::{predict}
What comes out?
:::{dropdown} Think
- of
- this
:::
::::

## Sorting by hand
## With scikit-learn
## Reading the result
## What goes wrong: nothing

```{code-cell} ipython3
1 / 1
```

## Exercises

::::{exercise} One
:name: one
:minutes: 10
Do.
:::{hint}
So.
:::
::::

::::{exercise} Two
:name: two
:minutes: 5
Do.
:::{hint}
So.
:::
::::

## Quiz

:::{quiz} 03-name
:::

## Key points

:::{keypoints}
- one
- two
- three
:::

## References

```{footbibliography}
```
"""

BROKEN = {
    "no minutes": ("teaching: 30\n", "", "no 'teaching'"),
    "minutes in words": ("teaching: 30", "teaching: half an hour", "must be int"),
    "other needs": ("needs: core", "needs: torch", "core, book or deep"),
    "no description": ("    description:", "    other:", "50 to 160"),
    "other number": ("# 3. A chapter", "# 4. A chapter", "begin with '3. '"),
    "two titles": ("## Can it be done?", "# Can it be done?", "one '# ' heading"),
    "jump": ("## With scikit-learn", "#### Deep\n## With scikit-learn", "jumps a level"),
    "no question": ("## Can it be done?", "## It can be done", "asks a question"),
    "no figure": ("show(figure)", "figure", "no a figure"),
    "no prediction": ("{predict}", "{note}", "no {predict}"),
    "not by hand": ("## Sorting by hand", "## Sorting", "'by hand'"),
    "no library": ("## With scikit-learn", "## More", "'With …'"),
    "order": (
        "## With scikit-learn\n## Reading the result",
        "## Reading the result\n## With scikit-learn",
        "no a '## ' heading 'Reading",
    ),
    "nothing fails": ("```{code-cell} ipython3\n1 / 1\n```\n", "", "shows it going wrong"),
    "vague objective": ("- run it", "- understand it", "cannot be checked"),
    "few objectives": ("- run it\n", "", "2 items"),
    "no notice": (", data-notice", "", "tagged data-notice"),
    "minutes differ": (":minutes: 10", ":minutes: 12", "take 17 min"),
    "further is not counted": (":minutes: 5\n", ":minutes: 5\n:further:\n", "take 10 min"),
    "nothing for everybody": (":minutes: ", ":further:\n:minutes: ", "at least one is for"),
    "too short": ("## Sorting by hand\n", "## Sorting by hand\n" + "word " * 4600, "about 33"),
    "further too short": (
        "## With scikit-learn\n",
        "## Further: more\n\n### Of it\n" + "word " * 300 + "\n\n## With scikit-learn\n",
        "'further' promises 0",
    ),
    "too long": ("teaching: 30", "teaching: 61", "75 are the most"),
    "other quiz": ("{quiz} 03-name", "{quiz} 04-name", "must be called 03-name"),
    "no references": ("```{footbibliography}\n```", "", "no {footbibliography}"),
}


def test_a_good_chapter_has_no_problems():
    assert problems(GOOD, "03-name") == []


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_chapter_is_noticed(case):
    old, new, expected = BROKEN[case]
    assert old in GOOD
    found = problems(GOOD.replace(old, new), "03-name")
    assert any(expected in sentence for sentence in found), found


def test_code_is_not_read_as_headings_or_directives():
    text = "# T\n\n```python\n# no\n:::{quiz} x\n```\n\n~~~{code-cell} python\n## no\n~~~\n"
    assert [block.kind for block in blocks(text)] == ["h1", "code-cell"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_keeps_the_contract(path):
    assert problems(path.read_text("utf-8"), path.stem) == []


def test_minutes_come_from_words_open_code_and_figures():
    cell = "```{code-cell} ipython3\n%sx = 1\ny = 2\nshow(a)\nshow(b)\n```\n"
    words = "word " * 300 + "\n"
    assert minutes(words).core == pytest.approx(2)
    assert minutes(cell % "").core == pytest.approx(4 / 4 + 2 * 2)
    assert minutes(cell % ":tags: [hide-input]\n").core == pytest.approx(2 * 2)
    assert minutes(words + "## Exercises\n" + words).core == pytest.approx(2)
    apart = minutes(f"{words}## Further: x\n{words}### Of it\n{cell % ''}## Next\n{words}")
    assert apart.core == pytest.approx(4, abs=0.05)
    assert apart.further == pytest.approx(2 + 5, abs=0.05)


ROUTES = {  # minutes of teaching and exercises at most
    "half a day": (210, ("00", "02", "03", "04")),
    "one day": (390, ("00", "01", "02", "03", "04", "06", "12")),
    "two days": (750, tuple(path.stem[:2] for path in CHAPTERS)),
}


@pytest.mark.parametrize("route", ROUTES)
def test_routes_take_the_time_they_promise(route):
    most, numbers = ROUTES[route]
    metas = [front_matter(p.read_text("utf-8")) for p in CHAPTERS if p.stem[:2] in numbers]
    assert sum(meta["teaching"] + meta["exercises"] for meta in metas) <= most


def test_guide_for_tutors_has_these_routes():
    guide = (ROOT / "book" / "tutors" / "guide.md").read_text("utf-8")
    routes = ast.literal_eval(re.search(r"^routes = (\{.*?^\})", guide, re.M | re.S)[1])
    told = {name: tuple(f"{number:02d}" for number in numbers) for name, numbers in routes.items()}
    assert told == {name: numbers for name, (_, numbers) in ROUTES.items()}
    for path in CHAPTERS:
        assert f"\n**{int(path.stem[:2])}. " in guide, f"nothing on {path.stem}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_copied_cells_use_no_name_that_the_page_keeps_to_itself(path):
    source = "\n".join(code for _, code in code_cells(path, copied=True))
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_right_answers_stand_anywhere_and_are_as_often_short_as_long():
    places, ranks, of = Counter(), [], []
    for path in sorted((ROOT / "book" / "quizzes").glob("*.yml")):
        for question in yaml.safe_load(path.read_text("utf-8"))["questions"]:
            options = question["options"]
            right = next(i for i, option in enumerate(options) if option.get("correct"))
            lengths = [len(str(option["text"])) for option in options]
            places[right] += 1
            ranks.append(sum(n < lengths[right] for n in lengths) / (len(lengths) - 1))
            of.append(len(options))
    n = len(of)
    for place in range(3):
        assert abs(places[place] - sum(1 / k for k in of)) <= 1.5 * n**0.5, places
    assert abs(sum(rank == 1 for rank in ranks) - sum(1 / k for k in of)) <= 1.5 * n**0.5
    assert 0.4 <= sum(ranks) / n <= 0.6


def test_chapters_stand_in_the_contents_in_the_order_of_their_numbers():
    numbers = [int(path.stem[:2]) for path in CHAPTERS]
    assert numbers == sorted(set(numbers)) and numbers[:7] == list(range(7))
    listed = re.findall(r"book/(\d\d-[\w-]+)", (ROOT / "_toc.yml").read_text("utf-8"))
    assert listed == [path.stem for path in CHAPTERS]


def test_names_of_exercises_are_unique():
    names = [
        block.options.get("name")
        for path in CHAPTERS
        for block in blocks(path.read_text("utf-8"))
        if block.kind == "exercise"
    ]
    assert len(names) == len(set(names)), sorted(names)


def test_every_quiz_is_shown_and_every_page_of_the_book_listed():
    pages = {path.stem: path.read_text("utf-8") for path in (ROOT / "book").glob("*.md")}
    shown = set(re.findall(r"\{quiz\} ([\w-]+)", "\n".join(pages.values())))
    assert {path.stem for path in (ROOT / "book" / "quizzes").glob("*.yml")} == shown
    listed = set(re.findall(r"book/([\w-]+)", (ROOT / "_toc.yml").read_text("utf-8")))
    assert set(pages) == listed


@pytest.mark.parametrize("path", sorted((ROOT / "book").glob("*.md")), ids=lambda path: path.stem)
def test_page_says_what_it_is_about(path):
    meta = front_matter(path.read_text("utf-8"))
    description = ((meta.get("myst") or {}).get("html_meta") or {}).get("description", "")
    assert 50 <= len(description) <= 160


def test_home_page_lists_every_chapter_with_its_minutes():
    home = (ROOT / "book" / "index.md").read_text("utf-8")
    rows = re.findall(r"^\| \[[^]]+\]\((\d\d-[\w-]+)\.md\) \|.*\| (\d+) \|$", home, re.M)
    metas = {path.stem: front_matter(path.read_text("utf-8")) for path in CHAPTERS}
    assert dict(rows) == {
        stem: str(meta["teaching"] + meta["exercises"]) for stem, meta in metas.items()
    }


def test_configuration_is_the_strict_one():
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    assert config["only_build_toc_files"] is True
    assert config["sphinx"]["config"]["nb_execution_raise_on_error"] is True
    assert config["sphinx"]["config"]["html_copy_source"] is False
    assert {"**/.*", "tests", "solutions", "exercises"} <= set(config["exclude_patterns"])
