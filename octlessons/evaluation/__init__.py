"""Judging clusters and classifiers: agreement, chance, nuisances, and how sure a number is.

Everything that compares clusters with labels compares two ways of sorting the same images, so the
numbering of the clusters never matters. Where patients are known, resampling and shuffling move
whole patients: the slices of one eye are near copies, and counting them as independent makes every
interval too narrow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "agreement_scores": ["Agreement", "agreement", "contingency", "matched_accuracy"],
        "asking": ["linear_rule", "most_uncertain", "one_per_cluster"],
        "classification": [
            "ClassificationReport", "judge_classifier", "report_from_matrix", "reweighted",
        ],
        "comparison": ["Comparison", "compare_clusterers"],
        "draws": ["Draws", "several_draws"],
        "known": ["things_known", "trusted_columns"],
        "leaks": ["Leak", "Leaks", "mean_recall", "split_rows", "study_leak", "swapped"],
        "learning": [
            "AugmentationCurve", "CurvePoint", "augmentation_curve", "gradient_histograms",
            "small_classifier",
        ],
        "nuisances": ["Nuisance", "NuisanceRow", "nuisance", "share_explained"],
        "neighbours": ["neighbour_accuracy", "neighbour_chance", "neighbour_labels"],
        "predictions": ["Prediction", "predictable"],
        "recordings": ["record"],
        "reliability": ["Calibration", "calibration"],
        "shares": ["mean_of_shares", "share"],
        "survival": [
            "LIMITS", "Example", "Survival", "SurvivalTable", "survival_table",
            "transform_examples",
        ],
        "trainings": ["Trainings", "recorded_trainings"],
        "uncertainty": ["Chance", "Interval", "bootstrap", "mean_interval"],
        "verdicts": ["Verdict", "ask"],
    },
)  # fmt: skip
