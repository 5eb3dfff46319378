"""Do the features of a network that was trained on ImageNet cluster by disease?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from octlessons.claims.claim import Claim, Measurement, Setting
from octlessons.claims.data import described, scans
from octlessons.errors import OctlessonsError
from octlessons.wording import against_chance, decimal, percent

#: Images of each class, and the pixels of phantoms.
SIZES = {"quick": (12, 64), "laptop": (100, 224), "full": (1000, 224)}
WANTED = "efficientnet_b0"
#: Which network is taken, where its weights are here: the published one, its kin, any other.
NAMES = {
    WANTED: "EfficientNet-B0",
    "efficientnet_lite0": "EfficientNet-Lite0",
    "squeezenet1_1": "SqueezeNet 1.1",
}
#: What is clustered: the last maps, as published, and their means.
FORMS = {"maps": False, "pooled": True}


def network() -> str | None:
    """The architecture whose ImageNet weights are used; None where there are none."""
    from octlessons.representations import find_weights, weights_here

    here = weights_here()
    kin = [name for name in ("efficientnet_lite0",) if find_weights(name) is not None]
    return next(iter([*(n for n in here if n == WANTED), *kin, *here]), None)


def experiment(setting: Setting) -> Measurement:
    """Extract features, PCA to 99 % of the variance, K-means and a Gaussian mixture of four."""
    from octlessons._optional import install_command

    chosen = network()
    if chosen is None:
        raise OctlessonsError(
            "This claim is about a network trained on photographs, and no weights of one are on "
            f"this machine: {install_command('book')}"
        )
    n_per_class, size = SIZES[setting.scale]
    images = scans(setting, size, n_per_class)
    if images.labels is None:
        raise OctlessonsError(
            "Agreement needs scans with classes: put them in one folder per class, or run this "
            "claim with --data phantoms."
        )
    name = NAMES.get(chosen, chosen)
    measured: dict = {"data": images.provenance.name, "network": chosen}
    for form, pooled in FORMS.items():
        try:
            features, sha256 = _features(setting, chosen, pooled, images)
        except ValueError as error:  # a network without such maps
            setting.tell(f"  {error}")
            continue
        measured["weights, SHA-256"] = sha256
        measured[form] = _clustered(setting, features, images)
    what = " and ".join(f"{measured[form]['features']:,}" for form in FORMS if form in measured)
    notes = f"features of {name}, {what} numbers"
    if chosen != WANTED:
        notes += ", as a substitute for EfficientNet-B0, whose weights are not on this machine"
    return Measurement(
        measured=measured,
        found=_text(measured),
        why=why(measured),
        data=described("4,000 scans of Kermany et al., 1,000 of each class", images, notes=notes),
        n=len(images),
    )


def _features(setting: Setting, chosen: str, pooled: bool, images) -> tuple[np.ndarray, str]:
    """Features of the network, and the checksum of its weights."""
    from octlessons.representations import PretrainedCNN

    form = "pooled" if pooled else "maps"
    setting.tell(f"  features of {NAMES.get(chosen, chosen)}, {form}")
    store = setting.work / f"efficientnet-clusters-{setting.scale}-{form}"
    model = PretrainedCNN(chosen, pooled=pooled, store=store, download=False)
    return model.fit_transform(images), model.weights_["sha256"]


def _clustered(setting: Setting, features: np.ndarray, images) -> dict:
    """Both clusterings of the principal components, and how they agree with the classes."""
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture

    from octlessons.evaluation import agreement
    from octlessons.representations import VariancePCA

    k = len(np.unique(images.labels))
    scores = VariancePCA(0.99).fit_transform(features)
    setting.tell(f"  {k} clusters of {len(images):,} rows of {scores.shape[1]:,} components")
    clusterings = {
        "K-means": KMeans(k, n_init=10, random_state=0).fit_predict(scores),
        "Gaussian mixture": GaussianMixture(
            k, covariance_type="diag", n_init=3, reg_covar=1e-4, random_state=0
        ).fit_predict(scores.astype(np.float64) / scores.std()),
    }
    measured: dict = {"features": int(features.shape[1]), "components": int(scores.shape[1])}
    for name, clusters in clusterings.items():
        found = agreement(images.labels, clusters, groups=images.patients, n_bootstrap=300)
        measured[name] = {
            "accuracy": found.accuracy,
            "accuracy, 95 %": [found.accuracy_interval.low, found.accuracy_interval.high],
            "by chance, 95 %": [found.chance.low, found.chance.high],
            "ARI": found.ari,
            "sizes": sorted(np.bincount(clusters).tolist(), reverse=True),
        }
    return measured


def closest(measured: Mapping) -> str:
    """The form that is closest to the published one: the maps, where the network has them."""
    return next(form for form in FORMS if form in measured)


def _text(measured: Mapping) -> str:
    parts = []
    for form in FORMS:
        if form in measured:
            a, b = measured[form]["K-means"], measured[form]["Gaussian mixture"]
            parts.append(
                f"{form}: matched accuracy {decimal(a['accuracy'], 3)} / "
                f"{decimal(b['accuracy'], 3)}, ARI {decimal(a['ARI'], 3)} / {decimal(b['ARI'], 3)}"
            )
    return f"{'; '.join(parts)} (K-means / Gaussian mixture)"


def why(measured: Mapping) -> str:
    """Why the measured numbers differ from the published ones."""
    form, name = closest(measured), measured["network"]
    found = measured[form]["K-means"]
    low, high = found["by chance, 95 %"]
    stand = against_chance(found["accuracy"], low, high)
    first, last = found["accuracy, 95 %"]
    inside = "inside" if first <= PUBLISHED <= last else "outside"
    other = [] if name == WANTED else [f"{NAMES.get(name, name)} instead of EfficientNet-B0"]
    if form == "pooled":
        other.append(f"{measured[form]['features']:,} pooled numbers instead of 62,720")
    saw = f"This run has {' and '.join([*other, 'other scans'])}"
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
    told=lambda m: f"accuracy {percent(m[closest(m)]['K-means']['accuracy'], 1)}",
    experiment=experiment,
    conditions=lambda: {"network": network()},
)
