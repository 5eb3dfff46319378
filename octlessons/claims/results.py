"""Results: what is kept of an experiment, on which machine, and the file it is kept in."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

#: Packages whose versions are kept; the second group only where they were used.
VERSIONED = ("numpy", "scikit-learn", "scikit-image", "scipy")
VERSIONED_IF_USED = ("torch", "torchvision", "onnxruntime", "albumentations")


@dataclass(frozen=True, repr=False)
class Result:
    """A claim, and what was measured.

    Attributes
    ----------
    id, title, source, reference : str
        Of the claim; see `Claim`.
    scale : {"quick", "laptop", "full"}
    claimed, measured : dict
        Numbers by name.
    says, found : str
        The same in a line each.
    why : str
        One sentence on why they differ.
    data : str
        The data used, in a sentence.
    n : int
        Number of images used.
    command : str
        What to type to repeat it.
    machine : dict
        Kind of processor (and of graphics card, where one was used), cores, system, versions.
    seconds : float
    date : str
        Year, month and day.
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
        parts = [m.get("processor", ""), f"{m['cores']} cores" if m.get("cores") else ""]
        parts.append(m.get("graphics", ""))
        return ", ".join(part for part in parts if part)

    @property
    def brief(self) -> tuple[str, str]:
        """What is claimed and what was measured, in a few words each."""
        from octlessons.claims.registry import CLAIMS

        claim = CLAIMS[self.id]
        return claim.brief, claim.told(self.measured) if self.ok else "–"

    def row(self) -> tuple[str, str, str, str, str]:
        """Cells of a table: claim, claimed, measured, data, why they differ."""
        if not self.ok:
            return self.id, self.says, "–", self.data or "–", self.problem
        return self.id, self.says, self.found, f"{self.data} ({self.scale})", self.why

    def card(self) -> list[tuple[str, str]]:
        """Everything in rows: what is claimed, measured, on what, how, and why they differ."""
        rows = [("claimed", self.says), ("by", self.source)]
        if not self.ok:
            return [*rows, ("problem", self.problem), ("command", self.command)]
        return [
            *rows,
            ("measured", self.found),
            ("why they differ", self.why),
            ("data used", self.data),
            ("command", self.command),
            ("machine", f"{self.where}; {_told_seconds(self.seconds)}, {self.date}"),
        ]

    def __str__(self) -> str:
        lines = [f"{name:<16}{text}" for name, text in self.card()]
        return "\n".join([f"{self.id}: {self.title}", *("  " + line for line in lines)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(f"{self.id}, {self.scale} scale", (), self.card())

    def to_json(self) -> dict:
        """As plain data, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """The result that `to_json` wrote; unknown names are ignored."""
        known = {part.name for part in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


class Results(Sequence):
    """Results in order, which show themselves as a table.

    Parameters
    ----------
    results : iterable of Result
    """

    header = ("claim", "claimed", "measured", "data used", "why they differ")

    def __init__(self, results: Iterable[Result] = ()):
        self._results = list(results)

    def __len__(self) -> int:
        return len(self._results)

    def __getitem__(self, item):
        return Results(self._results[item]) if isinstance(item, slice) else self._results[item]

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results)

    def of(self, id: str, scale: str | None = None) -> Result:
        """Return the result of a claim: the one of the largest scale, and there of most images.

        Raises
        ------
        KeyError
            If there is none.
        """
        from octlessons.claims.claim import SCALES

        found = [r for r in self if r.id == id and r.ok and scale in (None, r.scale)]
        if not found:
            raise KeyError(f"no result of {id}" + (f" at scale {scale}" if scale else ""))
        return max(found, key=lambda result: (SCALES.index(result.scale), result.n))

    def __str__(self) -> str:
        return "\n\n".join(map(str, self)) or "No results."

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [result.row() for result in self]
        return html_table("Published claims and what was measured", self.header, rows)


def _told_seconds(seconds: float) -> str:
    """Duration in words."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def recorded() -> Results:
    """The results that ship with the package.

    Returns
    -------
    Results
    """
    return read_results(RECORDED)


def read_results(path: str | os.PathLike) -> Results:
    """Read results from a file that `write_results` wrote.

    Parameters
    ----------
    path : path

    Returns
    -------
    Results

    Raises
    ------
    OctlessonsError
        If the file is missing or is no such file.
    """
    path = Path(path)
    try:
        return Results(Result.from_json(entry) for entry in json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise OctlessonsError(
            f"There are no results in {path}: run octlessons claims first."
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise OctlessonsError(
            f"{path} does not hold results of claims ({error}): delete it and run octlessons "
            "claims again."
        ) from error


def write_results(results: Iterable[Result], path: str | os.PathLike) -> None:
    """Write results to a file, all or nothing.

    Parameters
    ----------
    results : iterable of Result
    path : path
        Its folder is made when it is missing.
    """
    text = json.dumps([result.to_json() for result in results], indent=1, ensure_ascii=False)
    write_atomically(path, text + "\n")


def machine() -> dict[str, Any]:
    """Kind of this machine and versions; nothing that names it.

    Returns
    -------
    dict
        ``processor``, ``cores``, ``system``, ``versions``, and ``graphics`` where torch is in use
        and finds a card.
    """
    from octlessons import __version__
    from octlessons.representations.onnx import usable_cores

    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"octlessons": __version__, "Python": platform.python_version()},
    }
    used = [name for name in VERSIONED_IF_USED if name in sys.modules]
    for name in (*VERSIONED, *used):
        try:
            found["versions"][name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    graphics = _graphics()
    return found | ({"graphics": graphics} if graphics else {})


@cache
def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    if sys.platform == "darwin":
        import subprocess

        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        if told:
            return told
    return platform.processor() or platform.machine()


def _graphics() -> str:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return ""
