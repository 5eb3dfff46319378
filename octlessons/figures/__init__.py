"""Every plot that recurs in the course: one palette with markers, light and dark, with alt text.

Each function returns a matplotlib `Figure` that pyplot does not know of, so nothing opens twice
and nothing piles up; its attribute ``alt`` is a sentence, computed from what was drawn, that says
what the figure shows. `show` displays a figure for a light and for a dark page.
"""

from octlessons.figures.classes import class_counts
from octlessons.figures.clusters import (
    agreement_bars,
    contingency_heatmap,
    k_choice,
    kmeans_steps,
    silhouette_plot,
)
from octlessons.figures.labels import calibration_figure, confusion_figure
from octlessons.figures.networks import reconstructions, training_curves
from octlessons.figures.scans import (
    centroid_images,
    class_examples,
    component_images,
    image_grid,
    layer_overlay,
    lesion_overlay,
)
from octlessons.figures.showing import MIME, render, show
from octlessons.figures.spaces import embedding_map, embedding_maps, scree
from octlessons.figures.style import (
    DARK,
    FAINT,
    FULL,
    INK,
    LIGHT,
    MARKERS,
    MUTED,
    ON_IMAGE,
    PALETTE,
    PAPER,
    STYLE,
    colour,
    marker,
    use_style,
)

__all__ = [
    "DARK",
    "FAINT",
    "FULL",
    "INK",
    "LIGHT",
    "MARKERS",
    "MIME",
    "MUTED",
    "ON_IMAGE",
    "PALETTE",
    "PAPER",
    "STYLE",
    "agreement_bars",
    "calibration_figure",
    "centroid_images",
    "class_counts",
    "class_examples",
    "colour",
    "component_images",
    "confusion_figure",
    "contingency_heatmap",
    "embedding_map",
    "embedding_maps",
    "image_grid",
    "k_choice",
    "kmeans_steps",
    "layer_overlay",
    "lesion_overlay",
    "marker",
    "reconstructions",
    "render",
    "scree",
    "show",
    "silhouette_plot",
    "training_curves",
    "use_style",
]
