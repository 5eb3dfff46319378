"""The scores of MedMNIST's own `Evaluator`, for comparing with published tables."""

from __future__ import annotations

from octlessons.errors import OctlessonsError
from octlessons.supervised.report import checked_probabilities


def medmnist_scores(
    probabilities, name: str = "octmnist", size: int = 28, split: str = "test", **where
):
    """Judge predictions for an official part of a MedMNIST set, as published tables do.

    Parameters
    ----------
    probabilities : array_like of float, shape (n, k)
        Probability of every class for all images of the part, in its own order.
    name, size
        As for `octlessons.images.load_medmnist`.
    split : {"train", "val", "test"}
        Published tables are about ``"test"``.
    **where
        Further arguments of `octlessons.images.medmnist.fetch_medmnist`, such as `root`.

    Returns
    -------
    medmnist.evaluator.Metrics
        A named tuple of AUC (mean over the classes, each against the rest) and ACC (accuracy),
        computed by ``medmnist.Evaluator``.

    Raises
    ------
    OctlessonsError
        If medmnist is not installed, the file cannot be had, or the predictions do not fit the
        part.
    """
    from octlessons.images.medmnist import SPLITS, fetch_medmnist
    from octlessons.vision import import_medmnist

    probabilities = checked_probabilities(probabilities)
    if split not in SPLITS:
        raise OctlessonsError(f"`split` is 'train', 'val' or 'test', not {split!r}.")
    Evaluator = import_medmnist().evaluator.Evaluator
    path = fetch_medmnist(name, size, **where)
    judge = Evaluator(name.lower(), split, size=size, root=str(path.parent))
    expected = len(judge.labels), len(judge.info["label"])
    if probabilities.shape != expected:
        raise OctlessonsError(
            f"The {split} part of {name} has {expected[0]:,} images and {expected[1]} classes, but "
            f"the predictions have shape {probabilities.shape}: predict the whole part, in its "
            "own order."
        )
    return judge.evaluate(probabilities)
