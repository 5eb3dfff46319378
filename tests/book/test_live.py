"""Python in the page, in a browser that reaches no other host: a small course of its own.

The course has the real exercises, extensions and scripts, and one page with a few small cells, so
that it builds in seconds. Where the files of ``live.lock.json`` cannot be had, the tests that need
them skip and say so.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from myst_nb.core.read import read_myst_markdown_notebook

from octlessons.exercises import load_catalogue
from octlessons.exercises.inpage import THERE, imports, runs_in_page
from octlessons.exercises.pagecells import runs_here
from octlessons.exercises.source import read_source
from octlessons.site import building, live_files, serving
from tests.authoring.answers import told, wrong_answers

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue(ROOT)
PAGE = "book/03-k-means-on-pixels.html"
PATIENCE = 180_000  # milliseconds

FRONT = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3}
teaching: 20
exercises: 5
needs: core
data: anything
---

# 3. A page

## Code

```{code-cell} ipython3
import matplotlib.pyplot as plt
from octlessons.figures import show
top = 4
```

Text.

```{code-cell} ipython3
fig, ax = plt.subplots()
ax.plot([1, top])
show(fig, alt=f"A line up to {top}.")
```

More text.

```{code-cell} ipython3
2 * top
```

Still more.

```{code-cell} ipython3
from octlessons.images.measurements import measure
callable(measure)
```

## Exercises

"""


def box(exercise) -> str:
    further = ":further:\n" * exercise.further
    head = f"::::{{exercise}} {exercise.title}\n:name: {exercise.id}\n"
    return f"{head}:minutes: {exercise.minutes}\n{further}\nThe task.\n::::\n\n"


def built(folder: Path, *, chapter: str = "03-k-means-on-pixels") -> Path:
    """Build a course of one chapter, and return the folder of its site."""
    shutil.copy(ROOT / "_config.yml", folder)
    shutil.copy(ROOT / live_files.LOCK, folder)
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("book/_ext", "book/_static", "exercises", "tests/exercises"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    contents = f"format: jb-book\nroot: book/index\nchapters:\n  - file: book/{chapter}\n"
    (folder / "_toc.yml").write_text(contents)
    (folder / "constraints.txt").write_text("numpy==2.0\n")
    (folder / "book" / "references.bib").write_text("")
    (folder / "book" / "index.md").write_text("# Home\n\nText.\n")
    boxes = "".join(map(box, CATALOGUE.of_chapter(chapter)))
    (folder / "book" / f"{chapter}.md").write_text(FRONT + boxes, "utf-8")
    return building.build(root=folder, tell=lambda _: None).index.parent


@pytest.fixture(scope="session")
def live_site(tmp_path_factory) -> Path:
    """The small course, with Python for the page."""
    found = live_files.fetch_live(ROOT)
    if found.folder is None:
        pytest.skip(found.sentence)
    return built(tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="session")
def address(live_site):
    """Where it is served."""
    server = serving.open_server(live_site, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser):
    """Open a page; ``tab.problems`` has what went wrong, ``tab.requests`` what it asked for."""
    contexts = []

    def go(url, width=1280, script=True):
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, java_script_enabled=script)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(PATIENCE)
        tab.problems, tab.requests = [], []
        tab.on("pageerror", lambda error: tab.problems.append(str(error)))
        tab.on("requestfailed", lambda request: tab.problems.append(f"failed: {request.url}"))
        tab.on("request", lambda request: tab.requests.append(request.url))
        tab.goto(url)
        return tab

    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def running(browser, address):
    """One page with Python started, which tests share: the start takes seconds."""
    context = browser.new_context(accept_downloads=True, viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE)
    tab.problems = []
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.goto(address + PAGE)
    tab.locator(".exercise .live-open").first.click()
    tab.locator(".live-state", has_text="Python is ready.").wait_for()
    yield tab
    assert tab.problems == []
    context.close()


def ask(tab, kind: str, **question):
    """Ask the page's Python; None if it did not answer within 150 seconds, and was ended."""
    return tab.evaluate(
        """(question) => new Promise((resolve, reject) => {
          const clock = setTimeout(() => octlessonsLive.python.stop(), 150000);
          octlessonsLive.python.ask(question).then(
            (answer) => { clearTimeout(clock); resolve(answer); },
            (error) => { if (error.message === "stopped") resolve(null); else reject(error); });
        })""",
        {"kind": kind, **question},
    )


def place(tab, name: str):
    return tab.locator(".exercise", has=tab.locator(f"[data-exercise={name}]"))


def opened(tab, name: str = "dark-part"):
    """The box of an exercise with its workspace open."""
    exercise = place(tab, name)
    if exercise.locator("textarea").count() == 0:
        exercise.locator(".live-open").click()
        exercise.locator("textarea").wait_for()
    return exercise


def press(exercise, name: str):
    exercise.get_by_role("button", name=name, exact=True).click()


def state(exercise, text: str):
    exercise.locator(".live-state", has_text=re.compile(text)).wait_for()


# What a page loads ------------------------------------------------------------------------------


def test_nothing_is_loaded_before_the_click_and_nothing_from_elsewhere_after(visit, address):
    tab = visit(address + PAGE)
    assert [url for url in tab.requests if "/live/" in url and "live.js" not in url] == []
    exercise = opened(tab)
    exercise.locator("textarea").fill(read_source(CATALOGUE["dark-part"].solution))
    press(exercise, "Check")
    state(exercise, "^Passed: 5 of 5 points")
    assert [url for url in tab.requests if not url.startswith((address, "blob:"))] == []
    assert any("scikit-learn.js" in url for url in tab.requests)
    assert tab.problems == []


def test_scikit_learn_is_loaded_only_where_it_is_needed(visit, address):
    tab = visit(address + PAGE)
    exercise = opened(tab, "one-round-on-paper")
    exercise.locator("textarea").fill(read_source(CATALOGUE["one-round-on-paper"].solution))
    press(exercise, "Check")
    state(exercise, "^Passed")
    parts = {re.search(r"python/([\w-]+)\.js", url) for url in tab.requests} - {None}
    assert {part[1] for part in parts} == {
        *("asm", "course", "manifest", "numpy", "pyodide", "stdlib", "wasm"),
    }


def test_one_exercise_is_solved_in_a_page_opened_by_double_click(visit, live_site):
    tab = visit((live_site / PAGE).as_uri())
    exercise = opened(tab)
    exercise.locator("textarea").fill(read_source(CATALOGUE["dark-part"].solution))
    press(exercise, "Check")
    state(exercise, "^Passed: 5 of 5 points")
    assert {url.partition(":")[0] for url in tab.requests} <= {"file", "blob", "data"}
    assert tab.problems == []


def test_a_part_that_is_missing_is_told_and_can_be_tried_again(visit, address):
    tab = visit(address + PAGE)
    tab.route("**/python/numpy.js*", lambda route: route.abort())
    exercise = opened(tab)
    state(exercise, "^Python did not start")
    tab.unroute("**/python/numpy.js*")
    exercise.locator("textarea").fill("1 + 1")
    press(exercise, "Run")
    state(exercise, "^It ran")
    assert "2" in exercise.locator(".live-shown").inner_text()


# What comes out ---------------------------------------------------------------------------------


def test_phantoms_are_the_same_to_the_last_byte(running):
    source = (
        "import hashlib, numpy as np\n"
        "from octlessons.images import draw_phantoms\n"
        "scans = draw_phantoms(n_per_class=2, size=64, seed=3)\n"
        "hashlib.sha256(np.ascontiguousarray(scans.images)).hexdigest()"
    )
    from octlessons.images import draw_phantoms

    native = draw_phantoms(n_per_class=2, size=64, seed=3)
    digest = hashlib.sha256(np.ascontiguousarray(native.images)).hexdigest()
    answer = ask(running, "run", source=source, file="<cell>")
    assert answer["problem"] is None
    assert answer["shown"] == repr(digest)


POSSIBLE = [exercise for exercise in CATALOGUE if runs_in_page(exercise)]
EVERY = pytest.mark.exhaustive
THREE = {"rows-and-columns", "chance-for-your-study", "what-the-site-knows"}
ANSWERS = [
    pytest.param(
        exercise,
        path,
        id=f"{exercise.id}-{path.stem}" if path != exercise.solution else exercise.id,
        marks=[] if exercise.id in THREE and i < 2 else [EVERY],
    )
    for exercise in POSSIBLE
    for i, path in enumerate([exercise.solution, *wrong_answers(exercise)])
    if set(imports(read_source(path))) <= THERE | set(sys.stdlib_module_names)
]


def test_nearly_every_exercise_can_be_solved_in_the_page():
    assert [e.id for e in CATALOGUE if e not in POSSIBLE] == ["what-a-turn-costs"]


@pytest.mark.parametrize(("exercise", "path"), ANSWERS)
def test_answers_get_in_the_page_what_they_get_elsewhere(running, exercise, path):
    answer = ask(running, "check", exercise=exercise.id, source=read_source(path))
    if path == exercise.solution:
        assert answer["outcome"] == "passed", answer
        assert answer["points"] == answer["max_points"] == exercise.points
    else:
        assert answer is not None, "it never ends, and the page's reader would stop it"
        assert answer["outcome"] != "passed"
        said = " ".join(" ".join(r["message"] for r in answer["results"]).split())
        assert any(part.strip() in said for part in told(path).split("|")), said


def test_right_answers_with_64_bit_counts_pass(running):
    source = read_source(CATALOGUE["what-the-site-knows"].solution)
    assert "intp" not in source  # as a student writes it
    answer = ask(running, "check", exercise="what-the-site-knows", source=source)
    assert answer["outcome"] == "passed"


# The workspace ----------------------------------------------------------------------------------


def test_an_endless_loop_is_stopped_and_python_starts_anew(running):
    exercise = opened(running)
    code = exercise.locator("textarea")
    code.fill("print('here')\nwhile True:\n    pass")
    press(exercise, "Run")
    exercise.locator(".live-printed pre", has_text="here").wait_for()
    press(exercise, "Stop")
    state(exercise, "^Stopped")
    assert code.input_value().startswith("print('here')")
    code.fill("3 * 14")
    press(exercise, "Run")
    state(exercise, "^It ran")
    assert "42" in exercise.locator(".live-shown").inner_text()


def test_an_error_shows_the_lines_of_the_reader_and_leads_to_them(running):
    exercise = opened(running)
    code = exercise.locator("textarea")
    code.fill("def half(x):\n    return x / 0\n\nhalf(3)\n")
    press(exercise, "Run")
    state(exercise, "stopped with an error")
    problem = exercise.locator(".live-problem")
    assert "ZeroDivisionError" in problem.inner_text()
    lines = problem.locator(".live-line")
    assert lines.all_inner_texts() == ["line 4", "line 2"]
    lines.last.click()
    chosen = "(f) => f.value.slice(f.selectionStart, f.selectionEnd)"
    assert code.evaluate(chosen) == "    return x / 0"


def test_a_wrong_answer_is_told_why(running):
    wrong = next(p for p in wrong_answers(CATALOGUE["dark-part"]) if p.stem == "most_pixels")
    exercise = opened(running)
    exercise.locator("textarea").fill(read_source(wrong))
    press(exercise, "Check")
    state(exercise, "^Failed: ")
    assert "This is the largest cluster" in exercise.locator(".live-checks").inner_text()
    assert "Marks come from the grader" in exercise.locator(".live-marks").inner_text()


def test_edits_are_kept_until_reset_and_the_file_is_the_graders(running, tmp_path):
    name = "how-far-is-a-shift"
    exercise = opened(running, name)
    code = exercise.locator("textarea")
    stub = CATALOGUE[name].stub.read_text("utf-8")
    assert code.input_value().strip() == stub.strip()
    code.fill("mine = 1")
    other = running.context.new_page()  # the same reader, later
    other.goto(running.url)
    assert opened(other, name).locator("textarea").input_value() == "mine = 1"
    other.close()
    press(exercise, "Reset")
    assert code.input_value().strip() == stub.strip()
    press(exercise, "Undo reset")
    assert code.input_value() == "mine = 1"
    with running.expect_download() as download:
        press(exercise, "Download")
    assert download.value.suggested_filename == f"{name}.py"
    download.value.save_as(tmp_path / f"{name}.py")
    assert read_source(tmp_path / f"{name}.py") == "mine = 1"


def test_hints_come_one_at_a_time(running):
    name = "one-round-on-paper"
    exercise = place(running, name)
    folds, n = exercise.locator("details.hint"), len(CATALOGUE[name].hints)
    assert folds.count() == n and all(folds.nth(i).is_visible() for i in range(n))
    opened(running, name)
    assert not any(folds.nth(i).is_visible() for i in range(n))
    for i in range(n):
        press(exercise, f"Hint {i + 1} of {n}")
        shown = [folds.nth(j).is_visible() for j in range(n)]
        assert shown == [True] * (i + 1) + [False] * (n - i - 1)
        assert folds.nth(i).evaluate("(fold) => fold.open")
    assert exercise.get_by_role("button", name="Hint").count() == 0


def test_everything_is_done_with_the_keyboard_alone(running):
    exercise = place(running, "two-numbers-instead")
    exercise.locator(".live-open").focus()
    keyboard = running.keyboard
    keyboard.press("Enter")
    code = exercise.locator("textarea")
    code.wait_for()
    focused = "document.activeElement.textContent"
    assert code.evaluate("(field) => field === document.activeElement")
    keyboard.press("Control+a")
    keyboard.type("def f():\nreturn 7")  # Enter indents after a colon
    assert code.input_value() == "def f():\n    return 7"
    keyboard.press("Shift+Tab")
    assert code.input_value() == "def f():\nreturn 7"
    keyboard.press("Home")
    keyboard.press("Tab")
    assert code.input_value() == "def f():\n    return 7"
    keyboard.press("Control+z")
    assert code.input_value() == "def f():\nreturn 7"
    keyboard.press("Control+y")
    keyboard.press("End")
    keyboard.press("Enter")
    keyboard.press("Shift+Tab")
    keyboard.type("f()")
    keyboard.press("Control+Enter")
    state(exercise, "^It ran")
    assert "7" in exercise.locator(".live-shown").inner_text()
    keyboard.press("Escape")
    keyboard.press("Tab")
    assert running.evaluate(focused) == "Run"
    keyboard.press("Tab")
    assert running.evaluate(focused) == "Check"
    keyboard.press("Enter")
    state(exercise, "^(Not attempted|Failed|Error)")


def test_a_narrow_page_stays_narrow(running):
    running.set_viewport_size({"width": 320, "height": 700})
    exercise = opened(running)
    exercise.locator("textarea").fill("print('x' * 400)\nundefined_name" + "_long" * 40)
    press(exercise, "Run")
    state(exercise, "stopped with an error")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert running.evaluate(wide) <= 0
    running.set_viewport_size({"width": 1280, "height": 900})


# Cells ------------------------------------------------------------------------------------------


def test_a_cell_is_changed_and_runs_with_what_it_needs_and_its_figure(running):
    cell = running.locator(".live-cell-3")
    cell.locator(".live-open").click()
    state(cell, "^It ran")
    assert "It ran" in cell.locator(".live-state").inner_text()
    figure = cell.locator(".live-output figure img.only-light")
    assert figure.get_attribute("alt") == "A line up to 4."
    assert figure.evaluate("(image) => image.naturalWidth") > 100
    cell.locator("textarea").fill("top * axes")
    press(cell, "Run")
    cell.locator(".live-problem", has_text="name 'axes' is not defined").wait_for()
    press(cell, "Reset")
    press(cell, "Run")
    figure.wait_for()


def test_a_cell_runs_those_before_it_as_the_reader_changed_them(running):
    first, second = running.locator(".live-cell-1"), running.locator(".live-cell-5")
    second.locator(".live-open").click()
    state(second, "^It ran")
    assert second.locator(".live-shown pre").inner_text() == "8"
    first.locator(".live-open").click()
    state(first, "^It ran")
    code = first.locator("textarea")
    code.fill(code.input_value().replace("top = 4", "top = 50"))
    press(second, "Run")
    second.locator(".live-shown pre", has_text="100").wait_for()


@EVERY
@pytest.mark.parametrize("number", ["01", "02", "03", "04", "05", "06", "12", "13"])
def test_every_cell_that_is_offered_runs(running, number):
    text = next((ROOT / "book").glob(f"{number}-*.md")).read_text("utf-8")
    cells = read_myst_markdown_notebook(text).cells
    sources = [cell.source if cell.cell_type == "code" else "" for cell in cells]
    running.evaluate("octlessonsLive.python.stop()")  # names of other chapters are not for this one
    problems = {}
    for index, cell in enumerate(cells):
        hidden = {"remove-input", "remove-cell"} & set(cell.metadata.get("tags", ()))
        if not sources[index] or hidden or not runs_here(sources, index):
            continue
        question = {"kind": "cell", "sources": json.dumps(sources), "index": index}
        answer = running.evaluate("(question) => octlessonsLive.python.ask(question)", question)
        if answer["problem"]:
            problems[index] = answer["problem"]["what"]
    assert problems == {}


def test_cells_that_cannot_run_here_are_not_offered(running):
    assert running.locator(".cell_input").count() == 4
    assert running.locator(".live-of-cell").count() == 3


def test_without_scripts_nothing_is_offered_that_does_not_work(visit, address):
    tab = visit(address + PAGE, script=False)
    exercise = place(tab, "dark-part")
    assert not exercise.locator(".live-open").is_visible()
    assert exercise.locator("details.hint").first.is_visible()
    exercise.locator("details.stub summary").click()
    assert "still to be written" in exercise.locator("details.stub pre").inner_text()


def test_a_copy_without_python_says_so_once_and_loads_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(live_files.FOLDER_VARIABLE, "off")
    site = built(tmp_path)
    text = (site / PAGE).read_text("utf-8")
    assert text.count("was built without Python for the page") == 1
    assert "live-open" not in text and "live.js" not in text
    assert not (site / "_static/live/python").exists()
    assert text.count("still to be written") >= 4
