"""Build the course into a site.

:func:`build` runs Jupyter Book on the sources beside the package with every warning as an error,
and puts the finished site in its place only when all went well: a build that fails or is
interrupted leaves the site that was there.

What makes a second build fast is the execution cache (jupyter-cache), which knows a page by its
code cells.  It does not see what the cells import or which data they load, so each state of the
package, the pinned versions, Python and the data has a cache of its own: editing prose keeps it,
editing ``octlessons/`` runs the pages again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from octlessons._optional import need
from octlessons.errors import OctlessonsError
from octlessons.images.phantoms import SEED_VARIABLE
from octlessons.images.sources import DATA_VARIABLE, Data, check_classes, resolve_data
from octlessons.site import buildlog
from octlessons.site.bundling import bundle_site
from octlessons.site.checkout import find_root, page_named, pages_of, place_of
from octlessons.site.configuring import versions, write_inputs
from octlessons.site.drop_parts import write_drop
from octlessons.site.executing import Ran
from octlessons.site.freshness import execution_cache, render_key, site_key
from octlessons.site.live_files import LOCK, NETWORKS, fetch_live
from octlessons.site.live_parts import write_live
from octlessons.wording import count

#: Of more pages than this the first is built alone before the others.
MANY = 5


@dataclass
class Built:
    """A finished build.

    Attributes
    ----------
    index : Path
        The page to open.
    data : Data
    pages : int
        Pages of the table of contents.
    executed : dict of str to float
        Pages that ran in this build, with their seconds; the others came from the cache.
    seconds : float
        Duration of the whole build.
    versions : dict of str to str
        Versions of Python, octlessons and the packages that matter.
    warnings : list of str
        Only for single pages; a build of the whole course has none.
    """

    index: Path
    data: Data
    pages: int
    executed: dict[str, float]
    seconds: float
    versions: dict[str, str]
    warnings: list[str] = field(default_factory=list)


def build(
    data: str = "phantoms",
    *,
    seed: int = 0,
    root: Path | None = None,
    pages: Iterable[str] = (),
    tutor: bool = False,
    fresh: bool = False,
    verbose: bool = False,
    tell: Callable[[str], None] = print,
) -> Built:
    """Build the course into a site.

    Parameters
    ----------
    data, seed : str, int
        See :func:`resolve_data`. On phantoms with seed 0 the site is ``_build/html``; else it is
        ``_build/NAME/html``, so that it never takes the place of the course's own.
    root : Path, optional
        The checkout; found by :func:`find_root` by default.
    pages : iterable of str, optional
        Build only these pages, for writing: links to other pages stay open, and warnings are
        told but do not fail. The site is ``_build/page/NAME/html``.
    tutor : bool
        The tutor edition, with solutions and tutors' pages, in ``_build/[NAME-]tutor/html``.
    fresh, verbose : bool
        Forget the execution cache and run every page again; pass on what Sphinx says.
    tell : callable
        Receives progress.

    Returns
    -------
    Built

    Raises
    ------
    OctlessonsError
        If a cell fails, Sphinx warns, or a page is missing; the message says where.
    """
    plan = _planned(resolve_data(data, seed), root, pages, tutor, fresh, verbose, tell)
    if not (plan.chosen or plan.tutor or plan.site.exists()):
        _show_first(plan)
    return _build(plan, _fetch_parts(plan))


def _show_first(plan: _Plan) -> None:
    """Build one page alone, so that a newcomer has something to read while the others run."""
    names = pages_of(plan.root / "_toc.yml")
    if len(names) <= MANY:
        return
    with suppress(OctlessonsError):  # what is wrong with it is said when the whole course is built
        quiet = dict(tutor=False, fresh=plan.fresh, verbose=False, tell=lambda line: None)
        first = _build(_planned(plan.source, plan.root, names[1:2], **quiet), {})
        place = first.index.parent / f"{names[1]}.html"
        plan.tell(f"The first page, to read while the others are built: {place}")


def _fetch_parts(plan: _Plan) -> dict[str, Path]:
    """Folders of what runs in the pages, by the setting that says that it is there."""
    wanted = {"octlessons_live": LOCK, "octlessons_drop": NETWORKS}
    found = {setting: fetch_live(plan.root, name=lock) for setting, lock in wanted.items()}
    for one in found.values():
        plan.tell(one.sentence)
    return {setting: one.folder for setting, one in found.items() if one.folder is not None}


def _build(plan: _Plan, parts: dict[str, Path]) -> Built:
    started = time.monotonic()
    key = site_key(plan.root, plan.source)
    cache = execution_cache(plan.root, plan.source, plan.fresh)
    config, toc = write_inputs(
        plan.root,
        plan.work,
        cache,
        edition=plan.source.edition,
        chosen=plan.chosen,
        tutor=plan.tutor,
        settings=dict.fromkeys(parts, True),
    )
    names = pages_of(toc)
    plan.tell(f"Building {count(len(names), 'page')} on {plan.source.edition}.")
    executed = _run_pages(plan, config, cache, names)
    run = _run_sphinx(plan, config, toc)
    built = Built(
        index=plan.site / "index.html",
        data=plan.source,
        pages=len(names),
        executed=executed | run.executed,
        seconds=time.monotonic() - started,
        versions=versions(),
        warnings=run.warnings,
    )
    _publish(plan.root, _finished(plan.work, names), plan.site, built, key, parts)
    return built


@dataclass(frozen=True)
class _Plan:
    """What is built, from where, and where to."""

    root: Path
    source: Data
    chosen: list[str]  # pages; all of them if empty
    tutor: bool
    fresh: bool
    verbose: bool
    tell: Callable[[str], None]
    work: Path
    site: Path


def _planned(source, root, pages, tutor, fresh, verbose, tell) -> _Plan:
    root = (root or find_root()).resolve()
    check_classes(source)
    chosen = [page_named(root, page) for page in pages]
    need("jupyter_book", "The book is built with Jupyter Book")
    if source.name.startswith("octmnist-") and not source.is_folder:
        from octlessons.images.medmnist import fetch_medmnist

        fetch_medmnist("octmnist", int(source.name.partition("-")[2]))
    edition, site = place_of(root, source, chosen, tutor)
    work = root / "_build" / "work" / edition
    work.mkdir(parents=True, exist_ok=True)
    return _Plan(root, source, chosen, tutor, fresh, verbose, tell, work, site)


def _finished(work: Path, names: list[str]) -> Path:
    """The folder of the finished pages, if none is missing."""
    output = work / "_build" / "html"
    missing = [name for name in names if not (output / f"{name}.html").is_file()]
    if missing:
        raise OctlessonsError(
            f"The build left out {count(len(missing), 'page')} of the table of contents: "
            f"{', '.join(missing)}. The log is {work / 'build.log'}."
        )
    return output


def _run_pages(plan: _Plan, config: Path, cache: Path, names: list[str]) -> dict[str, float]:
    """Run pages that the cache does not know, side by side; their seconds."""
    command = [sys.executable, "-m", "octlessons.site.executing", str(plan.root), str(config)]
    executed: dict[str, float] = {}
    with _process([*command, str(cache), *names], plan.source) as child:
        for line in child.stdout or ():
            with suppress(ValueError, KeyError, TypeError):  # kernels may print on their own
                ran = Ran(**json.loads(line))
                executed[ran.page] = ran.seconds
                plan.tell(f"  {ran.page}: ran in {ran.seconds:.1f} s ({_how_far(ran)})")
        child.wait()  # what went wrong there happens again, with a sentence, when Sphinx runs it
    return executed


def _how_far(ran: Ran) -> str:
    if ran.done == ran.n:
        return f"{ran.done} of {ran.n}"
    left = f"{ran.left / 60:.0f} min" if ran.left >= 90 else f"{ran.left:.0f} s"
    return f"{ran.done} of {ran.n}, about {left} to go"


@dataclass
class _Run:
    executed: dict[str, float]
    warnings: list[str]


def _run_sphinx(plan: _Plan, config: Path, toc: Path) -> _Run:
    """Run Jupyter Book in a process of its own and read what it says."""
    work, root = plan.work, plan.root
    key, stamp = render_key(root, plan.source, config, toc), work / "key.txt"
    stale = plan.fresh or not stamp.is_file() or stamp.read_text() != key
    stamp.unlink(missing_ok=True)
    start = "from jupyter_book.cli.main import main; main(prog_name='jupyter-book')"
    command = [sys.executable, "-c", start, "build", str(root), "--path-output", str(work)]
    command += ["--config", str(config), "--toc", str(toc), "--keep-going", "-n"]
    command += ([] if plan.chosen else ["-W"]) + (["--all"] if stale else [])
    run, lines = _Run({}, []), list[str]()
    with (
        (work / "build.log").open("w", encoding="utf-8") as log,
        _process(command, plan.source) as child,
    ):
        for line in map(buildlog.plain, child.stdout or ()):
            print(line, file=log)
            lines.append(line)
            if plan.verbose:
                plan.tell(line)
            if ran := buildlog.page_that_ran(line, root):
                run.executed[ran[0]] = ran[1]
                plan.tell(f"  {ran[0]}: ran in {ran[1]:.1f} s")
        code = child.wait()
    run.warnings = buildlog.problems(lines, root)
    if (static := work / "_build" / "html" / "_static").is_file():
        static.unlink()  # the theme copies its logo there even when the build has failed early
    failure = buildlog.cell_failure(lines, root, work)
    if failure:
        raise OctlessonsError(failure)
    if code != 0:
        raise OctlessonsError(buildlog.other_failure(run.warnings, lines, work))
    stamp.write_text(key)
    return run


@contextmanager
def _process(command: list[str], source: Data) -> Iterator[subprocess.Popen]:
    """Run a command whose kernels see the data and this environment; end it with the block."""
    environment = os.environ | {
        DATA_VARIABLE: source.value,
        SEED_VARIABLE: str(source.seed),
        "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one in the home folder
        "MPLBACKEND": "agg",
        # The pages' arrays are small: threads would wait for each other more than they help, and
        # the last digits of sums would depend on the number of cores.
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUTF8": "1",
    }
    child = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
        if child.stdout is not None:
            child.stdout.close()


def _publish(
    root: Path, output: Path, site: Path, built: Built, key: str, parts: dict[str, Path]
) -> None:
    """Copy the finished pages beside the old site, then exchange the two."""
    new, old = site.with_name("html.new"), site.with_name("html.old")
    for folder in (new, old):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        output, new, ignore=shutil.ignore_patterns(".buildinfo*", "reports", ".doctrees")
    )
    bundle_site(new)
    if python := parts.get("octlessons_live"):
        write_live(root, python, new)
    if networks := parts.get("octlessons_drop"):
        write_drop(networks, new)
    facts = {
        "data": built.data.edition,
        "pages": built.pages,
        "versions": built.versions,
        "key": key,
    }
    (new / "build.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    if site.exists():
        site.rename(old)
    new.rename(site)
    shutil.rmtree(old, ignore_errors=True)


def summary(built: Built) -> str:
    """What was built, for the end of the command.

    Parameters
    ----------
    built : Built
    """
    named = ("octlessons", "python", "numpy", "scikit-learn", "scikit-image")
    software = ", ".join(f"{name} {built.versions[name]}" for name in named)
    if built.executed:
        slowest = max(built.executed, key=built.executed.__getitem__)
        ran = (
            f"{count(len(built.executed), 'page')} in {sum(built.executed.values()):.0f} s, the "
            f"slowest {slowest} ({built.executed[slowest]:.0f} s)"
        )
    else:
        ran = "nothing; every page came from the cache"
    lines = [
        f"Built {count(built.pages, 'page')} in {built.seconds:.0f} s.",
        f"  data      {built.data.name}",
        f"  software  {software}",
        f"  executed  {ran}",
        f"  open      {built.index}",
    ]
    if built.warnings:
        lines += ["A build of the whole course would refuse:"]
        lines += [f"  {warning}" for warning in built.warnings[:30]]
    return "\n".join(lines)
