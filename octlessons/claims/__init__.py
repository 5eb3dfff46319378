"""Published claims, run again: one small experiment for each, claimed beside measured.

>>> from octlessons import claims
>>> list(claims.CLAIMS)[:2]
['pca-257', 'silhouette-k2']
>>> results = claims.run(["skin-augmentation"], scale="quick")  # doctest: +SKIP

The modules: `claim` (what a claim is, and what its experiment is given), one module for each
experiment, `registry` (all of them), `data` (the images of an experiment, drawn in blocks that
survive an interruption), `runner` (one after the other, written as they finish), `results` (what
is kept, and the results that ship with the package in ``recorded.json``).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "claim": ["SCALES", "Claim"],
        "registry": ["CLAIMS"],
        "results": ["Result", "Results", "read_results", "recorded"],
        "runner": ["run"],
    },
)
