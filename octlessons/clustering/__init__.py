"""Clusters: choosing their number, and several methods side by side.

Thin over scikit-learn. Nothing here looks at labels: how clusters agree with a diagnosis is asked
in `octlessons.evaluation`, afterwards.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "choosing": [
            "CRITERIA",
            "KChoice",
            "by_size",
            "choose_k",
            "elbow",
            "rotated",
            "silhouette",
            "stability",
        ],
        "consensus": ["Consensus", "consensus"],
        "gaps": ["parted_groups"],
        "members": ["KINDS", "members"],
        "methods": ["Clustering", "clusterers", "run_clusterers"],
    },
)
