"""Build the course into a site, and serve it.

:func:`build` runs Jupyter Book on the sources beside the package with every warning as an error,
and puts the finished site in its place only when all went well: a build that fails or is
interrupted leaves the site that was there.

What makes a second build fast is the execution cache (jupyter-cache), which knows a page by its
code cells.  It does not see what the cells import or which data they load, so each state of the
package, the pinned versions, Python and the data has a cache of its own: editing prose keeps it,
editing ``octlessons/`` runs the pages again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from octlessons.errors import OctlessonsError
from octlessons.images.medmnist import SIZES
from octlessons.images.sources import DATA_VARIABLE
from octlessons.wording import count

#: Packages whose version a page's numbers may depend on.
VERSIONED = ("numpy", "scipy", "scikit-learn", "scikit-image", "matplotlib", "pillow", "myst-nb")

#: Days after which the execution cache of another state of the package is removed.
CACHE_DAYS = 7

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_EXECUTED = re.compile(r"(?P<path>\S+?):? ?Executed notebook in (?P<seconds>[\d.]+) seconds")
_PROBLEM = re.compile(r"\b(WARNING|ERROR|CRITICAL): |(Theme|Extension|Configuration) error")


# Where and what ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Data:
    """What a site is built on.

    Attributes
    ----------
    name : str
        For people: ``"phantoms"``, ``"octmnist-64"``, or the name of a folder.
    value : str
        For the pages: the same, or the absolute path of the folder.
    fingerprint : str
        Changes when the data change: for a folder a hash of names, sizes and times of its files.
    """

    name: str
    value: str
    fingerprint: str

    @property
    def edition(self) -> str:
        """Name of the folder under ``_build`` for a site on these data."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", self.name).strip("-.") or "data"
        ours = re.fullmatch(
            r"(phantoms|octmnist-\d+|html(\.(new|old))?|page|tutor|work)", name, re.I
        )
        return f"folder-{name}" if self.is_folder and ours else name

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of scans, whatever its name."""
        return self.value != self.name


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


def find_root(start: Path | None = None) -> Path:
    """Find the checkout of the course: the folder with ``_config.yml``, ``_toc.yml``, ``book/``.

    Parameters
    ----------
    start : Path, optional
        Where to look first, and in the folders above it; the current folder by default. After
        that, the folder from which the package was installed.

    Raises
    ------
    OctlessonsError
        If there is none, as after an installation without the sources.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents, Path(__file__).resolve().parents[1]):
        if all((folder / name).exists() for name in ("_config.yml", "_toc.yml", "book")):
            return folder
    raise OctlessonsError(
        "The sources of the course are not here: no folder from "
        f"{start} upwards has _config.yml, _toc.yml and book/. Change into your copy of the "
        "course's repository and try again."
    )


def resolve_data(source: str) -> Data:
    """Check the name or path of a data source.

    Parameters
    ----------
    source : str
        ``"phantoms"``, ``"octmnist"``, ``"octmnist-64"``, or the path of a folder of scans.

    Raises
    ------
    OctlessonsError
        If there is no such source.
    """
    if source == "phantoms":
        return Data("phantoms", "phantoms", "phantoms")
    if source == "octmnist" or source.startswith("octmnist-"):
        size = source.partition("-")[2] or str(SIZES[0])
        if size not in map(str, SIZES):
            raise OctlessonsError(
                f"OCTMNIST has no size {size!r}. Choose one of "
                f"{', '.join(f'octmnist-{size}' for size in SIZES)}."
            )
        return Data(f"octmnist-{size}", f"octmnist-{size}", f"octmnist-{size}")
    folder = Path(os.path.expanduser(source))
    if not os.path.isdir(folder) or not source:
        raise OctlessonsError(
            f"There is no folder {source or 'without a name'} and no data source of that name. "
            f"Give --data phantoms, --data octmnist-{SIZES[1]}, or the path of a folder "
            "with one sub-folder of scans per class."
        )
    folder = folder.resolve()
    return Data(folder.name, str(folder), _fingerprint(folder))


def _fingerprint(folder: Path) -> str:
    """Hash of the names, sizes and modification times below a folder."""
    digest = hashlib.sha256()
    seen = set()
    for here, folders, files in os.walk(folder, followlinks=True):  # as `read_folder` does
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not _leads_up(here, name))
        for name in sorted(files):
            path = Path(here, name)
            try:
                stat = path.stat()
                line = f"{path.relative_to(folder)}\0{stat.st_size}\0{stat.st_mtime_ns}\n"
            except OSError:
                line = f"{path.relative_to(folder)}\0unreadable\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _leads_up(here: str, name: str) -> bool:
    """Whether a folder is a link to one that contains it, which `read_folder` does not follow."""
    path = os.path.join(here, name)
    return os.path.islink(path) and Path(os.path.realpath(here)).is_relative_to(
        os.path.realpath(path)
    )


def versions() -> dict[str, str]:
    """Versions of Python, octlessons and the packages that numbers may depend on."""
    from octlessons import __version__

    found = {"python": ".".join(map(str, sys.version_info[:3])), "octlessons": __version__}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def code_key(root: Path, data: Data) -> str:
    """Key of the execution cache: changes with whatever can change the output of a cell.

    Parameters
    ----------
    root : Path
        The checkout.
    data : Data

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps([versions(), data.value, data.fingerprint]).encode())
    _hash_files(digest, root, [root / "octlessons", root / "constraints.txt"])
    return digest.hexdigest()[:16]


def site_key(root: Path, data: Data) -> str:
    """Key of a whole site, for telling whether a built one is out of date.

    Parameters
    ----------
    root : Path
    data : Data

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.sha256(code_key(root, data).encode())
    sources = ("book", "exercises", "_config.yml", "_toc.yml")
    _hash_files(digest, root, [root / name for name in sources])
    return digest.hexdigest()[:16]


def _render_key(root: Path, data: Data, config: Path, toc: Path) -> str:
    """Key of what Sphinx itself does not notice when it decides which pages to read again."""
    digest = hashlib.sha256(code_key(root, data).encode())
    _hash_files(digest, root, [root / "book" / "_ext", root / "book" / "_static", config, toc])
    return digest.hexdigest()[:16]


def _hash_files(digest: Any, root: Path, paths: Iterable[Path]) -> None:
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            parts = file.relative_to(root).parts
            if not file.is_file() or any(p == "__pycache__" or p[0] == "." for p in parts[1:]):
                continue
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{'/'.join(parts)}\0{content}\n".encode())


# Building ---------------------------------------------------------------------------------------


def build(
    data: str = "phantoms",
    *,
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
    data : str
        See :func:`resolve_data`. On phantoms the site is ``_build/html``; on anything else it is
        ``_build/NAME/html``, so that it never takes the place of the course's own.
    root : Path, optional
        The checkout; found by :func:`find_root` by default.
    pages : iterable of str, optional
        Build only these pages, for writing: links to other pages stay open, and warnings are
        told but do not fail. The site is ``_build/page/NAME/html``.
    tutor : bool
        Build the tutor edition: the solutions in the chapters, and the pages of
        ``_toc.tutor.yml``. The site is ``_build/tutor/html``, or ``_build/NAME-tutor/html``.
    fresh : bool
        Forget the execution cache and run every page again.
    verbose : bool
        Pass on what Sphinx says.
    tell : callable
        Receives lines about the progress.

    Returns
    -------
    Built

    Raises
    ------
    OctlessonsError
        If a cell fails, Sphinx warns, or a page is missing; the message says where.
    """
    started = time.monotonic()
    root = (root or find_root()).resolve()
    source = resolve_data(data)
    chosen = [_page(root, page) for page in pages]
    _need_jupyter_book()
    if source.name.startswith("octmnist-") and not source.is_folder:
        from octlessons.images.medmnist import fetch_medmnist

        fetch_medmnist("octmnist", int(source.name.partition("-")[2]))
    edition, site = _place(root, source, chosen, tutor)
    work = root / "_build" / "work" / edition
    work.mkdir(parents=True, exist_ok=True)
    cache = root / "_build" / "work" / "cache" / code_key(root, source)
    if fresh:
        shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    os.utime(cache)
    _forget_old_caches(cache)
    key = site_key(root, source)
    config, toc = _write_inputs(root, work, cache, source, chosen, tutor)
    names = pages_of(toc)
    tell(f"Building {count(len(names), 'page')} on {source.name}.")
    run = _run_sphinx(root, work, config, toc, source, bool(chosen), fresh, verbose, tell)
    output = work / "_build" / "html"
    missing = [name for name in names if not (output / f"{name}.html").is_file()]
    if missing:
        raise OctlessonsError(
            f"The build left out {count(len(missing), 'page')} of the table of contents: "
            f"{', '.join(missing)}. The log is {work / 'build.log'}."
        )
    built = Built(
        index=site / "index.html",
        data=source,
        pages=len(names),
        executed=run.executed,
        seconds=time.monotonic() - started,
        versions=versions(),
        warnings=run.warnings,
    )
    _publish(output, site, built, key)
    return built


def _need_jupyter_book() -> None:
    try:
        metadata.version("jupyter-book")
    except metadata.PackageNotFoundError:
        raise OctlessonsError(
            "Jupyter Book is not installed. Install what the book needs with: "
            'pip install -c constraints.txt -e ".[book]"'
        ) from None


def _page(root: Path, page: str) -> str:
    """Path of a page from the root, without its suffix."""
    for candidate in (Path(page), root / page, root / f"{page}.md", root / "book" / f"{page}.md"):
        if candidate.is_file() and candidate.resolve().is_relative_to(root):
            return candidate.resolve().relative_to(root).with_suffix("").as_posix()
    raise OctlessonsError(f"There is no page {page} in {root}. Pages lie in book/.")


def _place(root: Path, source: Data, chosen: list[str], tutor: bool = False) -> tuple[str, Path]:
    """Name of the edition and folder of its site."""
    given = "" if source.value == "phantoms" else source.edition
    name = "-".join(filter(None, (given, "tutor" if tutor else "")))
    if chosen:
        name = "-".join(filter(None, (chosen[0].rsplit("/", 1)[-1], name)))
        return f"page-{name}", root / "_build" / "page" / name / "html"
    if not name:
        return "phantoms", root / "_build" / "html"
    return f"data-{name}" if given else name, root / "_build" / name / "html"


def _forget_old_caches(current: Path) -> None:
    limit = time.time() - CACHE_DAYS * 24 * 3600
    for cache in current.parent.iterdir():
        if cache != current and cache.is_dir() and cache.stat().st_mtime < limit:
            shutil.rmtree(cache, ignore_errors=True)


def _write_inputs(
    root: Path, work: Path, cache: Path, source: Data, chosen: list[str], tutor: bool
) -> tuple[Path, Path]:
    """Write the configuration and table of contents of this build."""
    import yaml

    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    if tutor:
        config = _merged(config, yaml.safe_load((root / "_config.tutor.yml").read_text("utf-8")))
        more = yaml.safe_load((root / "_toc.tutor.yml").read_text("utf-8"))
        toc["parts"] = [*more["parts"], *toc["parts"]]
    config["execute"]["cache"] = cache.as_posix()
    sphinx = config["sphinx"]
    sphinx["local_extensions"] = {
        name: (root / folder).as_posix() for name, folder in sphinx["local_extensions"].items()
    }
    found = versions()
    config["html"]["extra_footer"] += (
        f'<p class="built-with">Built on {source.edition} with octlessons {found["octlessons"]}, '
        f"scikit-learn {found['scikit-learn']} and Python {found['python']}.</p>"
    )
    if chosen:
        sphinx["config"]["suppress_warnings"] += ["myst.xref_missing", "ref.term", "ref.doc"]
        first = "book/index" if (root / "book/index.md").is_file() else chosen[0]
        rest = [{"file": page} for page in chosen if page != first]
        toc = {"format": "jb-book", "root": first, "chapters": rest}
        if not rest:
            del toc["chapters"]
    paths = work / "config.yml", work / "toc.yml"
    for path, content in zip(paths, (config, toc), strict=True):
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return paths


def _merged(base: dict, over: dict) -> dict:
    """A configuration with some settings replaced, at any depth."""
    both = {key: base[key] for key in base.keys() & over.keys() if isinstance(base[key], dict)}
    return {**base, **over, **{key: _merged(base[key], over[key]) for key in both}}


def pages_of(toc: Path) -> list[str]:
    """List the pages of a table of contents.

    Parameters
    ----------
    toc : Path
        A file such as ``_toc.yml``.

    Returns
    -------
    list of str
        Paths from the root of the course, without suffix, in order.
    """
    import yaml

    def walk(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key in {"file", "root"}:
                    yield re.sub(r"\.(md|ipynb)$", "", value)
                else:
                    yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)

    return list(walk(yaml.safe_load(toc.read_text(encoding="utf-8"))))


@dataclass
class _Run:
    executed: dict[str, float]
    warnings: list[str]


def _run_sphinx(
    root: Path,
    work: Path,
    config: Path,
    toc: Path,
    source: Data,
    single: bool,
    fresh: bool,
    verbose: bool,
    tell: Callable[[str], None],
) -> _Run:
    """Run Jupyter Book in a process of its own and read what it says."""
    key, stamp = _render_key(root, source, config, toc), work / "key.txt"
    stale = fresh or not stamp.is_file() or stamp.read_text() != key
    stamp.unlink(missing_ok=True)
    start = "from jupyter_book.cli.main import main; main(prog_name='jupyter-book')"
    command = [sys.executable, "-c", start, "build", str(root)]
    command += ["--config", str(config), "--toc", str(toc), "--path-output", str(work)]
    command += ["--keep-going", "-n"] + ([] if single else ["-W"]) + (["--all"] if stale else [])
    run, lines = _Run({}, []), []
    with (
        (work / "build.log").open("w", encoding="utf-8") as log,
        _process(command, source) as child,
    ):
        for line in child.stdout:
            line = _COLOUR.sub("", line.rstrip("\n"))
            print(line, file=log)
            lines.append(line)
            if verbose:
                tell(line)
            if match := _EXECUTED.search(line):
                page = _relative(match["path"], root).rsplit(".", 1)[0]
                run.executed[page] = float(match["seconds"])
                tell(f"  {page}: ran in {run.executed[page]:.1f} s")
        code = child.wait()
    run.warnings = _problems(lines, root)
    if (static := work / "_build" / "html" / "_static").is_file():
        static.unlink()  # the theme copies its logo there even when the build has failed early
    failure = _cell_failure(lines, root, work)
    if failure:
        raise OctlessonsError(failure)
    if code != 0:
        raise OctlessonsError(_other_failure(run.warnings, lines, work))
    stamp.write_text(key)
    return run


@contextmanager
def _process(command: list[str], source: Data) -> Iterator[subprocess.Popen]:
    """Run a command whose kernels see the data and this environment; end it with the block."""
    environment = os.environ | {
        DATA_VARIABLE: source.value,
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
        child.stdout.close()


def _relative(path: str, root: Path) -> str:
    path = path.rstrip(":")
    try:
        return Path(path).resolve().relative_to(root).as_posix()
    except ValueError:
        return path


def _problems(lines: list[str], root: Path) -> list[str]:
    """Warnings and errors, each once, with paths from the root."""
    found = [line.replace(f"{root}{os.sep}", "") for line in lines if _PROBLEM.search(line)]
    return list(dict.fromkeys(line.strip() for line in found))


def _cell_failure(lines: list[str], root: Path, work: Path) -> str | None:
    """Say which cell of which page failed, and write the whole report; None if none did."""
    start = next((i for i, line in enumerate(lines) if "Executing notebook failed" in line), None)
    if start is None:
        return None
    page = _relative(lines[start].split(": WARNING")[0], root)
    end = next((i for i in range(start + 1, len(lines)) if "[mystnb.exec]" in lines[i]), None)
    report = "\n".join(lines[start : (end or start + 400) + 1])
    report = report.split("\nThe above exception was the direct cause")[0]
    path = work / "failure.txt"
    path.write_text(report.replace("[mystnb.exec]", "") + "\n", encoding="utf-8")
    where = _cell_place(report, root / page)
    if "CellTimeoutError" in report:
        why = "took longer than the time limit for one cell (execute: timeout in _config.yml)"
    elif "DeadKernelError" in report:
        why = "ended Python, most likely because the memory of this machine is full"
    else:
        error = re.findall(r"^[\w.]*(?:Error|Exception|Interrupt|Warning)\b.*$", report, re.M)
        why = f"raised {error[-1].strip()}" if error else "raised an error"
    return f"The page {page} cannot be built: {where} {why}\nThe whole report: {path}"


def _cell_place(report: str, page: Path) -> str:
    """Name the cell by its number and line."""
    source = re.search(r"following cell:\n-+\n(.*?)\n-{18}\n", report, re.S)
    if source and page.is_file():
        text = page.read_text(encoding="utf-8").replace("\r\n", "\n")
        at = text.find(source[1].strip("\n"))
        if at >= 0:
            number = len(
                re.findall(r"^`{3,}\s*\{code-cell\}|^:{3,}\s*\{code-cell\}", text[:at], re.M)
            )
            return f"cell {number} (line {text.count(chr(10), 0, at) + 1})"
    return "one of its cells"


def _other_failure(problems: list[str], lines: list[str], work: Path) -> str:
    log = work / "build.log"
    if problems:
        shown = "\n".join(f"  {line}" for line in problems[:12])
        more = f"\n  … and {len(problems) - 12} more" if len(problems) > 12 else ""
        found = count(len(problems), "problem")
        return f"The book has {found}, and each stops the build:\n{shown}{more}\nThe log: {log}"
    named = (line for line in lines if re.match(r"[\w.]+(Error|Exception)\b: ", line))
    last = next(named, None) or next((x for x in reversed(lines) if x.strip(" =")), "no reason")
    return f"Jupyter Book stopped: {last.strip()}\nThe log: {log}"


def _publish(output: Path, site: Path, built: Built, key: str) -> None:
    """Copy the finished pages beside the old site, then exchange the two."""
    new, old = site.with_name("html.new"), site.with_name("html.old")
    for folder in (new, old):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        output, new, ignore=shutil.ignore_patterns(".buildinfo*", "reports", ".doctrees")
    )
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


def is_current(site: Path, root: Path, data: Data) -> bool:
    """Tell whether a site was built from the present sources on these data.

    Parameters
    ----------
    site : Path
        A folder such as ``_build/html``.
    root : Path
    data : Data
    """
    try:
        facts = json.loads((site / "build.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return facts.get("key") == site_key(root, data)


def summary(built: Built) -> str:
    """What was built, for the end of the command.

    Parameters
    ----------
    built : Built
    """
    named = ("octlessons", "python", "numpy", "scikit-learn", "scikit-image")
    software = ", ".join(f"{name} {built.versions[name]}" for name in named)
    if built.executed:
        slowest = max(built.executed, key=built.executed.get)
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


# Serving ----------------------------------------------------------------------------------------


def serve(
    data: str = "phantoms",
    *,
    port: int = 8000,
    root: Path | None = None,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the site on this machine until interrupted; build it first if there is none.

    Parameters
    ----------
    data : str
        Which site, by its data.
    port : int
        Where to listen; the next free one of the following 20 if it is taken.
    root : Path, optional
    tell : callable

    Raises
    ------
    OctlessonsError
        If no port is free, there is no such port, or the build fails.
    """
    _check_port(port)
    root = (root or find_root()).resolve()
    source = resolve_data(data)
    _, site = _place(root, source, [])
    if not (site / "index.html").is_file():
        tell("There is no site yet: building it first.")
        tell(summary(build(data, root=root, tell=tell)))
    elif not is_current(site, root, source):
        tell("The site is older than its sources; 'octlessons build' renews it.")
    with open_server(site, port) as server:
        tell(f"The course is at http://127.0.0.1:{server.server_address[1]}/ (Ctrl+C ends it).")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            tell("Ended.")


def _check_port(port: int) -> None:
    if not 0 <= port <= 65535:
        raise OctlessonsError(
            f"There is no port {port}: ports go from 0 (any free one) to 65535. For example: "
            "octlessons serve --port 9000"
        )


def open_server(site: Path, port: int = 8000, tries: int = 20):
    """Open an HTTP server for a folder, on this machine only.

    Parameters
    ----------
    site : Path
    port : int
        The first port to try; 0 takes any free one.
    tries : int
        How many ports to try.

    Returns
    -------
    http.server.ThreadingHTTPServer
        Listening, not yet serving.

    Raises
    ------
    OctlessonsError
        If none of the ports is free, or there is no such port.
    """
    _check_port(port)
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Say nothing about each request."""

        def end_headers(self) -> None:
            self.send_header("Cache-Control", "no-cache")
            super().end_headers()

    class Server(ThreadingHTTPServer):
        allow_reuse_address = os.name != "nt"
        daemon_threads = True

    handler = partial(Handler, directory=str(site))
    for number in range(port, min(port + tries, 65536)) if port else [0]:
        try:
            return Server(("127.0.0.1", number), handler)
        except OSError:
            continue
    raise OctlessonsError(
        f"The ports from {port} to {min(port + tries, 65536) - 1} are all taken. Choose another, "
        "for example: octlessons serve --port 9000"
    )
