"""Everything that a release hands out, in one folder: ``python -m octlessons.site.release OUT``.

The site as a zip that opens by double-click, the book as PDF, slides, notebooks, wheel and
sources, the tutors' bundle, checksums.  Each file is there whole or not at all; what is there from
an earlier run is replaced.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from octlessons._files import file_hash, write_atomically
from octlessons.errors import OctlessonsError
from octlessons.site import building
from octlessons.site.checkout import find_root, pages_of
from octlessons.site.distributions import make_distribution
from octlessons.site.identity import Identity, identify
from octlessons.site.notebooks import chapters_of, package_address, write_notebooks
from octlessons.site.printing import book_page, find_browser, print_to_pdf
from octlessons.site.slides import write_slides

#: What can be made, in this order.
PARTS = ("site", "book", "slides", "notebooks", "package", "tutors")
SUMS = "SHA256SUMS.txt"


@dataclass(frozen=True)
class _Making:
    """What every part needs to know."""

    root: Path
    site: Path
    out: Path
    us: Identity
    tell: Callable[[str], None]

    def name(self, what: str) -> Path:
        return self.out / f"octlessons-{self.us.version}-{what}"


def make_release(
    out: Path,
    parts: Sequence[str] = PARTS,
    *,
    root: Path | None = None,
    site: Path | None = None,
    tell: Callable[[str], None] = print,
) -> list[Path]:
    """Make the files of a release.

    Parameters
    ----------
    out : Path
        A folder; files of these names are replaced, others stay.
    parts : sequence of str
        Some of `PARTS`.
    root : Path, optional
        The checkout; found by default.
    site : Path, optional
        The built site of students; the one on phantoms by default, built if need be.
    tell : callable
        Receives progress.

    Returns
    -------
    list of Path
        The files, checksums last.

    Raises
    ------
    OctlessonsError
        If a part is unknown, or something that it needs is missing.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise OctlessonsError(f"There is no part {unknown[0]}: name some of {', '.join(PARTS)}.")
    if "book" in parts and find_browser() is None:  # before an hour of work, not after
        raise OctlessonsError(
            "There is no Chromium here, and it prints the book. Install one (apt-get install "
            "chromium), name its file in OCTLESSONS_CHROMIUM, or go without: --without book"
        )
    root = (root or find_root()).resolve()
    out.mkdir(parents=True, exist_ok=True)
    if site is None:  # a build of what is there already takes a minute, and knows the addresses
        site = building.build(root=root, tell=tell).index.parent
    made = _Making(root, site, out, identify(root), tell)
    files: list[Path] = []
    for part in PARTS:
        if part in parts:
            tell(f"Making {part}.")
            files += _MAKERS[part](made)
    sums = "".join(f"{file_hash(path)}  {path.name}\n" for path in sorted(files))
    write_atomically(out / SUMS, sums)
    return [*files, out / SUMS]


def _site(made: _Making) -> list[Path]:
    return [_zip(made.site, made.name("site.zip"), "seeing-without-labels", made.us)]


def _book(made: _Making) -> list[Path]:
    pages = pages_of(made.root / "_toc.yml")
    with tempfile.TemporaryDirectory(prefix="octlessons-book-") as folder:
        page = Path(folder) / "book.html"
        page.write_text(book_page(made.site, pages, made.us), encoding="utf-8")
        print_to_pdf(page, made.name("book.pdf"))
    return [made.name("book.pdf")]


def _slides(made: _Making) -> list[Path]:
    with tempfile.TemporaryDirectory(prefix="octlessons-slides-") as folder:
        write_slides(made.site, chapters_of(made.root), made.us.title, Path(folder))
        return [_zip(Path(folder), made.name("slides.zip"), "slides", made.us)]


def _notebooks(made: _Making) -> list[Path]:
    files = []
    for kind in ("student", "code-only"):
        with tempfile.TemporaryDirectory(prefix="octlessons-notebooks-") as folder:
            write_notebooks(
                made.root, chapters_of(made.root), Path(folder), kind, package_address(made.us)
            )
            target = made.name(f"notebooks-{kind}.zip")
            files.append(_zip(Path(folder), target, f"notebooks-{kind}", made.us))
    return files


def _package(made: _Making) -> list[Path]:
    return [make_distribution(made.root, made.out, kind) for kind in ("wheel", "sdist")]


def _tutors(made: _Making) -> list[Path]:
    """The tutors' edition, every solution as file and as notebook."""
    site = building.build(root=made.root, tutor=True, tell=made.tell).index.parent
    with tempfile.TemporaryDirectory(prefix="octlessons-tutors-") as folder:
        bundle = Path(folder)
        shutil.copytree(site, bundle / "site")
        leave = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(made.root / "solutions", bundle / "solutions", ignore=leave)
        write_notebooks(made.root, [], bundle / "notebooks-solved", "solved")
        return [_zip(bundle, made.name("tutors.zip"), "tutors", made.us)]


_MAKERS: dict[str, Callable[[_Making], list[Path]]] = {
    "site": _site,
    "book": _book,
    "slides": _slides,
    "notebooks": _notebooks,
    "package": _package,
    "tutors": _tutors,
}


def _zip(folder: Path, target: Path, inside: str, us: Identity) -> Path:
    """Pack a folder; the same files give the same bytes."""
    date = (us.day.year, us.day.month, us.day.day, 0, 0, 0)

    def pack(stream) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(f"{inside}/{path.relative_to(folder).as_posix()}", date)
                entry.external_attr = 0o644 << 16
                stored = path.suffix in {".png", ".jpg", ".woff2", ".zip"}
                entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())

    write_atomically(target, pack)
    return target


def main(given: Sequence[str] | None = None) -> int:
    """Make a release from the command line.

    Parameters
    ----------
    given : sequence of str, optional
        Arguments; those of the command line by default.

    Returns
    -------
    int
        0, or 1 after a sentence on what is wrong.
    """
    parser = argparse.ArgumentParser(description="Make everything that a release hands out.")
    parser.add_argument("out", type=Path, nargs="?", default=Path("dist"))
    parser.add_argument("--only", action="append", choices=PARTS, help="this part (repeatable)")
    parser.add_argument("--without", action="append", choices=PARTS, default=[], help="not this")
    asked = parser.parse_args(given)
    parts = [part for part in asked.only or PARTS if part not in asked.without]
    try:
        files = make_release(asked.out, parts)
    except OctlessonsError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    for path in files:
        print(f"{path.stat().st_size / 1e6:9.2f} MB  {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
