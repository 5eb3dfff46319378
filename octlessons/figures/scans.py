"""Figures of images: grids, mean images, layers and lesions on a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from octlessons.figures.axes import (
    add_title,
    draw_scan,
    grid_height,
    grid_of,
    new_figure,
    styled,
    tally,
)
from octlessons.figures.style import FULL, ON_IMAGE, PALETTE
from octlessons.images.cleaning import bright_row
from octlessons.wording import count, listing, percent


@styled
def image_grid(
    images,
    titles=None,
    *,
    columns: int = 4,
    title: str = "",
    cmap: str = "gray",
    vmin: float | None = None,
    vmax: float | None = None,
    what: str = "scan",
    width: float = FULL,
):
    """Draw images side by side.

    Parameters
    ----------
    images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays
    titles : sequence, optional
        One above each image, as a list or an array; by default the classes of an `ImageSet` that
        has labels. An empty sequence for none.
    columns : int
    title : str
        Of the whole figure.
    cmap : str
        Matplotlib colour map.
    vmin, vmax : float, optional
        Values drawn black and white; by default 0 and 255 for uint8, else each image's own.
    what : str
        What one image is called in the alt text.
    width : float
        In inches; `FULL` is the width of the text.
    """
    pictures = [np.asarray(image) for image in images]
    rows, columns = grid_of(len(pictures), columns, "images")
    titles = _class_of_each(images) if titles is None else titles
    named = [] if titles is None else [str(name) for name in titles]
    height = grid_height(pictures, rows, columns, width, bool(title), bool(named))
    fig, axes = new_figure(width, height, rows, columns)
    for ax in axes.flat[len(pictures) :]:
        ax.set_axis_off()
    for i, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        draw_scan(ax, picture, vmin, vmax, cmap)
        if i < len(named):
            ax.set_title(named[i], fontsize=12, fontweight="normal", pad=4)
    add_title(fig, title)
    fig.alt = count(len(pictures), what)
    fig.alt += f" in {count(rows, 'row')}" if len(pictures) > 1 else ""
    if named:
        fig.alt += f": {tally(named) if len(set(named)) < len(named) else ', '.join(named)}"
    fig.alt += f". {_brightness(pictures)}" if cmap == "gray" else "."
    return fig


@styled
def class_examples(images, n_per_class: int = 3, *, random_state: int = 0, title: str = ""):
    """Draw some images of every class, one row for each class.

    Parameters
    ----------
    images : ImageSet
        With labels; without, one row of images.
    n_per_class : int
        Columns.
    random_state : int
        Of the draw. Images of different patients are taken, where known.
    title : str
    """
    if len(images) == 0 or n_per_class < 1:
        raise ValueError("There are no images to draw: give at least one, of each class.")
    rng = np.random.default_rng(random_state)
    labels = np.zeros(len(images), int) if images.labels is None else images.labels
    classes = np.unique(labels)
    chosen = {c: _different_patients(images, labels == c, n_per_class, rng) for c in classes}
    pictures = {c: [images[int(i)] for i in index] for c, index in chosen.items()}
    every = [picture for row in pictures.values() for picture in row]
    fig, axes = new_figure(
        FULL,
        grid_height(every, len(classes), n_per_class, FULL - 1.1, bool(title), False),
        len(classes),
        n_per_class,
    )
    for row, c in enumerate(classes):
        for column, ax in enumerate(axes[row]):
            if column < len(pictures[c]):
                draw_scan(ax, pictures[c][column])
            else:
                ax.set_axis_off()
        if images.labels is not None:
            axes[row, 0].set_ylabel(
                images.class_names[c],
                rotation=0,
                ha="right",
                va="center",
                labelpad=8,
                fontweight="bold",
            )
    add_title(fig, title)
    if images.labels is None:
        fig.alt = f"{count(len(every), 'scan')} without labels."
    else:
        parts = [f"{len(pictures[c])} of class {images.class_names[c]}" for c in classes]
        fig.alt = f"Scans in {count(len(classes), 'row')}, one for each class: {listing(parts)}."
    return fig


@styled
def centroid_images(
    centroids, counts: Sequence[int] | None = None, *, columns: int = 4, title: str = ""
):
    """Draw the mean image of every cluster.

    Parameters
    ----------
    centroids : array_like of float, shape (k, h, w)
        Such as ``pixels.inverse_transform(kmeans.cluster_centers_)``. All share one grey scale.
    counts : sequence of int, optional
        Images in each cluster.
    columns : int
    title : str
    """
    centroids = np.asarray(centroids, float)
    if centroids.ndim != 3:
        raise ValueError(
            f"Centroids are images, shape (k, h, w); these have shape {centroids.shape}. Turn rows "
            "into images with Pixels.inverse_transform."
        )
    k = len(centroids)
    rows, columns = grid_of(k, columns, "centroids")
    width = FULL if columns > 2 else FULL * 0.7
    fig, axes = new_figure(
        width, grid_height(centroids, rows, columns, width, bool(title), True), rows, columns
    )
    low, high = centroids.min(), centroids.max()
    for i, ax in enumerate(axes.flat):
        if i >= k:
            ax.set_axis_off()
            continue
        draw_scan(ax, centroids[i], low, high)
        text = f"{i}" if counts is None else f"{i}: {count(int(counts[i]), 'image')}"
        ax.set_title(text, fontsize=12, fontweight="normal", pad=5)
    add_title(fig, title)
    parts = []
    for i, image in enumerate(centroids):
        size = "" if counts is None else f" ({count(int(counts[i]), 'image')})"
        parts.append(
            f"cluster {i}{size} has mean grey {image.mean():.2f} and its brightest row at "
            f"{percent(bright_row(image))} of the height"
        )
    fig.alt = f"Mean images of {count(k, 'cluster')}: {'; '.join(parts)}."
    return fig


@styled
def component_images(
    components, ratios: Sequence[float] | None = None, *, columns: int = 4, title: str = ""
):
    """Draw principal components as images: orange adds, purple takes away.

    Parameters
    ----------
    components : array_like of float, shape (m, h, w)
        Such as ``pixels.inverse_transform(pca.components_[:8])``.
    ratios : sequence of float, optional
        Share of the variance of each.
    columns : int
    title : str
    """
    components = np.asarray(components, float)
    rows, columns = grid_of(len(components), columns, "components")
    fig, axes = new_figure(
        FULL, grid_height(components, rows, columns, FULL, bool(title), True), rows, columns
    )
    for i, ax in enumerate(axes.flat):
        if i >= len(components):
            ax.set_axis_off()
            continue
        top = np.percentile(np.abs(components[i]), 99.5)
        draw_scan(ax, components[i], -top, top, cmap="PuOr_r")
        text = f"{i + 1}" if ratios is None else f"{i + 1}: {percent(ratios[i], 1)}"
        ax.set_title(text, fontsize=12, fontweight="normal", pad=4)
    add_title(fig, title)
    kinds = [_component_kind(image) for image in components]
    held = ""
    if ratios is not None:
        held = f", together {percent(float(np.sum(ratios[: len(components)])))} of the variance"
    groups = [
        f"{listing([str(i + 1) for i, k in enumerate(kinds) if k == kind])} "
        f"{kind if kinds.count(kind) == 1 else kind.replace('s ', ' ', 1)}"
        for kind in dict.fromkeys(kinds)
    ]
    fig.alt = (
        f"The first {len(components)} principal components as images{held}: {'; '.join(groups)}."
    )
    return fig


@styled
def layer_overlay(
    image,
    boundaries,
    names: Sequence[str],
    *,
    pixel_size: tuple[float, float] | None = None,
    title: str = "",
):
    """Draw the layer boundaries of a scan, named on its right, with a scale in µm.

    Parameters
    ----------
    image : ndarray, shape (h, w)
    boundaries : array_like of float, shape (m, w)
        Row of each boundary in every column, in pixels; NaN where unknown.
    names : sequence of str, length m
    pixel_size : (float, float), optional
        Height and width of a pixel in µm; without it there is no scale.
    title : str
    """
    image, boundaries = np.asarray(image), np.asarray(boundaries, float)
    names = [str(name) for name in names]
    if boundaries.ndim != 2 or len(boundaries) != len(names):
        raise ValueError(
            f"There are {len(names)} names for boundaries of shape {boundaries.shape}: give one "
            "name for each row of boundaries."
        )
    h, w = image.shape[:2]
    fig, axes = new_figure(FULL, (FULL - 2.0) * h / w + (0.5 if title else 0.1))
    ax = axes[0, 0]
    draw_scan(ax, image)
    known = np.isfinite(boundaries).any(axis=1)
    boundaries, names = boundaries[known], [n for n, k in zip(names, known, strict=True) if k]
    columns = [np.flatnonzero(np.isfinite(boundary))[-1] for boundary in boundaries]
    ends = [boundary[at] for boundary, at in zip(boundaries, columns, strict=True)]
    gap = 0.062 * h * max(1.0, 3.4 / ((FULL - 2.0) * h / w))
    heights = _spread(ends, gap, 0.03 * h, 0.98 * h)
    for i, name in enumerate(names):
        tone, way = PALETTE[i % 7], [columns[i], w * 1.0, w * 1.06]
        ax.plot(boundaries[i], color=tone, linewidth=1.6, solid_capstyle="butt")
        ax.plot(way, [ends[i], ends[i], heights[i]], color=tone, linewidth=1.4, clip_on=False)
        ax.text(w * 1.075, heights[i], name, va="center", fontsize=11.5)
    ax.set(xlim=(-0.5, w - 0.5), ylim=(h - 0.5, -0.5), title=title)
    fig.alt = f"B-scan with {count(len(names), 'layer boundary')} drawn"
    if names:
        fig.alt += f" and named, from top to bottom: {', '.join(names)}"
    fig.alt += "."
    if pixel_size is not None and np.all(np.isfinite(pixel_size)):
        _scale_bars(ax, h, w, *pixel_size)
        if len(names) > 1:
            depth = np.nanmedian(boundaries[-1] - boundaries[0]) * pixel_size[0]
            fig.alt += f" From {names[0]} to {names[-1]} it is {depth:.0f} µm (median)."
    return fig


@styled
def lesion_overlay(
    image,
    lesions,
    names: Mapping[int, str],
    *,
    pixel_size: tuple[float, float] | None = None,
    title: str = "",
):
    """Draw a scan beside itself with its lesions coloured and named.

    Parameters
    ----------
    image : ndarray, shape (h, w)
    lesions : ndarray of int, shape (h, w)
        Code of the lesion each pixel belongs to; 0 for none.
    names : mapping of int → str
        Name of each code.
    pixel_size : (float, float), optional
        Height and width of a pixel in µm; areas in the alt text are then in mm².
    title : str
    """
    image, lesions = np.asarray(image), np.asarray(lesions)
    if lesions.shape != image.shape[:2]:
        raise ValueError(f"Lesions {lesions.shape} and image {image.shape} differ in size.")
    present = [code for code in names if code and np.any(lesions == code)]
    h, w = lesions.shape
    legend = 0.26 * len(present) + 0.1
    fig, axes = new_figure(FULL, FULL / 2 * h / w + legend + (0.5 if title else 0.1), 1, 2)
    draw_scan(axes[0, 0], image)
    tones = {code: PALETTE[list(names).index(code) % len(PALETTE)] for code in present}
    draw_scan(axes[0, 1], _tinted(image, lesions, tones))
    area, unit = 1 / lesions.size, ""
    if pixel_size is not None and np.all(np.isfinite(pixel_size)):
        _scale_bars(axes[0, 0], h, w, *pixel_size)
        area, unit = float(np.prod(pixel_size)) / 1e6, " mm²"
    if present:
        _name_tones(fig, [(tones[code], str(names[code])) for code in present])
    add_title(fig, title)
    parts = []
    for code in present:
        size = float(np.sum(lesions == code)) * area
        text = f"{percent(size, 1)} of the image"
        if unit:
            text = f"{size:.2f}{unit}" if size >= 0.005 else f"less than 0.01{unit}"
        parts.append(f"{names[code]} ({text})")
    fig.alt = "B-scan, twice the same: there is no lesion to colour."
    if parts:
        fig.alt = f"B-scan, and the same with its lesions coloured: {listing(parts)}."
    return fig


def _tinted(image: np.ndarray, lesions: np.ndarray, tones: Mapping[int, str]) -> np.ndarray:
    """The scan in RGB, 0 to 1, with each lesion in its tone."""
    from matplotlib.colors import to_rgb

    low, high = (0, 255) if image.dtype == np.uint8 else (image.min(), image.max())
    grey = (image.astype(float) - low) / (high - low or 1)
    tinted = np.repeat(grey[..., None], 3, axis=2) if grey.ndim == 2 else grey
    for code, tone in tones.items():
        inside = lesions == code
        tinted[inside] = 0.35 * tinted[inside] + 0.65 * np.array(to_rgb(tone))
    return tinted


def _name_tones(fig, named: Sequence[tuple[str, str]]) -> None:
    from matplotlib.patches import Patch

    longest = max(len(name) for _, name in named)
    fits = 3 if longest <= 20 else 2 if longest <= 34 else 1
    fig.legend(
        handles=[Patch(facecolor=tone, edgecolor="none", label=name) for tone, name in named],
        loc="outside lower left",
        ncols=min(fits, len(named)),
        handlelength=1.2,
    )


def _class_of_each(images) -> list[str] | None:
    labels = getattr(images, "labels", None)
    if labels is None:
        return None
    return [images.class_names[label] for label in labels]


def _different_patients(images, mask, n: int, rng) -> np.ndarray:
    members = rng.permutation(np.flatnonzero(mask))
    if images.patients is not None:
        _, first = np.unique(images.patients[members], return_index=True)
        rest = np.setdiff1d(np.arange(len(members)), first)
        members = members[np.concatenate([np.sort(first), rest])]
    return members[:n]


def _brightness(images) -> str:
    heights = [bright_row(image) for image in images]
    low, high = percent(min(heights)), percent(max(heights))
    if low == high:
        return f"The brightest row lies at {low} of the height, from the top."
    return f"The brightest row lies between {low} and {high} of the height, from the top."


def _component_kind(image: np.ndarray) -> str:
    """What a component changes most: everything, top against bottom, or left against right."""
    strength = np.linalg.norm(image)
    w = image.shape[1]
    if min(image.shape) < 2 or not strength:
        return "changes too few pixels to tell what"
    down = np.repeat(image.mean(axis=1, keepdims=True), w, axis=1)
    level, vertical = abs(image.mean()) * np.sqrt(image.size), np.linalg.norm(down - image.mean())
    odd = np.linalg.norm(image - image[:, ::-1]) / 2
    kinds = {
        "changes the brightness of the whole image": level,
        "trades brightness between rows": vertical,
        "trades left against right": odd,
    }
    kind, share = max(kinds.items(), key=lambda item: item[1])
    return kind if share > 0.6 * strength else "changes a pattern of both rows and columns"


def _scale_bars(ax, h: int, w: int, axial: float, lateral: float) -> None:
    """Draw a bar for each direction: pixels of OCT are not square."""
    from matplotlib import patheffects

    def length(extent: float) -> float:
        choices = np.array([50, 100, 200, 500, 1000, 2000, 5000])
        return float(choices[np.argmin(np.abs(choices - 0.22 * extent))])

    wide, high = length(w * lateral), length(h * axial)
    x, y = 0.035 * w, 0.95 * h
    halo = [patheffects.withStroke(linewidth=4, foreground="#000001")]
    corner = [(x, y - high / axial), (x, y), (x + wide / lateral, y)]
    ax.plot(
        *zip(*corner, strict=True),
        color=ON_IMAGE,
        linewidth=2.2,
        path_effects=halo,
        solid_joinstyle="miter",
    )
    style = {"color": ON_IMAGE, "fontsize": 11, "path_effects": halo}
    ax.text(x + wide / lateral + 0.012 * w, y, f"{wide:.0f} µm", va="center", **style)
    ax.text(x, y - high / axial - 0.015 * h, f"{high:.0f} µm", va="bottom", ha="left", **style)


def _spread(heights: Sequence[float], gap: float, lowest: float, highest: float) -> np.ndarray:
    """Move heights as little as needed to be `gap` apart, in their order."""
    if not len(heights):
        return np.empty(0)
    order = np.argsort(heights, kind="stable")
    wanted = np.asarray(heights, float)[order] - gap * np.arange(len(order))
    # Pool adjacent violators: isotonic regression of the heights less their gaps.
    from sklearn.isotonic import isotonic_regression

    placed = isotonic_regression(wanted) + gap * np.arange(len(order))
    # Within the scan where they fit, from its top where they do not.
    placed -= max(placed[-1] - highest, 0)
    placed += max(lowest - placed[0], 0)
    result = np.empty(len(order))
    result[order] = placed
    return result
