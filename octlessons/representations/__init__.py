"""Representations: scikit-learn transformers that turn images into rows of features.

Every representation takes an `ImageSet`, an array (n, h, w) or a list of 2-D arrays and gives an
array (n, d) of float32, so that comparing two of them changes one word of a pipeline.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "pca": ["VariancePCA"],
        "autoencoder": ["ConvAutoencoder"],
        "phantom_encoder": ["PhantomEncoder"],
        "pixels": ["Pixels"],
        "pretrained": ["PretrainedCNN", "find_weights", "weights_here"],
        "selfsupervised": ["SelfSupervised", "contrastive_loss", "vicreg_loss"],
        "views": ["VIEWS", "Views", "make_views", "view_steps"],
    },
)
