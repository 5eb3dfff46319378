"""Results: what is kept of an experiment, on which machine, and the file it is kept in."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.wording import html_table

#: The results that ship with the package.
RECORDED = Path(__file__).with_name("recorded.json")

#: What networks trained on photographs reached on real scans, which the course has not: chapter 7.
EYES = Path(__file__).with_name("eyes.json")

#: Packages whose versions are kept, and those where they were used.
ALWAYS = ("numpy", "scikit-learn", "scikit-image", "scipy")
IF_USED = ("torch", "torchvision", "onnxruntime", "albumentations")


@dataclass(frozen=True, repr=False)
class Result:
    """A claim, and what was measured.

    Attributes
    ----------
    id, title, source, reference : str
        Of the claim; see `Claim`.
    scale : {"quick", "laptop", "full"}
    claimed, measured : dict
        Numbers by name; those that were claimed and measured have the same names.
    says, found : str
        The same in a line each.
    why, data : str
        Why they differ, and which data were used (a substitute is called one).
    n : int
        Number of images (or of judged cases) used.
    command : str
        What to type to repeat it.
    machine : dict
        Kind of processor (and of graphics card, where one was used), cores, system, versions.
    seconds, date : float, str
        How long it took, and on which day.
    problem : str
        Why the experiment gave no result; empty where it did.
    key : str
        Identifies experiment, scale, data and conditions.
    """

    id: str
    title: str
    source: str
    reference: str
    scale: str
    claimed: Mapping[str, Any]
    says: str
    measured: Mapping[str, Any] = field(default_factory=dict)
    found: str = ""
    why: str = ""
    data: str = ""
    n: int = 0
    command: str = ""
    machine: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    date: str = ""
    problem: str = ""
    key: str = ""

    @property
    def ok(self) -> bool:
        """Whether the experiment gave a result."""
        return not self.problem

    @property
    def where(self) -> str:
        """The machine in a line."""
        m = self.machine
        parts = m.get("processor"), m.get("cores") and f"{m['cores']} cores", m.get("graphics")
        return ", ".join(part for part in parts if part)

    @property
    def brief(self) -> tuple[str, str]:
        """What is claimed and what was measured, in a few words each."""
        from octlessons.claims.registry import CLAIMS

        claim = CLAIMS[self.id]
        return claim.brief, claim.told(self.measured) if self.ok else "–"

    def card(self) -> dict[str, str]:
        """What there is to say, by what it is."""
        s = self.seconds
        took = f"{s:.0f} s" if s < 120 else f"{s / 60:.0f} min"
        said = {"claimed": self.says, "by": self.source, "command": self.command}
        if not self.ok:
            return said | {"problem": self.problem}
        return said | {
            "measured": self.found,
            "why they differ": self.why,
            "data used": f"{self.data} ({self.scale})",
            "machine": f"{self.where}; {took}, {self.date}",
        }

    def __str__(self) -> str:
        lines = [f"  {name:<16}{text}" for name, text in self.card().items()]
        return "\n".join([f"{self.id}: {self.title}", *lines])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(f"{self.id}, {self.scale} scale", (), list(self.card().items()))


class Results(tuple[Result, ...]):
    """Results in order, which show themselves as a table."""

    __slots__ = ()

    def of(self, id: str, scale: str | None = None) -> Result:
        """Return the result of a claim: the one of the largest scale, and there of most images."""
        from octlessons.claims.claim import SCALES

        found = [r for r in self if r.id == id and r.ok and scale in (None, r.scale)]
        if not found:
            raise KeyError(f"no result of {id}" + (f" at scale {scale}" if scale else ""))
        return max(found, key=lambda result: (SCALES.index(result.scale), result.n))

    def __str__(self) -> str:
        return "\n\n".join(map(str, self)) or "No results."

    __repr__ = __str__

    def _repr_html_(self) -> str:
        columns = ("claimed", "measured", "data used", "why they differ")
        rows = []
        for result in self:
            said = {"why they differ": result.problem} | result.card()
            rows.append([result.id, *(said.get(name) or "–" for name in columns)])
        return html_table("Published claims and what was measured", ("claim", *columns), rows)


def recorded() -> Results:
    """The results that ship with the package."""
    return read_results(RECORDED)


def recorded_eyes() -> dict[str, Any]:
    """What was measured of borrowed eyes on real scans of two scanners.

    Returns
    -------
    dict
        ``command``, ``date`` and checksums of the weights; how many scans of each scanner; and
        ``rows``: name → length of a row, and for each scanner ``neighbours``, ``ari`` and
        ``accuracy``, each with the ends of its interval. See ``tests/benchmarks/bench_encoder.py``.
    """
    return json.loads(EYES.read_text("utf-8"))


def read_results(path: str | os.PathLike) -> Results:
    """Read results from a file that `octlessons claims` wrote.

    Parameters
    ----------
    path : path

    Raises
    ------
    OctlessonsError
        If the file is missing or is no such file.
    """
    path = Path(path)
    try:
        entries = json.loads(path.read_text("utf-8"))
        known = {part.name for part in fields(Result)}  # what a later version adds is left out
        return Results(Result(**{k: entry[k] for k in known & set(entry)}) for entry in entries)
    except FileNotFoundError:
        why = f"There are no results in {path}: run octlessons claims first."
        raise OctlessonsError(why) from None
    except (ValueError, TypeError, AttributeError) as error:
        why = f"{path} does not hold results of claims ({error})"
        raise OctlessonsError(f"{why}: delete it and run octlessons claims again.") from error


def write_results(results: Iterable[Result], path: str | os.PathLike) -> None:
    """Write results to a file, all or nothing; its folder is made when it is missing."""
    text = json.dumps([asdict(result) for result in results], indent=1, ensure_ascii=False)
    write_atomically(path, text + "\n")


def machine() -> dict[str, Any]:
    """Kind of this machine and versions; nothing that names it."""
    from octlessons import __version__
    from octlessons._runtime import usable_cores

    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"octlessons": __version__, "Python": platform.python_version()},
    }
    for name in (*ALWAYS, *(name for name in IF_USED if name in sys.modules)):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found["versions"][name] = metadata.version(name)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        found["graphics"] = torch.cuda.get_device_name(0)
    return found


@cache
def _processor() -> str:
    """Model of the processor, as the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    if sys.platform == "darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        return told.stdout.strip() or platform.machine()
    return platform.processor() or platform.machine()
