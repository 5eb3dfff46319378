"""Seeing without labels: clustering retinal OCT images.

The package is one short road, ``images → representation → clusters → judgement → picture``:

>>> from octlessons import agreement, load_images
>>> from octlessons.representations import Pixels
>>> from sklearn.cluster import KMeans
>>> from sklearn.pipeline import make_pipeline
>>> images = load_images("phantoms", n_per_class=50)
>>> road = make_pipeline(Pixels(size=28), KMeans(4, n_init=10, random_state=0))
>>> agreement(images.labels, road.fit_predict(images))  # doctest: +SKIP
"""

import lazy_loader

__version__ = "0.2.0.dev0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "augmentation",
        "claims",
        "clustering",
        "evaluation",
        "figures",
        "images",
        "networks",
        "representations",
        "wording",
    ],
    submod_attrs={
        "errors": ["OctlessonsError"],
        "evaluation": ["agreement"],
        "images": ["ImageSet", "load_images"],
        "representations": ["PhantomEncoder", "Pixels"],
    },
)
