"""Is k = 2 the best number of clusters, by the silhouette, on pixels and on whitened PCA?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from octlessons.claims.claim import Claim, Measurement, Setting
from octlessons.claims.data import described, rows_on_disk, scans
from octlessons.wording import decimal, percent

#: Images of each class; pixels; images clustered; images on which silhouettes are computed.
SIZES = {
    "quick": (30, 64, 96, 60),
    "laptop": (500, 150, 1600, 1400),
    "full": (2000, 150, 6400, 1400),
}
KS = (2, 3, 4, 5, 6)
PIXELS = (0.349, 0.314, 0.229, 0.231, 0.199)
WHITENED = (0.249, -0.033, -0.018, -0.026, -0.020)


def experiment(setting: Setting) -> Measurement:
    """Cluster pixels, principal components, and whitened ones, and look at what k = 2 separates."""
    from octlessons.clustering import rotated
    from octlessons.evaluation import agreement
    from octlessons.representations import VariancePCA

    n_per_class, size, n_clustered, n_judged = SIZES[setting.scale]
    images = scans(setting, size, n_per_class)
    rng = np.random.default_rng(0)
    if len(images) > n_clustered:
        images = images[np.sort(rng.choice(len(images), n_clustered, replace=False))]
    judged = np.sort(rng.choice(len(images), min(n_judged, len(images)), replace=False))
    file = setting.work / "silhouette-k2.npy"
    try:
        rows = rows_on_disk(images, file)
        measured: dict = {"k": list(KS)}
        setting.tell(f"  silhouettes of {len(images):,} × {size * size:,} pixels")
        two, measured["pixels"] = silhouettes(rotated(rows), judged)
        setting.tell("  the same with PCA to 95 % of the variance, as it is and whitened")
        model = VariancePCA(0.95)
        scores = model.fit_transform(rows)
    finally:
        del rows
        file.unlink(missing_ok=True)
    _, measured["PCA"] = silhouettes(scores, judged)
    found, measured["whitened PCA"] = silhouettes(scores / scores.std(axis=0), judged)
    measured["components"] = model.n_components_
    measured["best k"] = {
        name: KS[int(np.nanargmax(measured[name]))] for name in ("pixels", "PCA", "whitened PCA")
    }
    measured["whitened, sizes at k = 2"] = sorted(np.bincount(found).tolist(), reverse=True)
    measured["explained by k = 2"] = _explained(images, two)
    if images.labels is not None:
        judgement = agreement(images.labels, two, groups=images.patients, n_bootstrap=0)
        measured["ARI of k = 2 with the classes"] = judgement.ari
    return Measurement(
        measured=measured,
        found=_text(measured),
        why=why(measured),
        data=described(
            "6,400 scans of Kermany et al.", images, notes=f"silhouettes on {len(judged):,} of them"
        ),
        n=len(images),
    )


def silhouettes(rows: np.ndarray, judged: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Clusters at k = 2, and the silhouette for every k."""
    from sklearn.cluster import KMeans

    from octlessons.clustering import silhouette

    found = [KMeans(k, n_init=3, random_state=0).fit_predict(rows) for k in KS]
    return found[0], [silhouette(rows[judged], clusters[judged]) for clusters in found]


def _explained(images, clusters: np.ndarray) -> dict[str, float]:
    """Share of the variance of simple measures of a scan that two clusters explain."""
    from octlessons.evaluation import share_explained
    from octlessons.images.cleaning import bright_row

    facts: dict[str, Callable] = {
        "height of the retina": bright_row,
        "mean grey": np.mean,
        "share of white pixels": lambda image: np.mean(image >= 254),
    }
    return {
        name: share_explained(np.array([float(fact(image)) for image in images]), clusters)
        for name, fact in facts.items()
    }


def _text(measured: dict) -> str:
    best = measured["best k"]
    return (
        f"for k = 2…6 on pixels {_row(measured['pixels'])}; with whitened PCA "
        f"{_row(measured['whitened PCA'])}; best k = {best['pixels']} and {best['whitened PCA']}"
    )


def _row(values) -> str:
    return ", ".join(decimal(value, 3) for value in values)


def why(measured: dict) -> str:
    """Why the measured numbers differ from the published ones."""
    widths = dict(zip(measured["k"], measured["pixels"], strict=True))
    best = measured["best k"]["pixels"]
    explained = measured["explained by k = 2"]
    most = max(explained, key=explained.get)
    lead = decimal(widths[best] - (widths[2] if best != 2 else sorted(widths.values())[-2]), 3)
    ahead = "k = 2 is ahead here too" if best == 2 else f"k = {best} is ahead of k = 2 here"
    winner = f"On pixels {ahead}, by {lead}"
    what = f"the clusters of k = 2 explain {percent(explained[most])} of the variance of the {most}"
    if (ari := measured.get("ARI of k = 2 with the classes")) is not None:
        what += f" and agree with the classes by an ARI of {decimal(ari)}"
    size = max(measured["whitened, sizes at k = 2"]) / sum(measured["whitened, sizes at k = 2"])
    return (
        f"{winner}; {what}; whitening gives every direction the same "
        f"weight, and its larger cluster at k = 2 holds {percent(size)} of the images."
    )


CLAIM = Claim(
    id="silhouette-k2",
    title="Does the silhouette say that there are two clusters?",
    source="Lucile-S on GitHub, 2020",
    reference="seedclustering",
    claimed={"k": list(KS), "pixels": list(PIXELS), "whitened PCA": list(WHITENED), "best k": 2},
    says=f"for k = 2…6 on pixels {_row(PIXELS)}; with whitened PCA {_row(WHITENED)}; k = 2 is best",
    brief="best k = 2",
    told=lambda m: f"best k = {m['best k']['pixels']}",
    experiment=experiment,
)
