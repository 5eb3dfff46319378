"""Networks that are trained here: autoencoder, contrastive encoder, small classifier.

One loop, `train`, gives a `History`. Its randomness comes from the seed and the number of the
epoch alone: the same seed gives the same result on one machine, a training that was interrupted
goes on exactly where it was, and the generators of the rest of the program are left as they were.
Torch is imported only when something is trained.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "autoencoder": ["ConvAutoencoder"],
        "checkpoints": ["Checkpoint"],
        "classifier": ["SmallCNN"],
        "contrastive": ["SelfSupervised"],
        "deep_clusters": [
            "DeepClusters",
            "deep_clusters",
            "soft_assignment",
            "target_distribution",
        ],
        "history": ["History"],
        "loop": ["train"],
        "losses": ["contrastive_loss", "vicreg_loss"],
        "parts": ["held_out"],
        "settings": ["SOLVERS", "TrainingSettings"],
        "views": ["VIEWS", "Views", "make_views", "view_steps"],
    },
)
