"""Wheels for other machines: which ones a system and Python need, and getting them.

pip downloads wheels for another system, but works out *which* packages are needed for the one it
runs on: it would leave out what only Windows needs.  So the packages are followed here, from the
metadata of each wheel, with the markers of the system that they are for.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.parser import HeaderParser
from functools import cache
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

from octlessons.errors import OctlessonsError
from octlessons.wording import count


@dataclass(frozen=True)
class System:
    """A kind of machine: its name for people, pip's names for it, and what markers see."""

    title: str
    platforms: tuple[str, ...]
    markers: Mapping[str, str]


def _markers(os_name: str, sys_platform: str, system: str, machine: str) -> dict[str, str]:
    return {
        "implementation_name": "cpython",
        "os_name": os_name,
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": system,
        "platform_version": "",
        "sys_platform": sys_platform,
        "extra": "",
    }


#: By the name of the option. Linux from glibc 2.28 on (2018), macOS from 14 on.
SYSTEMS = {
    "linux": System(
        "Linux (Intel, AMD)",
        (
            *(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)),
            *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
        ),
        _markers("posix", "linux", "Linux", "x86_64"),
    ),
    "macos-arm64": System(
        "macOS from 14 on (Apple processor)",
        tuple(mac_platforms((14, 0), "arm64")),
        _markers("posix", "darwin", "Darwin", "arm64"),
    ),
    "macos-x86_64": System(
        "macOS from 14 on (Intel processor)",
        tuple(mac_platforms((14, 0), "x86_64")),
        _markers("posix", "darwin", "Darwin", "x86_64"),
    ),
    "windows": System(
        "Windows (Intel, AMD)", ("win_amd64",), _markers("nt", "win32", "Windows", "AMD64")
    ),
}

#: Versions of Python that the course runs on.
PYTHONS = ("3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Target:
    """A system and a Python on it, such as ``Target("windows", "3.12")``."""

    system: str
    python: str

    @property
    def title(self) -> str:
        """For people."""
        return f"{SYSTEMS[self.system].title}, Python {self.python}"

    @property
    def full_version(self) -> str:
        """A late release of this Python: some packages refuse the first ones of a series."""
        return f"{self.python}.9"

    @property
    def tags(self) -> frozenset[Tag]:
        """Tags of the wheels that fit."""
        return _tags(self.python, SYSTEMS[self.system].platforms)

    @property
    def markers(self) -> dict[str, str]:
        """What the markers of requirements are read with."""
        full = self.full_version
        versions = {
            "python_version": self.python,
            "python_full_version": full,
            "implementation_version": full,
        }
        return {**SYSTEMS[self.system].markers, **versions}


@cache
def _tags(python: str, platforms: tuple[str, ...]) -> frozenset[Tag]:
    version, interpreter = tuple(map(int, python.split("."))), f"cp{python.replace('.', '')}"
    binary = cpython_tags(version, platforms=platforms)
    return frozenset([*binary, *compatible_tags(version, interpreter, platforms)])


def read_pins(constraints: Path) -> dict[str, str]:
    """Versions of a file of constraints, by normalised name.

    Parameters
    ----------
    constraints : Path
    """
    lines = constraints.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("#")[0].strip().partition("==") for line in lines)
    return {canonicalize_name(name): version for name, found, version in pairs if found}


@dataclass
class Shelf:
    """A folder of wheels for many machines.

    Attributes
    ----------
    folder : Path
    pins : dict of str to str
        Versions by name; what is not in there comes in the newest version that fits.
    """

    folder: Path
    pins: dict[str, str]
    _requires: dict[Path, list[Requirement]] = field(default_factory=dict)

    def find(self, name: str, target: Target) -> Path | None:
        """The wheel of a package for a machine, if it is there.

        Parameters
        ----------
        name : str
        target : Target
        """
        wanted = self.pins.get(canonicalize_name(name))
        for path in sorted(self.folder.glob("*.whl")):
            found, version, _, tags = parse_wheel_filename(path.name)
            if (
                found == canonicalize_name(name)
                and not tags.isdisjoint(target.tags)
                and wanted in (None, version.public, str(version))
            ):
                return path
        return None

    def requires(self, wheel: Path, extras: Iterable[str], target: Target) -> list[Requirement]:
        """What a wheel needs on a machine.

        Parameters
        ----------
        wheel : Path
        extras : iterable of str
            Of the wheel.
        target : Target
        """
        if wheel not in self._requires:
            self._requires[wheel] = _read_requires(wheel)
        seen = [target.markers | {"extra": extra} for extra in ("", *extras)]
        return [
            need
            for need in self._requires[wheel]
            if need.marker is None or any(need.marker.evaluate(markers) for markers in seen)
        ]

    def follow(
        self, first: Requirement, target: Target
    ) -> tuple[set[Path], dict[str, Requirement]]:
        """Follow requirements as far as wheels are there.

        Parameters
        ----------
        first : Requirement
            Where to begin.
        target : Target

        Returns
        -------
        wheels : set of Path
        missing : dict of str to Requirement
        """
        wheels, missing = set[Path](), dict[str, Requirement]()
        seen, waiting = set[tuple[str, frozenset[str]]](), [first]
        while waiting:
            need = waiting.pop()
            name = canonicalize_name(need.name)
            if (name, frozenset(need.extras)) in seen:
                continue
            seen.add((name, frozenset(need.extras)))
            wheel = self.find(name, target)
            if wheel is None:
                missing[name] = need
            else:
                wheels.add(wheel)
                waiting += self.requires(wheel, need.extras, target)
        return wheels, missing


def _read_requires(wheel: Path) -> list[Requirement]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            text = archive.read(name).decode("utf-8")
        lines = HeaderParser().parsestr(text).get_all("Requires-Dist", [])
        return [Requirement(line) for line in lines]
    except (OSError, zipfile.BadZipFile, StopIteration, InvalidRequirement) as error:
        raise OctlessonsError(
            f"{wheel} is no whole wheel ({error}): remove it and give the same command again."
        ) from error


class NotThere(Exception):
    """The package index has no wheel that fits; the argument names it."""


def gather(
    shelf: Shelf,
    first: Requirement,
    target: Target,
    *,
    index: str = "",
    tell: Callable[[str], None] = print,
) -> set[Path]:
    """Get every wheel that one package needs on one machine; those on the shelf stay as they are.

    Parameters
    ----------
    shelf : Shelf
    first : Requirement
        The package, with extras; itself on the shelf or in the index.
    target : Target
    index : str
        Address of one more index to look in.
    tell : callable
        Receives progress.

    Returns
    -------
    set of Path

    Raises
    ------
    NotThere
        If a package has no wheel for this machine.
    OctlessonsError
        If the index cannot be reached.
    """
    asked: set[str] = set()
    while True:
        wheels, missing = shelf.follow(first, target)
        if not missing:
            return wheels
        if again := asked.intersection(missing):
            raise OctlessonsError(
                f"pip fetched {min(again)} for {target.title}, but not a wheel that fits: look "
                f"into {shelf.folder}."
            )
        asked.update(missing)
        tell(f"  {target.title}: fetching {count(len(missing), 'package')}")
        download(shelf, missing.values(), target, index)


def download(shelf: Shelf, needs: Iterable[Requirement], target: Target, index: str = "") -> None:
    """Put wheels onto a shelf, each whole or not at all.

    Parameters
    ----------
    shelf : Shelf
    needs : iterable of Requirement
    target : Target
    index : str
        Address of one more index to look in.

    Raises
    ------
    NotThere, OctlessonsError
        As `gather`.
    """
    incoming = shelf.folder / ".incoming"
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(incoming)]
    command += ["--implementation", "cp", "--python-version", target.full_version]
    for platform in SYSTEMS[target.system].platforms:
        command += ["--platform", platform]
    command += ["--extra-index-url", index] if index else []
    for need in needs:
        pin = shelf.pins.get(canonicalize_name(need.name))
        command.append(f"{need.name}=={pin}" if pin else f"{need.name}{need.specifier}")
    # A mirror named in the settings of pip is used as always; constraints of this machine are not.
    quiet = {"PIP_PROGRESS_BAR": "off", "PIP_NO_COLOR": "1", "PIP_CONSTRAINT": ""}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | quiet)
        if done.returncode:
            raise _failure(done.stdout + done.stderr, target)
        for wheel in incoming.glob("*.whl"):
            os.replace(wheel, shelf.folder / wheel.name)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _failure(said: str, target: Target) -> Exception:
    """What pip's complaint means."""
    unreachable = re.search(r"Retrying \(|NewConnectionError|ConnectionError|timed out", said)
    # With constraints in its settings, pip calls a version that is not there a conflict.
    absent = re.search(
        r"No matching distribution found for ([^\s;]+)|Cannot install ([^\s,]+) .*conflicting", said
    )
    if absent and not unreachable:
        return NotThere((absent[1] or absent[2]).replace("==", " "))
    if "No module named pip" in said:
        return OctlessonsError(
            f"There is no pip in this Python ({sys.executable}), and it downloads the packages: "
            "python -m ensurepip"
        )
    last = next((x for x in reversed(said.splitlines()) if "ERROR" in x), said.strip()[-200:])
    why = "the package index cannot be reached" if unreachable else last.removeprefix("ERROR: ")
    return OctlessonsError(
        f"The packages for {target.title} could not be fetched: {why}. What is there is kept: "
        "give the same command again."
    )
