"""Answers that are alike are listed, others are not, and no answer can stall or break the list."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from octlessons.exercises import load_catalogue
from octlessons.exercises.source import read_source
from octlessons.grading.similarity import (
    LEAST,
    LISTED,
    MOST,
    similar_answers,
    write_similarity,
)
from octlessons.grading.submission import Submission, Work
from tests.grading.numpy_course import CORRECT, STUBS

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue(ROOT)

STUB = '''\
"""Count the dark pixels of every column, and say where they are."""

import numpy as np


def dark_columns(image, threshold):
    """Return the columns that have a pixel under the threshold."""
    # TODO: look at every column
    raise NotImplementedError("`dark_columns` is still to be written.")
'''

ANSWER = '''\
"""Count the dark pixels of every column, and say where they are."""

import numpy as np


def dark_columns(image, threshold):
    """Return the columns that have a pixel under the threshold."""
    found = {}
    for column in range(image.shape[1]):
        values = image[:, column]
        dark = values[values < threshold]
        if len(dark) > 0 and dark.min() >= 0:
            found[column] = (len(dark), float(dark.mean()))
        elif np.isnan(values).any():
            found[column] = None
    keys = sorted(found, key=lambda c: -c)
    return [(k, found[k]) for k in keys if found[k] is not None]
'''

# The same with other names, comments, texts and empty lines.
DISGUISED = '''\
# my own work
import numpy as np

def dark_columns(img, t):
    """I did it."""
    res = {}

    # go on
    for i in range(img.shape[1]):
        v = img[:, i]
        d = v[v < t]   # small ones


        if len(d) > 0 and d.min() >= 0:
            res[i] = (len(d), float(d.mean()))
        elif np.isnan(v).any():
            res[i] = None
    order = sorted(res, key=lambda q: -q)
    return [(o, res[o]) for o in order if res[o] is not None]
'''

OTHER = '''\
"""Count the dark pixels of every column, and say where they are."""

import numpy as np


def dark_columns(image, threshold):
    """Return the columns that have a pixel under the threshold."""
    mask = np.asarray(image) < threshold
    counts = mask.sum(axis=0)
    means = np.where(mask, image, 0).sum(0) / np.maximum(counts, 1)
    columns = np.flatnonzero(counts)[::-1]
    return list(zip(columns.tolist(), zip(counts[columns].tolist(), means[columns].tolist())))
'''


def handed_in(exercise: str = "dark", /, **sources: str | None) -> list[Submission]:
    return [
        Submission(name, name, {exercise: Work(exercise, f"{exercise}.py", source)})
        for name, source in sources.items()
    ]


def alike(submissions, exercises, stubs, **options):
    return similar_answers(submissions, exercises, stubs, **options)


def listed(found):
    return [pair for one in found for pair in one.pairs]


def pairs(found) -> list[tuple[str, str]]:
    return [(pair.first.slug, pair.second.slug) for pair in listed(found)]


def test_disguised_copy_is_found():
    submissions = handed_in(ana=ANSWER, ben=OTHER, cem=DISGUISED, dan=STUB, eve=None)
    found = alike(submissions, ["dark"], {"dark": STUB})
    assert pairs(found) == [("ana", "cem")]
    assert found[0].pairs[0].share > 0.95
    assert (found[0].compared, found[0].short) == (3, 1)


def test_part_of_an_answer_is_found_in_a_longer_one():
    longer = ANSWER + OTHER.split("import numpy as np")[1].replace("dark_columns", "second")
    (pair,) = listed(alike(handed_in(ana=ANSWER, ben=longer), ["dark"], {"dark": STUB}))
    assert pair.first.share == pytest.approx(1)
    assert pair.second.share < 0.75
    assert pair.share == pair.first.share


def test_given_code_does_not_count():
    given = ANSWER
    first = (
        given + "\n\ndef mine(x):\n" + "".join(f"    x = x + {i} * x ** {i}\n" for i in range(20))
    )
    second = (
        given + "\n\ndef own(y):\n" + "".join(f"    print([y], {{{i}: y}})\n" for i in range(20))
    )
    submissions = handed_in(ana=first, ben=second)
    assert not pairs(alike(submissions, ["dark"], {"dark": given}))
    assert pairs(alike(submissions, ["dark"], {}, threshold=0.3))


def test_short_answers_are_not_compared():
    submissions = handed_in("ex1", ana=CORRECT["ex1"], ben=CORRECT["ex1"])
    found = alike(submissions, ["ex1"], STUBS)
    assert not pairs(found) and found[0].short == 2


def test_same_answer_to_another_exercise_is_another_matter():
    one, two = (Work(name, f"{name}.py", ANSWER) for name in ("one", "two"))
    submissions = [Submission("a", "a", {"one": one}), Submission("b", "b", {"two": two})]
    assert not pairs(alike(submissions, ["one", "two"], {}))


@pytest.mark.parametrize("exercise", CATALOGUE, ids=lambda exercise: exercise.id)
def test_differently_written_right_answers_are_not_alike(exercise):
    folder = ROOT / "tests" / "right_answers" / exercise.chapter / exercise.id
    sources = {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.py"))}
    stub = read_source(exercise.stub)
    submissions = handed_in(exercise.id, **sources, the_course=read_source(exercise.solution))
    assert pairs(alike(submissions, [exercise.id], {exercise.id: stub})) == []


def test_shares_are_those_of_copydetect():
    from copydetect import compare_files

    from octlessons.grading import similarity

    rng = random.Random(3)
    texts = []
    for _ in range(6):
        lines = ANSWER.split("\n")
        for _ in range(4):
            lines.insert(rng.randrange(8, 16), f"        x{rng.randrange(9)} = [{rng.random()}]")
        texts.append("\n".join(lines))
    made = [similarity._fingerprint(similarity._plain(text)) for text in texts]
    expected = {
        (f"s{i}", f"s{j}"): compare_files(made[i], made[j])[1] for i, j in combinations(range(6), 2)
    }
    submissions = handed_in(**{f"s{i}": text for i, text in enumerate(texts)})
    found = alike(submissions, ["dark"], {}, threshold=0.01)
    shares = {
        (pair.first.slug, pair.second.slug): (pair.first.share, pair.second.share)
        for pair in listed(found)
    }
    assert shares.keys() == expected.keys()
    for place, share in shares.items():
        assert share == pytest.approx(expected[place])
    assert [pair.share for pair in listed(found)] == sorted(
        (max(s) for s in expected.values()), reverse=True
    )


def test_order_of_submissions_plays_no_part(tmp_path):
    sources = {"ana": ANSWER, "ben": DISGUISED, "cem": ANSWER, "dan": OTHER, "eve": OTHER}
    submissions = handed_in(**sources)
    pages = []
    for number, order in enumerate(
        (submissions, submissions[::-1], submissions[2:] + submissions[:2])
    ):
        found = alike(order, ["dark"], {"dark": STUB})
        pages.append(write_similarity(found, tmp_path / str(number)).read_bytes())
    assert len(set(pages)) == 1


@pytest.mark.slow
def test_page_is_the_same_in_every_process(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.grading.test_similarity import *\n"
        "found = alike(handed_in(a=ANSWER, b=DISGUISED, c=OTHER, d=OTHER), ['dark'], {})\n"
        "write_similarity(found, Path(sys.argv[1]), title='Dark')\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1"}  # not the one here
    command = [sys.executable, "-c", code, str(tmp_path / "other")]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=300)
    found = alike(handed_in(a=ANSWER, b=DISGUISED, c=OTHER, d=OTHER), ["dark"], {})
    write_similarity(found, tmp_path / "here", title="Dark")
    one, two = ((tmp_path / name / "similarity.html").read_bytes() for name in ("other", "here"))
    assert one == two


HOSTILE = {
    "five megabytes": "x = 1\n" * (5 * 2**20 // 6),
    "many lines": "\n" * 100_000 + "x = 1",
    "deep": "(" * MOST,
    "spaces and lines": " \n" * (MOST // 2),
    "noughts": '"%' + "0" * (MOST - 2),
    "case": "case " + " " * (MOST - 5),
    "nested texts": "f'{" * (MOST // 3),
    "syntax": "def def (: return\n" * 500,
    "open text": '"""' + "a\n" * (MOST // 3),
    "nothing": "\0" * 1000,
    "surrogates": "\ud800 = '\udfff'\n" * 100,
    "marks": "\ufeff" * 100 + "\u202e\x1b[31m</pre><script>\n" * 200,
    "returns": "x\r" * 5000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_neither_breaks_nor_stalls(name, tmp_path):
    source = HOSTILE[name]
    submissions = handed_in(a=source, b=source, c=ANSWER, d=DISGUISED)
    found = alike(submissions, ["dark"], {"dark": source})
    page = write_similarity(found, tmp_path).read_text("utf-8")
    assert ("c", "d") in pairs(found)
    assert "<script" not in page


def test_code_is_never_run(tmp_path):
    trap = tmp_path / "trap"
    source = ANSWER + f"\nopen({str(trap)!r}, 'w').write('run')\n"
    assert pairs(alike(handed_in(a=source, b=source), ["dark"], {}))
    assert not trap.exists()


def test_too_long_answers_are_named():
    long = ANSWER + "# padding\n" * (MOST // 10)
    found = alike(handed_in(ana=long, ben=ANSWER, cem=ANSWER), ["dark"], {"dark": STUB})
    assert pairs(found) == [("ben", "cem")]
    ((name, why),) = found[0].skipped
    assert name == "ana"
    assert f"{MOST:,} are compared" in why


@pytest.mark.slow
def test_one_copy_is_found_in_a_big_class():
    rng = random.Random(5)
    sources = {}
    for number in range(150):
        calls = [(rng.choice(["f", "len", "sum"]), rng.choice("+-*/")) for _ in range(40)]
        lines = [f"    v{i} = {f}(x{sign}{rng.randrange(99)})" for i, (f, sign) in enumerate(calls)]
        sources[f"s{number:03}"] = "def f(x):\n" + "\n".join(lines) + "\n"
    sources["s007"] = sources["s140"].replace("v", "w")
    found = alike(handed_in(**sources), ["dark"], {"dark": STUB})
    assert pairs(found) == [("s007", "s140")]


def test_list_is_bounded(tmp_path):
    submissions = handed_in(**{f"s{i:03}": ANSWER for i in range(60)})
    found = alike(submissions, ["dark"], {"dark": STUB})
    assert len(pairs(found)) == LISTED
    assert found[0].unlisted == 60 * 59 // 2 - LISTED
    page = write_similarity(found, tmp_path).read_text("utf-8")
    assert "1,770 pairs" in page
    assert "one natural answer" in page


@pytest.fixture
def page(tmp_path):
    evil = ANSWER + "\nx = '</pre><script>alert(1)</script><img src=x>'\n"
    submissions = handed_in(ana=evil, ben=DISGUISED, cem=OTHER, dan=STUB)
    submissions[0] = Submission("<b>Ana</b> & Co", "ana", submissions[0].works)
    found = alike(submissions, ["dark"], {"dark": STUB})
    path = write_similarity(found, tmp_path, title="Dark <i>columns</i>", warning="NOT SAFE: x")
    return path.read_text("utf-8")


def test_page_shows_both_side_by_side(page):
    soup = BeautifulSoup(page, "html.parser")
    (details,) = soup.select("details")
    assert "<b>Ana</b> & Co and ben" in details.summary.get_text()
    first, second = details.select("pre")
    assert "x = '</pre><script>alert(1)</script><img src=x>'" in first.get_text()
    assert "order = sorted(res, key=lambda q: -q)" in second.get_text()
    marked = [line.get_text().strip() for line in second.select(".both")]
    assert "d = v[v < t]   # small ones" in marked
    assert "import numpy as np" not in marked


def test_page_accuses_nobody(page):
    text = BeautifulSoup(page, "html.parser").get_text(" ")
    assert "for a person to look at" in text.lower()
    assert "A short right answer is naturally alike" in text
    assert not re.search(r"plagiari|cheat|suspic|guilt|offen|copied|fraud|caught", text.lower())


def test_page_stands_alone(page):
    soup = BeautifulSoup(page, "html.parser")
    assert not soup.select("script, link, img, iframe, b, i")
    assert "Dark <i>columns</i>" in soup.h1.get_text()
    assert soup.select_one("meta[name=viewport]")
    assert "prefers-color-scheme: dark" in page
    assert "NOT SAFE: x" in soup.get_text()
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)


def test_no_pairs_say_so(tmp_path):
    found = alike(handed_in(ana=ANSWER, ben=OTHER), ["dark"], {"dark": STUB})
    page = write_similarity(found, tmp_path).read_text("utf-8")
    assert "No two answers are that much alike." in page
    assert found[0].short == 0 and LEAST > 0


def test_with_fewer_than_two_answers_nothing_is_said_of_pairs(tmp_path):
    for number, sources in enumerate(({"ana": ANSWER}, {})):
        found = alike(handed_in(**sources), ["dark"], {"dark": STUB})
        page = write_similarity(found, tmp_path / str(number)).read_text("utf-8")
        assert "fewer than two answers" in page and "No two answers" not in page
