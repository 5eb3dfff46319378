"""Every plot that recurs in the course: one palette with markers, light and dark, with alt text.

Each function returns a matplotlib `Figure` that pyplot does not know of, so nothing opens twice
and nothing piles up; its attribute ``alt`` is a sentence, computed from what was drawn, that says
what the figure shows. `show` displays a figure for a light and for a dark page.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classes": ["class_counts"],
        "clusters": [
            "agreement_bars", "consensus_map", "contingency_heatmap", "k_choice", "kmeans_steps",
            "silhouette_plot",
        ],
        "labels": ["calibration_figure", "confusion_figure"],
        "montage": ["cluster_members"],
        "networks": ["reconstructions", "training_curves"],
        "playing": ["grey", "play", "sheet"],
        "scans": [
            "centroid_images", "class_examples", "component_images", "image_grid",
            "layer_overlay", "lesion_overlay",
        ],
        "showing": ["MIME", "render", "show"],
        "spaces": ["embedding_map", "embedding_maps", "scree"],
        "style": [
            "DARK", "FAINT", "FULL", "INK", "LIGHT", "MARKERS", "MUTED", "ON_IMAGE", "PALETTE",
            "PAPER", "STYLE", "colour", "marker", "use_style",
        ],
        "trees": ["dendrogram"],
    },
)  # fmt: skip
