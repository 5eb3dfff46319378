"""What a copy of the course says of itself: its name, version and date, and where it lives.

Where it lives is not known to the sources: a fork, a department's server and a folder on a stick
are all good homes.  Two addresses can be given, in ``_config.yml`` (``html: baseurl`` and
``repository: url``) or for one build in the environment; without them no page holds an absolute
link to its own site, and nothing points to a repository.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from octlessons import __version__
from octlessons.errors import OctlessonsError

#: Address of the published site, such as ``https://example.org/course/``.
SITE_VARIABLE = "OCTLESSONS_SITE_URL"

#: Address of the public repository, such as ``https://example.org/owner/name``.
REPOSITORY_VARIABLE = "OCTLESSONS_REPOSITORY"


@dataclass(frozen=True)
class Identity:
    """Name, authors, version, date and addresses of a copy of the course.

    Attributes
    ----------
    title, authors, version : str
    day : date
        Of the last change to the sources.
    site : str
        Address of the published site with a slash at its end; "" where it is not known.
    repository : str
        Address of the public repository without a slash at its end; "" where it is not known.
    """

    title: str
    authors: str
    version: str
    day: date
    site: str
    repository: str

    @property
    def dated(self) -> str:
        """The day in words: ``20 November 2026``."""
        return f"{self.day.day} {self.day:%B %Y}"


def identify(root: Path, config: dict[str, Any] | None = None) -> Identity:
    """Find out what a checkout says of itself.

    Parameters
    ----------
    root : Path
        The checkout.
    config : dict, optional
        Its ``_config.yml``; read if not given.

    Returns
    -------
    Identity

    Raises
    ------
    OctlessonsError
        If an address is none.
    """
    import yaml

    if config is None:
        config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    citation = root / "CITATION.cff"
    cited = yaml.safe_load(citation.read_text(encoding="utf-8")) if citation.is_file() else {}
    site = os.environ.get(SITE_VARIABLE) or config.get("html", {}).get("baseurl") or ""
    repository = (
        os.environ.get(REPOSITORY_VARIABLE) or (config.get("repository") or {}).get("url") or ""
    )
    for name, address in ((SITE_VARIABLE, site), (REPOSITORY_VARIABLE, repository)):
        _check_address(name, address)
    return Identity(
        title=config["title"],
        authors=config["author"],
        version=__version__,
        day=last_change(root, cited.get("date-released")),
        site=f"{site.rstrip('/')}/" if site else "",
        repository=repository.rstrip("/").removesuffix(".git"),
    )


def _check_address(name: str, address: str) -> None:
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query):
        raise OctlessonsError(
            f"{name} is {address!r}, which is no address of a site. Write it whole, such as "
            "https://example.org/course/, or leave it away."
        )


def last_change(root: Path, released: date | None = None) -> date:
    """The day of the last change to the sources, in universal time.

    Parameters
    ----------
    root : Path
        The checkout.
    released : date, optional
        The answer where there is no history, as in a copy that was downloaded.

    Returns
    -------
    date
        From ``SOURCE_DATE_EPOCH`` where that is set, else that of the last commit.
    """
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not re.fullmatch(r"\d+", seconds):
        seconds = _last_commit(root)
    if seconds:
        return datetime.fromtimestamp(int(seconds), UTC).date()
    return released or datetime.now(UTC).date()


def _last_commit(root: Path) -> str:
    """Seconds since 1970 of the last commit; "" where there is none, or no git."""
    if not (root / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "log", "-1", "--format=%ct"],
            capture_output=True,
            text=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
