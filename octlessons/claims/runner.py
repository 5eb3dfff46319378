"""Run claims one after the other, and write each result as it comes."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path

from octlessons._fingerprint import fingerprint
from octlessons._optional import install_command
from octlessons.claims.claim import SCALES, Claim, Setting
from octlessons.claims.registry import CLAIMS
from octlessons.claims.results import (
    RECORDED,
    Result,
    Results,
    machine,
    read_results,
    write_results,
)
from octlessons.errors import OctlessonsError
from octlessons.images.sources import Data, resolve_data

#: Where results go without a folder of one's own.
OUT = Path("_build/claims")


def run(
    ids: Iterable[str] | None = None,
    data: str = "phantoms",
    out: str | Path = OUT,
    scale: str = "laptop",
    *,
    fresh: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Results:
    """Repeat published claims and keep what was measured.

    Parameters
    ----------
    ids : iterable of str, optional
        Names in `CLAIMS`; all of them by default.
    data : str
        ``"phantoms"``, ``"octmnist"``, ``"octmnist-64"`` …, or the path of a folder of scans.
    out : path
        Folder for one JSON file per claim, and one of all. A result that is there already is kept
        if nothing that it depends on has changed.
    scale : {"quick", "laptop", "full"}
        Seconds, minutes, or the published size.
    fresh : bool
        Run again what is there already.
    tell : callable, optional
        Takes lines about the progress; the standard error otherwise.

    Returns
    -------
    Results
        One for each claim. Where an experiment could not be done, `problem` says why.

    Raises
    ------
    OctlessonsError
        If there is no such claim, scale or data source.
    """
    tell = tell or partial(print, file=sys.stderr, flush=True)
    chosen, source = _chosen(ids, scale), _source(data)
    out, work = Path(out), Path(out) / "work"
    place = re.sub(r"[^A-Za-z0-9_-]+", "-", source.name).strip("-") or "data"
    results: list[Result] = []
    try:
        for claim in chosen:
            key, file = key_of(claim, scale, source), out / f"{claim.id}.{scale}.{place}.json"
            kept = None if fresh else _kept(file, key)
            if kept is not None:
                tell(f"{claim.id}: kept the result of {kept.date} (--fresh runs it again)")
                results.append(kept)
                continue
            results.append(_run_one(claim, Setting(scale, source.value, work, tell), source, key))
            write_results(results[-1:], file)
            _merge(out)
    except KeyboardInterrupt:
        tell(f"Stopped. Finished claims are in {out}; the same command goes on from there.")
        raise
    _merge(out)
    if all(result.ok for result in results):
        shutil.rmtree(work, ignore_errors=True)  # what an interrupted run would go on from
    return Results(results)


def record(results: Iterable[Result], path: Path = RECORDED) -> Results:
    """Put results among those that ship with the package, from which the appendix page is made.

    One of the same claim, scale and data is replaced; those with a problem are left out.
    """
    known = read_results(path) if path.exists() else []
    new = [result for result in results if result.ok]
    commands = {result.command for result in new}
    both = _sorted([*(result for result in known if result.command not in commands), *new])
    write_results(both, path)
    return Results(both)


def _chosen(ids: Iterable[str] | None, scale: str) -> list[Claim]:
    if scale not in SCALES:
        raise OctlessonsError(f"There is no scale {scale!r}: choose one of {', '.join(SCALES)}.")
    asked = list(dict.fromkeys([ids] if isinstance(ids, str) else ids or CLAIMS))
    unknown = [name for name in asked if name not in CLAIMS]
    if unknown:
        raise OctlessonsError(
            f"There is no claim called {', '.join(unknown)}: choose from {', '.join(CLAIMS)}."
        )
    return [CLAIMS[name] for name in asked]


def _source(data: str) -> Data:
    """The data; OCTMNIST is fetched once, before the first experiment, or it is said how."""
    source = resolve_data(data)
    if source.value.startswith("octmnist"):
        from octlessons.images.medmnist import fetch_medmnist

        fetch_medmnist("octmnist", int(source.value.partition("-")[2]))
    return source


def _run_one(claim: Claim, setting: Setting, source: Data, key: str) -> Result:
    setting.tell(f"{claim.id}: {claim.title} ({setting.scale}, {source.name})")
    began = time.perf_counter()
    parts: dict
    try:
        parts = _plain(vars(claim.experiment(setting)))
    except Exception as error:
        parts = {"problem": _sentence(error), "data": source.name}
    setting.tell(f"  {parts.get('found') or parts['problem']}")
    same = ("id", "title", "source", "reference", "says")
    return Result(
        **{name: getattr(claim, name) for name in same},
        scale=setting.scale,
        claimed=_plain(claim.claimed),
        # a folder goes by its own name
        command=f"octlessons claims {claim.id} --data {shlex.quote(source.name)} "
        f"--scale {setting.scale}",
        machine=machine(),
        seconds=round(time.perf_counter() - began, 1),
        date=date.today().isoformat(),
        key=key,
        **parts,
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, OctlessonsError):
        return str(error)
    if isinstance(error, MemoryError):
        return "The memory of this computer was not enough: choose a smaller --scale."
    if isinstance(error, ImportError):
        return f"A package is missing ({error}): {install_command('book,deep')}"
    return (
        f"The experiment stopped with {type(error).__name__}: {str(error) or 'no message'}. "
        "This should not happen: please report it."
    )


def key_of(claim: Claim, scale: str, source: Data) -> str:
    """What a result depends on: the code that the experiment reaches, scale, data, conditions."""
    module = claim.experiment.__module__
    modules = [module] if module.split(".")[0] == "octlessons" else ["octlessons.claims.claim"]
    what = [claim.id, scale, source.value, source.fingerprint, dict(claim.conditions())]
    return fingerprint(*modules, also=what)[:16]


def _kept(file: Path, key: str) -> Result | None:
    try:
        (result,) = read_results(file)
    except (OctlessonsError, ValueError):
        return None
    return result if result.ok and result.key == key else None


def _merge(out: Path) -> None:
    """All results of the folder in one file."""
    found: list[Result] = []
    for file in sorted(out.glob("*.*.*.json")):
        with contextlib.suppress(OctlessonsError):
            found += read_results(file)
    write_results(_sorted(found), out / "claims.json")


def _sorted(results: list[Result]) -> list[Result]:
    """Results of known claims in the order of the lessons, small scales first."""
    order = list(CLAIMS)
    known = [result for result in results if result.id in order]
    return sorted(known, key=lambda r: (order.index(r.id), SCALES.index(r.scale), r.command))


def _plain(value):
    """Numbers and lists that JSON knows."""
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return None if value != value else float(f"{value:.6g}")
    return value
