"""The data card: what a reader of a result has to know of the images behind it."""

from __future__ import annotations

import numpy as np

from octlessons.images._summary import by
from octlessons.images.imageset import ImageSet
from octlessons.wording import Table, count, percent

UNKNOWN = "not known"


class DataCard(Table):
    """What is known of a set of images, as a table. Made by `data_card`.

    Attributes
    ----------
    facts : dict of str to str
        The rows, in their order.
    """

    _header = ("fact", "this set")

    def __init__(self, facts: dict[str, str]):
        self.facts = dict(facts)

    def _caption(self) -> str:
        return "Data card"

    def _cells(self) -> list[tuple[str, ...]]:
        return list(self.facts.items())


def data_card(images: ImageSet) -> DataCard:
    """Count what a report on these images has to tell.

    Parameters
    ----------
    images : ImageSet

    Returns
    -------
    DataCard
        Scans, classes, majority share, patients, scans per patient, patients in several classes,
        sites, sizes as acquired, pixel sizes, files left out, terms of use and source. What the
        set does not tell is "not known".

    Examples
    --------
    >>> from octlessons.images import draw_phantoms
    >>> data_card(draw_phantoms(8, size=64)).facts["pixel size"]
    'known'
    """
    source = images.provenance
    facts = {"scans": f"{len(images):,}", **_classes(images), **_patients(images)}
    facts["sites"] = UNKNOWN if images.sites is None else f"{len(np.unique(images.sites))}"
    facts["size as acquired"] = _sizes(images.sizes)
    facts["pixel size"] = UNKNOWN if images.pixel_sizes is None else "known"
    facts["files left out"] = f"{len(source.problems):,}"
    facts["terms of use"] = source.licence
    facts["source"] = source.citation or source.description.rstrip(".") or source.name
    return DataCard(facts)


def _classes(images: ImageSet) -> dict[str, str]:
    if images.labels is None:
        return {"classes": UNKNOWN}
    there = {name: n for name, n in images.counts().items() if n}
    listed = ", ".join(f"{name} {n:,}" for name, n in there.items())
    share = max(there.values(), default=0) / max(len(images), 1)
    return {"classes": listed, "majority share": percent(share)}


def _patients(images: ImageSet) -> dict[str, str]:
    if images.patients is None:
        return {"patients": UNKNOWN}
    who, code, n = np.unique(images.patients, return_inverse=True, return_counts=True)
    facts = {"patients": f"{len(who):,}"}
    if len(who) and n.max() == 1:
        facts["scans per patient"] = "one each"
    elif len(who):
        facts["scans per patient"] = f"{n.min()} to {n.max():,}, median {np.median(n):g}"
    if images.labels is not None:
        pairs = np.unique(np.column_stack([code, images.labels]), axis=0)
        several = int((np.bincount(pairs[:, 0].astype(np.intp)) > 1).sum()) if len(pairs) else 0
        facts["in several classes"] = count(several, "patient")
    return facts


def _sizes(sizes: np.ndarray | None) -> str:
    if sizes is None or not len(sizes):
        return UNKNOWN
    kinds, n = np.unique(sizes, axis=0, return_counts=True)
    common = sorted(zip(n.tolist(), kinds.tolist(), strict=True), reverse=True)
    more = f" and {count(len(common) - 3, 'other')}" if len(common) > 3 else ""
    return ", ".join(f"{by(kind)} ({n:,})" for n, kind in common[:3]) + more
