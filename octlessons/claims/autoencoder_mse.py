"""A convolutional autoencoder's error, and the clusters of its code."""

from __future__ import annotations

import contextlib
import io

import numpy as np

from octlessons.claims.claim import Claim, Measurement, Setting
from octlessons.claims.data import as_others, described, scans
from octlessons.errors import OctlessonsError
from octlessons.wording import percent

#: Training and validation images, pixels, epochs.
SIZES = {
    "quick": (32, 16, 32, 3),
    "laptop": (210, 90, 224, 20),
    "full": (698, 300, 224, 50),
}
#: Numbers of clusters among which the elbow is looked for.
KS = range(2, 13)
CLUSTERS = (70, 79, 41, 35, 16, 59)


def experiment(setting: Setting) -> Measurement:
    """Train it, measure the error on both parts, and cluster the codes of the second."""
    from octlessons.networks import ConvAutoencoder

    n_train, n_valid, size, epochs = SIZES[setting.scale]
    train, valid = _two_parts(setting, size, n_train, n_valid)
    n_train, n_valid = len(train), len(valid)
    setting.work.mkdir(parents=True, exist_ok=True)
    setting.tell(f"  training on {n_train:,} images for {epochs} epochs")
    coder = ConvAutoencoder(
        size,
        channels=3,
        max_iter=epochs,
        checkpoint=setting.work / f"autoencoder-mse-{setting.scale}.pt",
        verbose=True,
    )
    with contextlib.redirect_stdout(_Lines(setting.tell)):
        coder.fit(train, X_val=valid)
    numbers, (channels, *places) = int(np.prod(coder.code_shape_)), coder.code_shape_
    measured = {
        "training MSE": float(coder.reconstruction_error(train).mean()),
        "validation MSE": float(coder.reconstruction_error(valid).mean()),
        "validation MSE of the mean image": _error_of_mean(train, valid),
        "epochs": len(coder.history_),
        "code": [*places, channels],
        "times smaller": size * size * 3 / numbers,
    }
    if len(coder.history_) >= 3:
        measured["validation MSE after 3 epochs"] = float(coder.history_.valid[2])
    setting.tell(f"  clusters of {n_valid:,} codes of {numbers:,} numbers")
    measured |= _clusters(coder.transform(valid))
    return Measurement(
        measured=measured,
        found=_text(measured),
        why=why(measured),
        data=described(
            "998 colour photographs (of cars, dogs and the like)",
            *(train, valid),
            notes=f"{n_train:,} to train and {n_valid:,} to validate, the grey in three channels",
        ),
        n=n_train + n_valid,
    )


def _two_parts(setting: Setting, size: int, n_train: int, n_valid: int):
    """Images of other patients to validate on."""
    if setting.data == "phantoms":
        valid = as_others(scans(setting, size, n=n_valid, seed=1))
        return scans(setting, size, n=n_train), valid
    images = scans(setting, size, n=n_train + n_valid)
    by = "image" if images.patients is None else "patient"
    return images.split(n_valid / (n_train + n_valid), by, random_state=0)


def _error_of_mean(train, valid) -> float:
    """Error of always answering the mean training image."""
    mean = np.mean([image / 255 for image in train], axis=0)
    return float(np.mean([np.mean((image / 255 - mean) ** 2) for image in valid]))


def _clusters(codes: np.ndarray) -> dict:
    """Elbow of the inertia, and the sizes of six clusters."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    from octlessons.clustering import elbow, rotated

    rows = rotated(codes)
    ks = [k for k in KS if k < len(rows)]
    if len(ks) < 3:
        raise OctlessonsError(f"{len(rows)} images are too few for an elbow: take a larger set.")
    fits = [KMeans(k, n_init=5, random_state=0).fit(rows) for k in ks]
    inertia = [float(fit.inertia_) for fit in fits]
    few = sum(k <= 8 for k in ks)
    found = {
        "elbow": elbow(ks, inertia),
        "elbow up to k = 8": elbow(ks[:few], inertia[:few]),
        "inertia": inertia,
        "k": ks,
    }
    if 6 in ks:
        six = fits[ks.index(6)].labels_
        other = KMeans(6, n_init=5, random_state=1).fit_predict(rows)
        found["sizes at k = 6"] = sorted(np.bincount(six).tolist(), reverse=True)
        found["ARI of two seeds at k = 6"] = float(adjusted_rand_score(six, other))
    return found


def _text(measured: dict) -> str:
    text = (
        f"MSE {measured['training MSE']:.4f} / {measured['validation MSE']:.4f} after "
        f"{measured['epochs']} epochs; code {' × '.join(map(str, measured['code']))}; elbow at "
        f"k = {measured['elbow']}"
    )
    if "sizes at k = 6" in measured:
        text += f"; sizes at k = 6: {'/'.join(map(str, measured['sizes at k = 6']))}"
    return text


def why(measured: dict) -> str:
    """Why the measured numbers differ from the published ones."""
    explained = 1 - measured["validation MSE"] / measured["validation MSE of the mean image"]
    judged = "the network does no better than the mean image"
    if explained > 0:
        judged = f"the network explains {percent(explained)} of what the mean image leaves open"
    all_ks, few_ks, most = measured["elbow"], measured["elbow up to k = 8"], measured["k"][-1]
    bend = f"the elbow lies at k = {all_ks} whether up to 8 or to {most} clusters are tried"
    if all_ks != few_ks:
        bend = f"the elbow moves from k = {few_ks} to {all_ks} when {most} instead of 8 are tried"
    return (
        f"Other pictures have another error, because it depends on how much they vary: always "
        f"answering the mean image has {measured['validation MSE of the mean image']:.4f} here, "
        f"{judged}, and {bend}."
    )


class _Lines(io.TextIOBase):
    """A stream that hands on whole lines."""

    def __init__(self, tell):
        self._tell, self._rest = tell, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._tell(f"  {line}")
        return len(text)


CLAIM = Claim(
    id="autoencoder-mse",
    title="What does an autoencoder with an error of 0.006 see?",
    source="masudpervez27 on GitHub, 2020",
    reference="seedautoencoder",
    claimed={
        "training MSE": 0.0063,
        "validation MSE": 0.0061,
        "epochs": 50,
        "code": [56, 56, 8],
        "times smaller": 6,
        "elbow": 6,
        "sizes at k = 6": list(CLUSTERS),
    },
    says="698/300 images of 224 × 224 × 3, code 56 × 56 × 8, 50 epochs: MSE .0063 / .0061; "
    "elbow at k = 6; cluster sizes " + "/".join(map(str, CLUSTERS)),
    brief="MSE 0.0061, elbow at k = 6",
    told=lambda m: f"MSE {m['validation MSE']:.4f}, elbow at k = {m['elbow']}",
    experiment=experiment,
)
