"""Published claims, run again: one small experiment for each, claimed beside measured.

>>> from octlessons import claims
>>> list(claims.CLAIMS)[:2]
['pca-257', 'silhouette-k2']
>>> results = claims.run(["skin-augmentation"], scale="quick")  # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "claim": ["SCALES", "Claim"],
        "registry": ["CLAIMS"],
        "results": ["Result", "Results", "read_results", "recorded", "recorded_eyes"],
        "runner": ["run"],
    },
)
