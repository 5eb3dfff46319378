"""Do the features of a network that was trained on ImageNet cluster by disease?"""

from __future__ import annotations

import numpy as np

from octlessons.claims.claim import Claim, Measurement, Setting
from octlessons.claims.data import described, scans
from octlessons.errors import OctlessonsError
from octlessons.wording import against_chance, decimal, percent

#: Images of each class, and the pixels of phantoms.
SIZES = {"quick": (12, 64), "laptop": (100, 224), "full": (1000, 224)}
WANTED = "efficientnet_b0"
NAMES = {"efficientnet_b0": "EfficientNet-B0", "squeezenet1_1": "SqueezeNet 1.1"}


def network() -> str | None:
    """The architecture whose ImageNet weights are used; None where there are none."""
    from octlessons.representations import weights_here

    return next(iter(weights_here()), None)


def experiment(setting: Setting) -> Measurement:
    """Extract features, PCA to 99 % of the variance, K-means and a Gaussian mixture of four."""
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture

    from octlessons.evaluation import agreement
    from octlessons.representations import VariancePCA

    n_per_class, size = SIZES[setting.scale]
    images = scans(setting, size, n_per_class)
    if images.labels is None:
        raise OctlessonsError(
            "Agreement needs scans with classes: put them in one folder per class, or run this "
            "claim with --data phantoms."
        )
    chosen = network()
    features, what = _features(setting, images, chosen)
    k = len(np.unique(images.labels))
    scores = VariancePCA(0.99).fit_transform(features)
    setting.tell(f"  {k} clusters of {len(images):,} rows of {scores.shape[1]:,} components")
    clusterings = {
        "K-means": KMeans(k, n_init=10, random_state=0).fit_predict(scores),
        "Gaussian mixture": GaussianMixture(
            k, covariance_type="diag", n_init=3, reg_covar=1e-4, random_state=0
        ).fit_predict(scores.astype(np.float64) / scores.std()),
    }
    measured: dict = {
        "data": images.provenance.name,
        "network": chosen or "PhantomEncoder",
        "features": int(features.shape[1]),
        "components": int(scores.shape[1]),
    }
    for name, clusters in clusterings.items():
        found = agreement(images.labels, clusters, groups=images.patients, n_bootstrap=300)
        measured[name] = {
            "accuracy": found.accuracy,
            "accuracy, 95 %": [found.accuracy_interval.low, found.accuracy_interval.high],
            "by chance, 95 %": [found.chance.low, found.chance.high],
            "ARI": found.ari,
            "sizes": sorted(np.bincount(clusters).tolist(), reverse=True),
        }
    return Measurement(
        measured=measured,
        found=_text(measured),
        why=why(measured),
        data=described("4,000 scans of Kermany et al., 1,000 of each class", images, notes=what),
        n=len(images),
    )


def _features(setting: Setting, images, chosen: str | None) -> tuple[np.ndarray, str]:
    """Features of the network, or of the shipped encoder where there is none, and their name."""
    from octlessons.representations import PhantomEncoder, PretrainedCNN

    store = setting.work / f"efficientnet-clusters-{setting.scale}"
    if chosen is None:
        name = "the shipped PhantomEncoder, trained on phantoms,"
        model = PhantomEncoder(store=store)
    else:
        name = f"{NAMES.get(chosen, chosen)}, pooled,"
        model = PretrainedCNN(chosen, store=store, download=False)
    what = f"features of {name}"
    if chosen != WANTED:
        what += " as a substitute for EfficientNet-B0, whose weights are not on this machine"
    setting.tell(f"  {what}")
    return model.fit_transform(images), what.rstrip(",")


def _text(measured: dict) -> str:
    a, b = measured["K-means"], measured["Gaussian mixture"]
    return (
        f"matched accuracy {decimal(a['accuracy'], 3)} / {decimal(b['accuracy'], 3)}, ARI "
        f"{decimal(a['ARI'], 3)} / {decimal(b['ARI'], 3)} (K-means / Gaussian mixture)"
    )


def why(measured: dict) -> str:
    """Why the measured numbers differ from the published ones."""
    found = measured["K-means"]
    low, high = found["by chance, 95 %"]
    stand = against_chance(found["accuracy"], low, high)
    first, last = found["accuracy, 95 %"]
    inside = "inside" if first <= PUBLISHED <= last else "outside"
    name = measured["network"]
    saw = (
        f"The published work clustered 62,720 numbers, not the {measured['features']:,} pooled ones"
    )
    if name == "PhantomEncoder":
        saw = "The substitute was trained on phantoms and not on photographs"
        if measured["data"] == "phantoms":
            saw += ", which flatters it on phantoms"
    elif name != WANTED:
        saw = f"{NAMES.get(name, name)} is another network than EfficientNet-B0"
    return (
        f"{saw}; K-means is {stand} here ({percent(low)} to {percent(high)} of shuffled labels), "
        f"and the published {percent(PUBLISHED, 1)} lies {inside} its interval of "
        f"{percent(first)} to {percent(last)}."
    )


PUBLISHED = 0.306

CLAIM = Claim(
    id="efficientnet-clusters",
    title="Do features of a network trained on photographs cluster by disease?",
    source="Lucile-S on GitHub, 2020",
    reference="seedclustering",
    claimed={
        "K-means": {"accuracy": PUBLISHED, "ARI": 0.019},
        "Gaussian mixture": {"accuracy": 0.290, "ARI": 0.007},
    },
    says="EfficientNet-B0 features, PCA 99 %, K-means 4 and GMM 4: matched accuracy .306 / .290, "
    "ARI .019 / .007",
    brief="accuracy 30.6 %",
    told=lambda m: f"accuracy {percent(m['K-means']['accuracy'], 1)}",
    experiment=experiment,
    conditions=lambda: {"network": network()},
)
