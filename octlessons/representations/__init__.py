"""Representations that need no training: images in, rows of features out.

Every representation takes an `ImageSet`, an array (n, h, w) or a list of 2-D arrays and gives an
array (n, d) of float32, so that comparing two of them changes one word of a pipeline. Those that
are trained here live in `octlessons.networks`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "devices": ["batch_indices", "choose_device", "seeded"],
        "pca": ["VariancePCA"],
        "phantom_encoder": ["PhantomEncoder"],
        "pixels": ["Pixels"],
        "pretrained": ["PretrainedCNN"],
        "weights": ["find_weights", "weights_here"],
    },
)
