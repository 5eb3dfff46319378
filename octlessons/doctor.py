"""Check an installation, and say for each fault the one thing to type.

``octlessons doctor`` shows the result; ``octlessons doctor --report`` writes it as plain text for
an issue, without the names of folders.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from octlessons import _optional
from octlessons._optional import install_command
from octlessons.errors import OctlessonsError
from octlessons.site.printing import find_browser

#: Oldest and newest Python that the course is tested with.
PYTHON = ((3, 11), (3, 13))

#: Gigabytes of memory and of free disk that the chapters need.
MEMORY_GB, DISK_GB = 2.0, 1.0

#: What each size of installation brings, by the extra that names it; "" is the core.
BRINGS = {
    "": (
        "joblib",
        "matplotlib",
        "numpy",
        "onnxruntime",
        "scikit-image",
        "scikit-learn",
        "scipy",
        "typer",
    ),
    "book": ("albumentations", "fonttools", "ipykernel", "jupyter-book", "latex2mathml", "myst-nb"),
    "deep": ("onnx", "onnxscript", "safetensors", "torch", "torchvision"),
    "grade": ("copydetect", "jinja2", "pyseccomp"),
}

_MARKS = {"ok": "ok  ", "note": "note", "fail": "FAIL"}
_COLOURS = {"ok": "green", "note": "yellow", "fail": "red"}


@dataclass(frozen=True)
class Check:
    """Result of one check.

    Attributes
    ----------
    name : str
        What was looked at.
    state : {"ok", "note", "fail"}
        A note is worth knowing and stops nothing.
    found : str
        What was found.
    fix : str
        For a failed check, a command to copy or one sentence.
    """

    name: str
    state: Literal["ok", "note", "fail"]
    found: str
    fix: str = ""


def examine(root: Path | None = None) -> list[Check]:
    """Run all checks.

    Parameters
    ----------
    root : Path, optional
        The checkout of the course; looked for by default.

    Returns
    -------
    list of Check
    """
    if root is None:
        from octlessons.site.building import find_root

        try:
            root = find_root()
        except OctlessonsError:
            root = None
    here = root or Path.cwd()
    checks: list[Callable[[], Check]] = [
        check_python,
        check_core,
        check_book,
        lambda: check_pins(root),
        check_kernel,
        lambda: check_writing(here),
        lambda: check_disk(here),
        check_memory,
        check_data,
        check_deep,
        check_weights,
        check_browser,
        check_isolation,
    ]
    return [_safely(check) for check in checks]


def _safely(check: Callable[[], Check]) -> Check:
    """A check must never stop the others."""
    try:
        return check()
    except Exception as error:
        name = check.__name__.replace("check_", "").replace("<lambda>", "a check")
        what = getattr(error, "strerror", None) or error  # without the name of a file
        return Check(name, "note", f"could not be checked: {type(error).__name__}: {what}")


def check_python() -> Check:
    """Is this Python one that the course is tested with?"""
    oldest, newest = PYTHON
    version = platform.python_version()
    if oldest <= sys.version_info[:2] <= newest:
        return Check("Python", "ok", version)
    wanted = f"{'.'.join(map(str, oldest))} to {'.'.join(map(str, newest))}"
    fix = f"Install Python {'.'.join(map(str, newest))} from python.org, then: make setup"
    return Check("Python", "fail", f"{version}; the course needs {wanted}", fix)


def versions_of(extra: str) -> dict[str, str | None]:
    """Version of each package that an extra brings; None for what is not installed."""
    found: dict[str, str | None] = {}
    for name in BRINGS[extra]:
        intel_mac = sys.platform == "darwin" and platform.machine() == "x86_64"
        if (name == "onnxruntime" and intel_mac) or (
            name == "pyseccomp" and sys.platform != "linux"
        ):
            continue
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _brought(title: str, extra: str, use: str) -> Check | None:
    """None if all of an extra is there; a note if it was not asked for; else what is missing."""
    found = versions_of(extra)
    missing = [name for name, version in found.items() if version is None]
    if not missing:
        return None
    if extra and len(missing) == len(found):
        return Check(title, "note", f"not installed (optional); {use}", install_command(extra))
    # Pieces of a larger extra also come with other packages; only the core is always asked for.
    state: Literal["note", "fail"] = "note" if extra else "fail"
    what = f"without {', '.join(missing)}; {use}" if extra else f"missing: {', '.join(missing)}"
    return Check(title, state, what, install_command(extra))


def _listed(extra: str) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions_of(extra).items())


def check_core() -> Check:
    """Is what the package itself cannot do without there?"""
    title = "core packages"
    return _brought(title, "", "") or Check(title, "ok", _listed(""))


def check_book() -> Check:
    """Is what builds the book there?"""
    title = "book packages"
    missing = _brought(title, "book", "only building the course needs them")
    return missing or Check(title, "ok", _listed("book"))


def read_pins(path: Path) -> dict[str, str]:
    """Read the exact versions of a constraints file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to str
        Version by name in lower case with hyphens.
    """
    pins = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].partition(";")[0]
        name, equals, version = line.partition("==")
        if equals:
            pins[name.strip().lower().replace("_", "-")] = version.strip()
    return pins


def check_pins(root: Path | None) -> Check:
    """Are the versions those that the course was tested with?"""
    title = "tested versions"
    if root is None or not (root / "constraints.txt").is_file():
        return Check(title, "note", "no constraints.txt here to compare with")
    pins = read_pins(root / "constraints.txt")
    found = versions_of("") | versions_of("book") | versions_of("deep")
    other = {n: v for n, v in found.items() if v and n in pins and v.partition("+")[0] != pins[n]}
    if other:
        text = ", ".join(f"{name} {version} (not {pins[name]})" for name, version in other.items())
        fix = install_command("book")
        return Check(title, "note", f"{text}; numbers may differ a little", fix)
    return Check(title, "ok", "as in constraints.txt")


def check_kernel() -> Check:
    """Does the notebook kernel ``python3`` run this environment's Python?"""
    title = "notebook kernel"
    if importlib.util.find_spec("jupyter_client") is None:
        return Check(title, "note", "Jupyter is not installed (optional)", install_command("book"))
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    fix = "python -m ipykernel install --sys-prefix --name python3"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Check(title, "fail", "there is no kernel python3", fix)
    program = spec.argv[0] if spec.argv else ""
    plain = Path(program).name.lower().removesuffix(".exe")
    if not os.path.isabs(program) and plain.startswith("python"):
        return Check(title, "ok", "python3 is this environment")
    same = Path(program).exists() and Path(program).parent.samefile(Path(sys.executable).parent)
    if same:
        return Check(title, "ok", "python3 is this environment")
    found = "the kernel python3 runs another Python than this one"
    return Check(title, "fail", found, "jupyter kernelspec remove -y python3")


def check_writing(folder: Path) -> Check:
    """Can the course write where it works?"""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".octlessons-"):
            pass
    except OSError as error:
        fix = "Copy the course to a folder of your own, such as Documents, and work there."
        return Check("write access", "fail", f"none in this folder: {error.strerror}", fix)
    return Check("write access", "ok", "yes")


def check_disk(folder: Path) -> Check:
    """Is there room on the disk?"""
    free = shutil.disk_usage(folder).free / 1e9
    if free < DISK_GB:
        fix = f"Free {DISK_GB - free:.1f} GB; 'make clean' removes built pages and their cache."
        return Check("free disk", "fail", f"{free:.1f} GB, {DISK_GB:g} GB are needed", fix)
    return Check("free disk", "ok", f"{free:.0f} GB")


def check_memory() -> Check:
    """Is there memory for the chapters?"""
    size = memory_gb()
    if size is None:
        return Check("memory", "note", "unknown on this system")
    if size < MEMORY_GB:
        fix = "Read the built pages instead of running them, or use a machine with more memory."
        return Check("memory", "fail", f"{size:.1f} GB, {MEMORY_GB:g} GB are needed", fix)
    return Check("memory", "ok", f"{size:.0f} GB")


def memory_gb() -> float | None:
    """Memory that this process may use, in gigabytes, or None if that cannot be found out."""
    sizes = []
    with contextlib.suppress(AttributeError, OSError, ValueError):  # Windows does not say
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            sizes.append(int(Path(limit).read_text()))
        except (OSError, ValueError):
            continue
    return min(sizes) / 1e9 if sizes else None


def check_data() -> Check:
    """Which downloaded data sets are there?"""
    root = Path(os.path.expanduser(os.environ.get("OCTLESSONS_MEDMNIST_ROOT") or "~/.medmnist"))
    found = sorted(path.name for path in root.glob("*.npz")) if root.is_dir() else []
    if found:
        return Check("downloaded data", "ok", ", ".join(found))
    return Check(
        "downloaded data",
        "note",
        "none; the course runs on its phantoms",
        "octlessons fetch octmnist --size 64",
    )


def check_deep() -> Check:
    """Are torch and torchvision there, and can they be imported together?"""
    missing = _brought("networks", "deep", "only chapters that say 'deep' need them")
    if missing:
        return missing
    from octlessons.representations import choose_device

    try:
        _optional.import_torchvision()
        device = choose_device()
    except OctlessonsError as error:
        fix = install_command("deep").replace(" install ", " install --force-reinstall ")
        return Check("networks", "fail", str(error).partition(":")[0], fix)
    return Check("networks", "ok", f"{_listed('deep')}; on {device}")


def check_weights() -> Check:
    """Are weights of pretrained networks on this machine?"""
    from octlessons.representations import weights
    from octlessons.representations.lite import LITE

    here = [*([LITE] if weights.find_weights(LITE) else []), *weights.weights_here()]
    if here:
        return Check("pretrained weights", "ok", ", ".join(here))
    return Check(
        "pretrained weights",
        "note",
        "none; chapter 7 shows recorded numbers instead",
        install_command("book"),
    )


def check_browser() -> Check:
    """Is there a Chromium for the page tests?"""
    path = find_browser()
    if path:
        return Check("Chromium", "ok", Path(path).name)
    fix = "sudo apt-get install chromium" if shutil.which("apt-get") else "Install Google Chrome."
    return Check("Chromium", "note", "not found; only the tests of the pages need it", fix)


def check_isolation() -> Check:
    """Can `octlessons grade` keep submissions apart here?"""
    title = "isolation for grading"
    missing = _brought(title, "grade", "only `octlessons grade` needs it")
    if missing:
        return missing
    from octlessons.grading import sandbox

    try:
        return Check(title, "ok", sandbox.choose())
    except OctlessonsError:  # it names folders
        usual = "bubblewrap" if sys.platform == "linux" else "container"
        return Check(
            title,
            "note",
            "none holds here; only `octlessons grade` needs one",
            f"{sandbox.WAYS[usual].advice} `octlessons grade` says what each way lacks.",
        )


def show(checks: list[Check]) -> str:
    """The checks for a terminal.

    Parameters
    ----------
    checks : list of Check
    """
    from typer import style

    lines = []
    for check in checks:
        mark = style(_MARKS[check.state], fg=_COLOURS[check.state])
        lines.append(f"{mark}  {check.name}: {check.found}")
        if check.fix:
            lines.append(f"      → {check.fix}")
    failed = sum(check.state == "fail" for check in checks)
    lines.append("")
    lines.append(
        f"{failed} of {len(checks)} checks failed; the arrow says what to do."
        if failed
        else "Nothing is broken here."
    )
    return "\n".join(lines)


def report(checks: list[Check]) -> str:
    """The checks as Markdown for an issue, without the names of folders.

    Parameters
    ----------
    checks : list of Check
    """
    from octlessons import __version__

    lines = [
        f"octlessons {__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} CPUs",
        "",
        *(f"- {_MARKS[check.state].strip()}: {check.name}: {check.found}" for check in checks),
    ]
    return "\n".join(lines)
