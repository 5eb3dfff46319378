"""What is an accuracy of 89.33 % worth? Its confusion matrix taken apart, and the same trap set."""

from __future__ import annotations

import numpy as np

from octlessons._optional import installed
from octlessons.claims.claim import Claim, Measurement, Setting
from octlessons.claims.data import as_others, described, scans
from octlessons.errors import OctlessonsError
from octlessons.images import ImageSet
from octlessons.wording import listing, percent

CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")

#: The published confusion matrix, "on test set": rows true, columns predicted.
MATRIX = ((5290, 66, 176, 87), (134, 1409, 41, 155), (238, 19, 588, 485), (86, 67, 195, 7361))

#: Images of each class in OCTMNIST, its training, validation and test parts together.
POOLED = (37455, 11598, 8866, 51390)

#: Images in the natural class mix; test images of each class in the official-style split; pixels;
#: epochs; repetitions.
SIZES = {
    "quick": (240, 10, 28, 2, 1),
    "laptop": (2400, 60, 48, 15, 2),
    "full": (108309, 250, 28, 15, 1),
}
TEST_SHARE = 0.15


def experiment(setting: Setting) -> Measurement:
    """Recompute the published numbers, then split our own data in three ways."""
    from octlessons.evaluation import report_from_matrix

    published = report_from_matrix(MATRIX, CLASSES, n_bootstrap=0)
    balanced = report_from_matrix(MATRIX, CLASSES, prior="balanced", n_bootstrap=0)
    measured: dict = {
        "accuracy": published.accuracy,
        "macro-precision": published.macro_precision,
        "macro-recall": published.macro_recall,
        "macro-F1": published.macro_f1,
        "recall": dict(zip(CLASSES, published.recall.tolist(), strict=True)),
        "test images": int(published.support.sum()),
        "share of the pooled classes": (published.support / np.array(POOLED)).tolist(),
        "accuracy, balanced": balanced.accuracy,
        "macro-F1, balanced": balanced.macro_f1,
    }
    ours, images, judge = _splits(setting)
    measured["ours"] = ours
    return Measurement(
        measured=measured,
        found=_text(measured),
        why=why(measured),
        data=described(
            "OCTMNIST's 109,309 for our own splits", images, notes=f"the published matrix; {judge}"
        ),
        n=len(images),
    )


def _splits(setting: Setting) -> tuple[dict, ImageSet, str]:
    """Scores of the same classifier under three splits of the same images, means of repetitions."""
    n, n_test, size, epochs, repetitions = SIZES[setting.scale]
    natural, even = _natural_and_even(setting, n, n_test, size)
    everything = _joined(natural, even)
    n_train = int((1 - 2 * TEST_SHARE) * len(everything))
    found: dict[str, list[dict]] = {}
    for seed in range(repetitions):
        ways = {"official": (natural, even)}
        if everything.patients is not None:
            ways["pooled, by patient"] = everything.split(TEST_SHARE, "patient", seed)
        ways["pooled, by image"] = everything.split(TEST_SHARE, "image", seed)
        for name, (train, test) in ways.items():
            setting.tell(f"  split {name}, repetition {seed + 1} of {repetitions}")
            if len(train) > n_train:  # all three learn from as many
                rng = np.random.default_rng(seed)
                train = train[np.sort(rng.choice(len(train), n_train, replace=False))]
            checkpoint = setting.work / f"cnn-8933-{name.replace(', ', '-')}-{seed}.pt"
            scores = _scores(train, test, size, epochs, seed, checkpoint)
            found.setdefault(name, []).append(scores)
    means = {
        name: {key: float(np.mean([s[key] for s in scores])) for key in scores[0]}
        for name, scores in found.items()
    }
    judge = "a network of three blocks with class weights (SmallCNN)"
    if not installed("torch"):
        judge = "gradient histograms and a linear model in place of the network (no torch here)"
    return means, everything, f"{judge}, {n_train:,} training images, {size} px"


def _natural_and_even(setting: Setting, n: int, n_test: int, size: int):
    """A training pool in the natural class mix, and a test set with as many of each class."""
    if setting.data.startswith("octmnist"):
        from octlessons.images import load_octmnist

        stored = int(setting.data.partition("-")[2] or 28)
        parts = [load_octmnist(stored, part) for part in ("train", "val", "test")]
        natural, even = _joined(*parts[:2]), parts[2]
        if len(natural) > n:
            drawn = np.random.default_rng(0).choice(len(natural), n, replace=False)
            natural = natural[np.sort(drawn)]
            even = even.balanced(n_test, random_state=0)
        return natural.resize(size).load(), even.resize(size).load()
    if setting.data == "phantoms":
        natural = scans(setting, size, n=n)
        return natural, as_others(scans(setting, size, n_per_class=n_test, seed=1))
    images = scans(setting, size, n=n)
    if images.labels is None or images.patients is None:
        raise OctlessonsError(
            "Splits by class and patient need scans with classes and patients: name the files "
            "CLASS/CLASS-patient-number, or run this claim with --data phantoms."
        )
    natural, rest = images.split(0.25, "patient", random_state=0)
    return natural, rest.balanced(min(c for c in rest.counts().values() if c), random_state=0)


def _joined(*sets: ImageSet) -> ImageSet:
    """Several sets as one, with what all of them know."""

    def together(part):
        values = [getattr(images, part) for images in sets]
        return None if any(v is None for v in values) else np.concatenate(values)

    return ImageSet(
        np.concatenate([np.asarray(images.load().images) for images in sets]),
        together("labels"),
        class_names=sets[0].class_names,
        patients=together("patients"),
        provenance=sets[0].provenance,
    )


def _scores(train: ImageSet, test: ImageSet, size: int, epochs: int, seed: int, checkpoint) -> dict:
    from octlessons.evaluation import judge_classifier

    predicted = _classifier(size, epochs, seed, checkpoint).fit(train, train.labels).predict(test)
    report = judge_classifier(test.labels, predicted, train.class_names, n_bootstrap=0)
    scores = {"accuracy": report.accuracy, "macro-recall": report.macro_recall}
    scores |= {"macro-F1": report.macro_f1, "test images": len(test)}
    if train.patients is not None and test.patients is not None:
        scores["test images whose patient was trained on"] = float(
            np.isin(test.patients, train.patients).mean()
        )
    return scores


def _classifier(size: int, epochs: int, seed: int, checkpoint):
    if not installed("torch"):
        from octlessons.evaluation import small_classifier

        return small_classifier()
    from octlessons.networks import SmallCNN

    return SmallCNN(
        size, max_iter=epochs, n_iter_no_change=None, random_state=seed, checkpoint=checkpoint
    )


def _text(measured: dict) -> str:
    ours = listing(f"{percent(s['accuracy'], 1)} ({name})" for name, s in measured["ours"].items())
    return (
        f"from the matrix accuracy {percent(measured['accuracy'], 2)}, macro-F1 "
        f"{percent(measured['macro-F1'], 2)}; with as many test images of each class "
        f"{percent(measured['accuracy, balanced'], 1)} and "
        f"{percent(measured['macro-F1, balanced'], 1)}; our own accuracy: {ours}"
    )


def why(measured: dict) -> str:
    """Why the measured numbers differ from the published ones."""
    shares = sorted({percent(share, 1) for share in measured["share of the pooled classes"]})
    ours = measured["ours"]
    official = ours["official"]["accuracy"]
    changes = listing([
        f"{100 * (scores['accuracy'] - official):+.1f} points {name.partition(', ')[2]}"
        for name, scores in ours.items()
        if name != "official"
    ])  # fmt: skip
    changes = changes.replace("-", "−")
    pooled = " to ".join(shares[:: max(1, len(shares) - 1)])
    return (
        f"The numbers follow from the matrix, but its {measured['test images']:,} test images are "
        f"{pooled} of every class of OCTMNIST's three parts pooled, not the official 1,000, and "
        f"only {percent(measured['recall']['DRUSEN'])} of the DRUSEN scans are found; on our data, "
        f"pooling before the split changes the accuracy by {changes}."
    )


CLAIM = Claim(
    id="cnn-8933",
    title="What is an accuracy of 89.33 % on OCTMNIST worth?",
    source="sidddheer on GitHub, a course project, 2026",
    reference="sidddheer2026",
    claimed={"accuracy": 0.8933, "macro-F1": 0.8053},
    says="a small CNN with class weights: accuracy 89.33 %, macro-F1 80.53 %",
    brief="accuracy 89.33 %",
    told=lambda m: f"{percent(m['accuracy, balanced'], 1)} on equal classes",
    experiment=experiment,
    conditions=lambda: {"torch": installed("torch")},
)
