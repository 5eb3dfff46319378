"""The note at the top of a page: which data it shows, under which terms."""

from __future__ import annotations

import re

from octlessons.images.imageset import ImageSet
from octlessons.wording import Prose, count, listing


def data_notice(images: ImageSet) -> Prose:
    """Which data a page shows, under which terms, as a note for the top of the page.

    Parameters
    ----------
    images : ImageSet

    Returns
    -------
    Prose
    """
    source = images.provenance
    parts = [f"**This page was built with {count(len(images), 'image')}.**", source.description]
    if images.labels is not None:
        classes = [f"{n:,} {name}" for name, n in images.counts().items() if n]
        parts.append(f"Classes: {listing(classes)}.")
    parts.append(f"Terms of use: {_as_text(source.licence)}.")
    if source.citation:
        parts.append(f"Source: {_as_text(source.citation)}.")
    if source.problems:
        parts.append(f"{count(len(source.problems), 'file')} could not be used and were left out.")
    return Prose(" ".join(parts))


def _as_text(text: str) -> str:
    """Text that somebody wrote into a file, not to be read as Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>|$&])", r"\\\1", text)
