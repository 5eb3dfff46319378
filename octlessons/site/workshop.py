"""A folder for a room without internet: packages for every laptop, the site, exercises, data.

It grows in ``NAME.unfinished`` beside its place, where an interrupted run goes on, and gets its
name when it is whole.  A folder that was made so is renewed by the same command; any other is left
alone.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

from octlessons import __version__
from octlessons._files import file_hash, write_atomically
from octlessons.errors import OctlessonsError
from octlessons.images.sources import resolve_data
from octlessons.site import building, wheels
from octlessons.site.checkout import find_root, place_of
from octlessons.site.distributions import make_distribution
from octlessons.site.freshness import is_current
from octlessons.wording import count, listing, text_table

#: What such a folder is known by.
MARK = "workshop.json"


@dataclass(frozen=True)
class Wanted:
    """What is to be in the folder.

    Attributes
    ----------
    systems, pythons : tuple of str
        Names of `wheels.SYSTEMS` and `wheels.PYTHONS`; all of them if empty.
    torch : bool
        CPU torch, too.
    torch_index : str
        Address of an index with CPU torch for Linux, whose usual wheels bring CUDA.
    octmnist : int, optional
        OCTMNIST at this size.
    extra : str
        What is installed beside the core, as in ``pyproject.toml``.
    """

    systems: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()
    torch: bool = False
    torch_index: str = ""
    octmnist: int | None = None
    extra: str = "book"

    def targets(self) -> list[wheels.Target]:
        """The machines that are meant."""
        for name, chosen, known in (
            ("--system", self.systems, wheels.SYSTEMS),
            ("--python", self.pythons, wheels.PYTHONS),
        ):
            wrong = [choice for choice in chosen if choice not in known]
            if wrong:
                raise OctlessonsError(
                    f"{name} {wrong[0]} is not one of {listing(known, 'and')}: name one of these."
                )
        return [
            wheels.Target(system, python)
            for system in self.systems or tuple(wheels.SYSTEMS)
            for python in self.pythons or wheels.PYTHONS
        ]


@dataclass
class Covered:
    """What one machine can install from the folder."""

    target: wheels.Target
    extras: tuple[str, ...] | None  # None: nothing
    wheels: set[Path]
    note: str = ""

    @property
    def install(self) -> str:
        """What its people ask pip for."""
        return f"octlessons[{','.join(self.extras)}]" if self.extras else "octlessons"


@dataclass
class Workshop:
    """A finished folder."""

    folder: Path
    covered: list[Covered]
    sizes: dict[str, int] = field(default_factory=dict)  # bytes by part


def make_workshop(
    folder: str | os.PathLike,
    wanted: Wanted | None = None,
    *,
    root: Path | None = None,
    site: Path | None = None,
    tell: Callable[[str], None] = print,
) -> Workshop:
    """Make a folder for a room without internet, or renew one.

    Parameters
    ----------
    folder : path
        A new folder, or one that was made so.
    wanted : Wanted, optional
        Packages for all systems, without torch, by default.
    root : Path, optional
        The checkout; found by default.
    site : Path, optional
        A built site, such as that on OCTMNIST; by default the one on phantoms, built if need be.
    tell : callable
        Receives progress.

    Returns
    -------
    Workshop

    Raises
    ------
    OctlessonsError
        If something else is in the way, a name is wrong, or the package index cannot be reached.
    """
    wanted = wanted or Wanted()
    targets, root = wanted.targets(), (root or find_root()).resolve()
    folder = Path(folder).absolute()
    part = folder.with_name(f"{folder.name}.unfinished")
    for place in (folder, part):
        _check_place(place)
    part.mkdir(parents=True, exist_ok=True)
    write_atomically(part / MARK, json.dumps({"octlessons": __version__, "finished": False}))
    _take_over(folder / "packages", part / "packages")
    site = site or _built_site(root, tell)
    shelf = _shelf(root, part / "packages", tell)
    covered = [_cover(shelf, target, wanted, tell) for target in targets]
    if all(one.extras is None for one in covered):
        raise OctlessonsError(f"No machine could install from {part}: {covered[0].note}")
    used = set().union(*(one.wheels for one in covered))
    for wheel in set(shelf.folder.glob("*.whl")) - used:
        wheel.unlink()
    _copy_course(root, site, part, wanted.octmnist, tell)
    sizes = {name: _size(part / name) for name in ("packages", "site", "exercises", "data")}
    sizes["torch"] = sum(w.stat().st_size for w in used if w.name.startswith("torch"))
    made = Workshop(folder, covered, sizes)
    write_atomically(part / "README.txt", read_me(made))
    _seal(part)
    _exchange(part, folder)
    return made


def _check_place(place: Path) -> None:
    """Refuse a place where something else lies."""
    if place.is_dir() and ((place / MARK).is_file() or not any(place.iterdir())):
        return
    if place.exists():
        raise OctlessonsError(
            f"{place} is there already, and is no folder of `octlessons workshop`: name a new one."
        )


def _take_over(old: Path, new: Path) -> None:
    """Begin with the packages of an earlier folder, without copying them where links work."""
    new.mkdir(exist_ok=True)
    for wheel in old.glob("*.whl") if old.is_dir() else ():
        if not (new / wheel.name).exists():
            try:
                os.link(wheel, new / wheel.name)
            except OSError:
                shutil.copy2(wheel, new / wheel.name)


def _built_site(root: Path, tell: Callable[[str], None]) -> Path:
    data = resolve_data("phantoms")
    _, site = place_of(root, data, [])
    if not is_current(site, root, data):
        tell("The site is missing or older than its sources: building it first.")
        building.build(root=root, tell=tell)
    return site


def _shelf(root: Path, folder: Path, tell: Callable[[str], None]) -> wheels.Shelf:
    tell("Making the wheel of the course.")
    for old in folder.glob("octlessons-*.whl"):
        old.unlink()
    make_distribution(root, folder, "wheel")
    return wheels.Shelf(folder, wheels.read_pins(root / "constraints.txt"))


def _cover(shelf: wheels.Shelf, target: wheels.Target, wanted: Wanted, tell) -> Covered:
    """Get what a machine needs: all that is wanted, or as much of it as there are wheels for."""
    notes: list[str] = []
    index = ""
    if target.system == "linux" and "torch" in shelf.pins:  # the usual wheels bring CUDA: 3 GB
        pins = shelf.pins | {"torch": f"{shelf.pins['torch'].partition('+')[0]}+cpu"}
        shelf, index = wheels.Shelf(shelf.folder, pins), wanted.torch_index
    some = (wanted.extra,) if wanted.extra else ()
    choices: list[tuple[str, ...]] = [(*some, "deep")] if wanted.torch else []
    for extras in dict.fromkeys([*choices, some, ()]):
        first = Requirement(f"octlessons[{','.join(extras)}]" if extras else "octlessons")
        try:
            found = wheels.gather(
                shelf, first, target, index=index if "deep" in extras else "", tell=tell
            )
        except wheels.NotThere as error:
            what = f"the package index has no wheel of {error} for it"
            if "+cpu" in str(error):
                what += " (name one that has, with --torch-index)"
            notes.append(f"without {extras[-1]}: {what}" if extras else f"nothing: {what}")
            continue
        if notes:
            tell(f"  {target.title}: {notes[-1]}")
        return Covered(target, extras, found, "; ".join(notes))
    tell(f"  {target.title}: {notes[-1]}")
    return Covered(target, None, set(), notes[-1])


def _copy_course(root: Path, site: Path, part: Path, octmnist: int | None, tell) -> None:
    """Put everything beside the packages in place anew."""
    from octlessons.exercises.terminal import copy_course

    tell("Copying the site, the exercises and the data.")
    for name in ("site", "exercises", "data"):
        shutil.rmtree(part / name, ignore_errors=True)
    shutil.copytree(site, part / "site")
    copy_course(part / "exercises", tell=lambda line: None)
    (part / "data").mkdir()
    if octmnist is not None:
        from octlessons.images.medmnist import fetch_medmnist

        shutil.copy2(fetch_medmnist("octmnist", octmnist), part / "data")
    for name in ("constraints.txt", "LICENSE", "LICENSE-TEXT", "CITATION.cff"):
        if (root / name).is_file():
            shutil.copy2(root / name, part)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _seal(part: Path) -> None:
    """Checksums of everything, so that a copy on a stick can be checked, and the mark."""
    (part / MARK).unlink()
    (part / "SHA256SUMS.txt").unlink(missing_ok=True)
    files = sorted(path for path in part.rglob("*") if path.is_file())
    lines = [f"{file_hash(path)}  {path.relative_to(part).as_posix()}\n" for path in files]
    write_atomically(part / "SHA256SUMS.txt", "".join(lines))
    facts = {"octlessons": __version__, "finished": True, "files": len(files)}
    write_atomically(part / MARK, json.dumps(facts) + "\n")


def _exchange(part: Path, folder: Path) -> None:
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


# What people read -------------------------------------------------------------------------------

_README = Path(__file__).with_name("files") / "workshop.txt"


def megabytes(n_bytes: int) -> str:
    """A size in words.

    Parameters
    ----------
    n_bytes : int
    """
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{max(1, round(n_bytes / 1e6))} MB"


def read_me(made: Workshop) -> str:
    """The text that lies in the folder.

    Parameters
    ----------
    made : Workshop
    """
    fullest = max(made.covered, key=lambda one: len(one.extras or ()))
    notes = [f"* {one.target.title}: {one.note}" for one in made.covered if one.note]
    torch = made.sizes["torch"]
    return _README.read_text(encoding="utf-8").format(
        version=__version__,
        install=fullest.install,
        table=_table(made),
        notes="\n".join(["", *notes, ""]) if notes else "",
        packages=megabytes(made.sizes["packages"]),
        torch=f", of which torch {megabytes(torch)}" if torch else "",
        site=megabytes(made.sizes["site"]),
        exercises=megabytes(made.sizes["exercises"]),
        data="OCTMNIST: copy the file into .medmnist in your home folder"
        if made.sizes["data"]
        else "empty: the course draws its scans itself",
    )


def _table(made: Workshop) -> str:
    rows = [("system", "Python", "pip install")]
    for one in made.covered:
        system = wheels.SYSTEMS[one.target.system].title
        what = f'"{one.install}"' if one.extras is not None else "cannot be installed from here"
        rows.append((system, one.target.python, what))
    return text_table(rows)


def summary(made: Workshop) -> str:
    """What was made, for the end of the command.

    Parameters
    ----------
    made : Workshop
    """
    whole = sum(size for name, size in made.sizes.items() if name != "torch")
    torch = made.sizes["torch"]
    lines = [f"Made {made.folder}, {megabytes(whole)}: its README.txt says what people type."]
    lines += [f"CPU torch is {megabytes(torch)} of it."] if torch else []
    short = [one for one in made.covered if one.note]
    if short:
        lines.append(f"Not everything could be had for {count(len(short), 'machine')}:")
        lines += [f"  {one.target.title}: {one.note}" for one in short]
    return "\n".join(lines)
