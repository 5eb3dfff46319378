"""`octlessons cluster`, `assign` and `compare` at a prompt: progress, and what was found."""

from __future__ import annotations

import json
import shlex
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.report.later import Assigned, Compared
from octlessons.report.result import ClusterRun
from octlessons.report.running import cluster_scans
from octlessons.report.telling import in_short

#: Scans of the demonstration, of each class.
DEMO = 50
STEPS = {"looking": "Looking at scans", "grouping": "Grouping", "writing": "Writing the report"}


def run_at_prompt(out: Path, as_json: bool, show: bool, **settings: Any) -> ClusterRun:
    """Run with progress, then say what was found and where it lies.

    Raises
    ------
    KeyboardInterrupt
        After a sentence on how to go on.
    """
    try:
        with _progress(hidden=as_json) as told:
            run = cluster_scans(settings.pop("source"), out, told=told, **settings)
    except KeyboardInterrupt:
        print(
            f"\nStopped. What was looked at is kept in {out}: the same command goes on there.",
            file=sys.stderr,
        )
        raise
    if as_json:
        print(json.dumps(summary(run), ensure_ascii=False))
        return run
    print(f"{run}\n")
    for sentence in in_short(run):
        print(f"- {sentence}")
    print(f"\nThe report: {out / 'report.html'}")
    if show:
        with suppress(webbrowser.Error):
            webbrowser.open((out / "report.html").resolve().as_uri())
    return run


def summary(run: ClusterRun) -> dict[str, Any]:
    """The result for scripts."""
    sizes = np.bincount(run.clusters[run.clusters >= 0], minlength=run.grouping.k)
    followed = [] if run.followed is None else run.followed.rows
    return {
        "scans": len(run),
        "clusters": run.grouping.k,
        "sizes": sizes.tolist(),
        "stands_out": run.grouping.stands_out,
        "doubtful": int(run.grouping.doubtful.sum()),
        "left_out": len(run.left_out),
        "ari": None if run.agreed is None else round(run.agreed.ari, 4),
        "followed": [row.what for row in followed if row.ami > row.chance.high],
        "report": None if run.folder is None else str(run.folder / "report.html"),
    }


def draw_demo(folder: Path) -> Path:
    """Draw scans into a folder, as files that a clinic might have; return it."""
    from PIL import Image

    from octlessons.images import draw_phantoms

    scans = draw_phantoms(n_per_class=DEMO, size=256, seed=3)
    place = folder / "scans"
    place.mkdir(parents=True, exist_ok=True)
    for name, image in zip(scans.names, scans.images, strict=True):
        file = place / f"{Path(str(name)).stem}.png"
        if not file.exists():
            Image.fromarray(image).save(file)
    return place


def in_words(result: Assigned | Compared, again: list[str], out: Path | None) -> str:
    """A result and where it lies, for the prompt."""
    lines = [str(result)]
    if out is not None:
        lines.append(f"\nAll scans: {out}")
    elif again:
        lines.append(f"\nTo keep it: {shlex.join(again)} -o FILE.csv")
    return "\n".join(lines)


@contextmanager
def _progress(hidden: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar with the time that remains, on a terminal; lines of text elsewhere."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield lambda step, done, n: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[str, Any] = {}

        def told(step: str, done: int, n: int) -> None:
            if step not in bars:
                bars[step] = progress.add_task(STEPS[step], total=n)
            progress.update(bars[step], completed=done, total=n)

        yield told


def checked_k(text: str) -> int | None:
    """A number of clusters, or None for "auto"."""
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 2:
        raise OctlessonsError(f"--k is 'auto' or a whole number from 2 on, not {text!r}.")
    return int(text)
