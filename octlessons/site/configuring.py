"""The configuration of one build: that of the book, with its data, its extensions and its foot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from octlessons import _fingerprint
from octlessons.site.identity import identify


def versions() -> dict[str, str]:
    """Versions of octlessons, Python and the libraries, for the foot of a page and the summary."""
    from octlessons import __version__

    return {"octlessons": __version__} | _fingerprint.versions()


def write_inputs(
    root: Path,
    work: Path,
    cache: Path,
    *,
    edition: str,
    chosen: list[str],
    tutor: bool,
    settings: dict[str, bool],
) -> tuple[Path, Path]:
    """Write the configuration and table of contents of a build.

    Parameters
    ----------
    root, work, cache : Path
        The checkout, the folder of the build, that of the execution cache.
    edition : str
        What the foot of each page says of the data.
    chosen : list of str
        Pages; all of them if empty.
    tutor : bool
        Whether this is the tutor edition.
    settings : dict of str to bool
        Settings of the extensions.

    Returns
    -------
    config, toc : Path
    """
    import yaml

    read = {name: yaml.safe_load((root / name).read_text("utf-8")) for name in _files(tutor)}
    config, toc = read["_config.yml"], read["_toc.yml"]
    if tutor:
        config = _merged(config, read["_config.tutor.yml"])
        toc["parts"] = [*read["_toc.tutor.yml"]["parts"], *toc["parts"]]
    config["execute"]["cache"] = cache.as_posix()
    config["sphinx"]["config"] |= settings
    _identify(root, config, edition)
    if chosen:
        more = ["myst.xref_missing", "ref.term", "ref.doc"]
        config["sphinx"]["config"]["suppress_warnings"] += more
        toc = _toc_of(root, chosen)
    paths = work / "config.yml", work / "toc.yml"
    for path, content in zip(paths, (config, toc), strict=True):
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return paths


def _files(tutor: bool) -> tuple[str, ...]:
    names = ("_config.yml", "_toc.yml")
    return (*names, "_config.tutor.yml", "_toc.tutor.yml") if tutor else names


def _identify(root: Path, config: dict, edition: str) -> None:
    """Say in a configuration where the extensions lie, what this is and where it belongs."""
    sphinx, found, us = config["sphinx"], versions(), identify(root, config)
    sphinx["local_extensions"] = {
        name: (root / folder).as_posix() for name, folder in sphinx["local_extensions"].items()
    }
    config["html"]["extra_footer"] += (
        f'<p class="built-with">Version {us.version} of {us.dated}. Built on {edition} with '
        f"octlessons {found['octlessons']}, scikit-learn {found['scikit-learn']} and Python "
        f"{found['python']}.</p>"
    )
    config["html"]["baseurl"] = us.site
    sphinx["config"]["octlessons_identity"] = {**asdict(us), "day": us.day.isoformat()}


def _toc_of(root: Path, chosen: list[str]) -> dict:
    """A table of contents of some pages."""
    first = "book/index" if (root / "book/index.md").is_file() else chosen[0]
    rest = [{"file": page} for page in chosen if page != first]
    toc = {"format": "jb-book", "root": first, "chapters": rest}
    if not rest:
        del toc["chapters"]
    return toc


def _merged(base: dict, over: dict) -> dict:
    """A configuration with some settings replaced, at any depth."""
    both = {key: base[key] for key in base.keys() & over.keys() if isinstance(base[key], dict)}
    return {**base, **over, **{key: _merged(base[key], over[key]) for key in both}}
