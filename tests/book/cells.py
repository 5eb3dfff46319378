"""Runs the code cells of a page in a process of their own, without building the page.

Run as ``python -m tests.book.cells book/03-k-means-on-pixels.md [--copied] [--seed 1] [--data …]``.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.book.contract import blocks

ROOT = Path(__file__).resolve().parents[2]
#: Cells that a reader does not see, and so does not copy.
UNSEEN = {"remove-input", "remove-cell"}


@dataclass
class Run:
    """What the cells of a page gave.

    Attributes
    ----------
    prose : list of str
        The texts that cells show with `Prose`.
    verdicts : list of dict
        Question, answer and evidence of each.
    error : str
        The traceback of the cell that failed; empty if none did.
    seconds : float
        Processor time.
    """

    prose: list[str] = field(default_factory=list)
    verdicts: list[dict] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0


def code_cells(page: Path, copied: bool = False) -> list[tuple[int, str]]:
    """Line and source of each code cell; of those alone that a reader can copy."""
    found = [block for block in blocks(page.read_text("utf-8")) if block.kind == "code-cell"]
    return [(b.line, b.code) for b in found if not (copied and b.tags & UNSEEN)]


def run_page(page, *, copied: bool = False, seed: int = 0, data: str = "phantoms") -> Run:
    """Run the cells of a page from top to bottom.

    Parameters
    ----------
    page : path
    copied : bool
        Only visible and folded cells, as a reader copies them.
    seed, data
        As `octlessons build` takes them.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "run.json"
        verdicts = Path(folder) / "verdicts.jsonl"
        environment = os.environ | {
            "MPLBACKEND": "agg",
            "OMP_NUM_THREADS": "1",
            "OCTLESSONS_DATA": data,
            "OCTLESSONS_SEED": str(seed),
            "OCTLESSONS_VERDICTS": str(verdicts),
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        command = [sys.executable, "-m", "tests.book.cells", str(Path(page).resolve())]
        command += ["--into", str(result)] + (["--copied"] if copied else [])
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if not result.is_file():
            return Run(error=done.stderr or f"ended with {done.returncode}")
        run = Run(**json.loads(result.read_text("utf-8")))
        if verdicts.is_file():
            run.verdicts = list(map(json.loads, verdicts.read_text("utf-8").splitlines()))
        return run


def _run_here(page: Path, copied: bool) -> Run:
    """Run the cells in this process, with what they show as a notebook would have it."""
    import time
    import traceback
    import warnings

    import IPython.core.display_functions as shows
    import matplotlib.pyplot as plt

    from octlessons.wording import Prose

    run, started = Run(), time.process_time()

    def display(*things, **_):
        run.prose.extend(str(thing) for thing in things if isinstance(thing, Prose))

    shows.display = display
    sys.modules["IPython.display"].display = display
    warnings.simplefilter("error", RuntimeWarning)
    os.chdir(page.parent)
    names = {"__name__": "__main__", "display": display, "get_ipython": lambda: None}
    for line, code in code_cells(page, copied):
        try:
            tree = ast.parse(code)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, f"{page.name}:{line}", "exec"), names)
            if last is not None:
                shown = eval(
                    compile(ast.Expression(last.value), f"{page.name}:{line}", "eval"), names
                )
                display(shown)
        except Exception:
            run.error = f"{page.name}, the cell in line {line}:\n{traceback.format_exc()}"
            break
        plt.close("all")
    run.seconds = time.process_time() - started
    return run


def main(argv: list[str]) -> None:
    """Run one page and say what it showed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--copied", action="store_true", help="only the cells that readers see")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="phantoms")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.into:
        run = _run_here(options.page, options.copied)
        options.into.write_text(json.dumps(vars(run), ensure_ascii=False), "utf-8")
        return
    run = run_page(options.page, copied=options.copied, seed=options.seed, data=options.data)
    for text in run.prose:
        print(text, end="\n\n")
    for verdict in run.verdicts:
        print(f"{verdict['answer']:14} {verdict['question']} [{verdict['evidence']}]")
    print(run.error or f"{run.seconds:.0f} s of processor time")
    sys.exit(bool(run.error))


if __name__ == "__main__":
    main(sys.argv[1:])
