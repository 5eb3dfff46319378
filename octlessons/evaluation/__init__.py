"""Judging clusters: agreement with labels, what chance gives, and what else they follow.

Everything here compares two ways of sorting the same images, so the numbering of the clusters
never matters. Where patients are known, resampling and shuffling move whole patients: the slices
of one eye are near copies, and counting them as independent makes every interval too narrow.
"""

from octlessons.evaluation.comparison import Comparison, compare_clusterers
from octlessons.evaluation.counts import NOISE
from octlessons.evaluation.judgement import (
    Agreement,
    agreement,
    chance_accuracy,
    contingency,
    matched_accuracy,
)
from octlessons.evaluation.neighbours import neighbour_accuracy, neighbour_labels
from octlessons.evaluation.nuisances import Nuisance, NuisanceRow, nuisance
from octlessons.evaluation.uncertainty import Chance, Interval, bootstrap

__all__ = [
    "NOISE",
    "Agreement",
    "Chance",
    "Comparison",
    "Interval",
    "Nuisance",
    "NuisanceRow",
    "agreement",
    "bootstrap",
    "chance_accuracy",
    "compare_clusterers",
    "contingency",
    "matched_accuracy",
    "neighbour_accuracy",
    "neighbour_labels",
    "nuisance",
]
