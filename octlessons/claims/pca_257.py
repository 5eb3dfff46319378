"""How many principal components hold 95 % of the variance of 8,000 scans?"""

from __future__ import annotations

import numpy as np

from octlessons.claims.claim import Claim, Measurement, Setting
from octlessons.claims.data import described, rows_on_disk, scans
from octlessons.wording import percent

#: Images of each class, and pixels.
SIZES = {"quick": (30, 64), "laptop": (500, 150), "full": (2000, 150)}
SHARE, PUBLISHED = 0.95, 257


def experiment(setting: Setting) -> Measurement:
    """Count components: of the scans, smoothed, and one scan of each patient."""
    from scipy.ndimage import gaussian_filter

    from octlessons.representations import VariancePCA

    n_per_class, size = SIZES[setting.scale]
    images = scans(setting, size, n_per_class)
    n = len(images)
    file = setting.work / "pca-257.npy"
    try:
        rows = rows_on_disk(images, file)
        setting.tell(f"  components of {n:,} × {size * size:,} pixels")
        plain = VariancePCA(SHARE).fit(rows)
        held = float(np.sum(plain.explained_variance_ratio_[:PUBLISHED], dtype=np.float64))
        measured = {
            "components": plain.n_components_,
            "held by 257": held if plain.n_components_ >= PUBLISHED else None,
            "components for 90 %": plain.components_for(0.90),
        }
        del rows
        setting.tell("  the same after smoothing by one pixel")
        rows = rows_on_disk(images, file, lambda block: gaussian_filter(block, (0, 1, 1)))
        measured["components, smoothed"] = VariancePCA(SHARE).fit(rows).n_components_
        if images.patients is not None:
            _, one_each = np.unique(images.patients, return_index=True)
            if (n_patients := len(one_each)) >= 2:
                measured["patients"] = n_patients
                setting.tell(f"  {n_patients:,} scans, one of each patient, smoothed")
                of_patients = VariancePCA(SHARE).fit(rows[np.sort(one_each)])
                measured["components, smoothed, one scan per patient"] = of_patients.n_components_
        del rows
    finally:
        file.unlink(missing_ok=True)
    return Measurement(
        measured=measured,
        found=_text(measured, n),
        why=why(measured, n),
        data=described("8,000 scans of Kermany et al., 2,000 of each class", images),
        n=n,
    )


def _text(measured: dict, n: int) -> str:
    text = f"{measured['components']:,} components hold 95 % of the variance of {n:,} images"
    if measured["held by 257"] is not None:
        text += f"; 257 hold {percent(measured['held by 257'], 1)}"
    return text


def why(measured: dict, n: int) -> str:
    """Why the measured numbers differ from the published ones."""
    found, smoothed = measured["components"], measured["components, smoothed"]
    if n <= PUBLISHED:
        return (
            f"{n:,} images lie in {n - 1:,} directions at most, so {PUBLISHED} cannot come out "
            f"here; after smoothing by one pixel {smoothed:,} components are enough."
        )
    if found == PUBLISHED:
        return f"They do not differ; after smoothing by one pixel {smoothed:,} are enough."
    direction = "more" if found > PUBLISHED else "fewer"
    grain = f"smoothing every image by one pixel changes the number only to {smoothed:,}"
    if abs(smoothed - found) > 0.2 * found:
        grain = f"smoothing by one pixel leaves {smoothed:,}, so much is the grain of the images"
    return (
        f"{abs(found - PUBLISHED):,} {direction} than published: the number belongs to the images "
        f"and not to the method, and {grain}."
    )


CLAIM = Claim(
    id="pca-257",
    title="How many components hold 95 % of the variance of 8,000 scans?",
    source="Lucile-S on GitHub, 2020",
    reference="seedclustering",
    claimed={"components": 257, "variance": 0.95, "images": 8000, "pixels": 150 * 150},
    says="257 components hold 95 % of the variance of 8,000 images of 150 × 150 pixels",
    brief="257 components",
    told=lambda m: f"{m['components']:,} components",
    experiment=experiment,
)
