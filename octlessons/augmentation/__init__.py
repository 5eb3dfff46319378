"""Augmentation: altered copies of images, and whether the label survives the change.

Augmenters go by name, are the same from the same seed, and keep what is known about an image with
it: label, patient, lesions and layer boundaries.

>>> from octlessons.augmentation import augment, augmenter
>>> from octlessons.images import draw_phantoms
>>> train, test = draw_phantoms(40, size=64).split(random_state=1)
>>> more = augment(train, augmenter("oct_safe"), copies=3, seed=1)
>>> len(more) == 4 * len(train)
True

Notes
-----
The transforms come from albumentations 2.0.8 (Buslaev et al., Information 11:125, 2020,
doi:10.3390/info11020125): the last release under the MIT licence, unmaintained since June 2025. Its
successor, AlbumentationsX, is under the AGPL or a commercial licence and must not be installed in
its place. It is imported only when an augmenter first runs, only by `transforms`, and without the
version check that would otherwise call the network, so it can be exchanged in one file.
"""

import os

import lazy_loader

# Otherwise albumentations asks the network for its newest version when it is imported.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "augmenters": ["Augmented", "Augmenter", "augment", "augmenter"],
        "steps": ["AUGMENTERS", "STEPS", "Step"],
    },
)
