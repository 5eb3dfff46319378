"""The yardstick: what a small classifier learns when it may see the labels.

Judging needs NumPy only; training (`SmallCNN`) needs torch, which is imported when it is used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "reliability": ["Calibration", "calibration"],
        "cnn": ["SmallCNN"],
        "official": ["medmnist_scores"],
        "report": ["Report", "classification_report", "report_from_matrix", "reweighted"],
    },
)
