"""A set of images in a few lines."""

from __future__ import annotations

import numpy as np


def summary(images) -> list[tuple[str, str]]:
    """What is known about the images of an `ImageSet`, as rows of a name and a text."""
    _, *image_shape = images.shape
    size = f"{by(image_shape)} px" if None not in image_shape else "sizes differ"
    where = "lazy" if images.is_lazy else "in memory"
    rows = [("ImageSet", f"{len(images):,} images, {size}, {where}")]
    if images.labels is not None:
        rows.append(("classes", ", ".join(f"{k} {v:,}" for k, v in images.counts().items())))
    for part in ("patients", "sites"):
        values = getattr(images, part)
        if values is not None:
            rows.append((part, f"{len(np.unique(values)):,}"))
    if images.originals is not None:
        rows.append(("originals", f"{len(np.unique(images.originals)):,} (the rest are copies)"))
    if images.sizes is not None and len(images):
        kinds, n = np.unique(images.sizes, axis=0, return_counts=True)
        common = sorted(zip(n.tolist(), kinds.tolist(), strict=True), reverse=True)
        text = ", ".join(f"{by(kind)} ({count:,})" for count, kind in common[:3])
        rows.append(("acquired", text + (", …" if len(common) > 3 else "")))
    rows.append(("source", f"{images.provenance.name}; licence {images.provenance.licence}"))
    if images.provenance.problems:
        rows.append(("left out", f"{len(images.provenance.problems):,} files"))
    return rows + [("note", note) for note in images.provenance.notes]


def by(shape) -> str:
    """A shape as people write it: 496 × 512."""
    return " × ".join(str(side) for side in shape)
