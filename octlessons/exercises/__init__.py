"""Exercises: a catalogue, stubs cut from solutions, checks, hints.

>>> from octlessons.exercises import exercise
>>> exercise("dark-part").hint()  # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "catalogue": ["Catalogue", "Exercise", "load_catalogue"],
        "checking": ["check"],
        "notebook": ["exercise"],
        "outcomes": ["CheckResult", "Outcome", "Report"],
        "variants": ["variant_rng"],
    },
)
