"""The steps of augmentation, each with its reason, and the augmenters that go by name."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """One kind of change, with the reason for making it.

    Parameters
    ----------
    name : str
    why : str
        One line: what it stands for, or what it breaks.
    limits : str
        How far it goes.
    make : callable
        ``make(transforms)`` gives the albumentations transform; the argument is the module
        `octlessons.augmentation.transforms`, where albumentations is called ``A``.
    source : str
        Where the reason or the limits come from; empty for a choice of this course.
    colour : bool
        Whether it needs a colour picture.
    """

    name: str
    why: str
    limits: str
    make: Callable = field(repr=False, compare=False)
    source: str = ""
    colour: bool = False

    def __reduce__(self):
        # A step that has a name travels to other processes by its name.
        if STEPS.get(self.name) is self:
            return named_step, (self.name,)
        return Step, (self.name, self.why, self.limits, self.make, self.source, self.colour)


@dataclass(frozen=True)
class OwnTransform:
    """Makes copies of a reader's own albumentations transform, so that none is shared."""

    transform: object

    def __call__(self, _transforms):
        return deepcopy(self.transform)


def named_step(name: str) -> Step:
    """The step of `STEPS` that has this name; a sentence where there is none."""
    if name not in STEPS:
        raise ValueError(
            f"There is no augmenter and no step called {name!r}. Augmenters: "
            f"{', '.join(AUGMENTERS)}. Steps: {', '.join(STEPS)}."
        )
    return STEPS[name]


_FORMULA = "Konno et al., arXiv:2410.01185"
_UP = "a B-scan has an up: light enters at the vitreous, and shadows fall downward"


def _all(*steps: Step) -> dict[str, Step]:
    return {step.name: step for step in steps}


# fmt: off
#: Every step that has a name. Geometry first, then light, then what harms, then colour.
STEPS: dict[str, Step] = _all(
    Step("horizontal flip", "the other eye: only nasal and temporal change places",
         "half of the copies", lambda t: t.A.HorizontalFlip(p=0.5)),
    Step("tilt", "the beam enters the pupil off its centre; as a shift that grows along the scan",
         "up to 10° on the picture, no edge further than 10 % of the height",
         lambda t: t.ColumnShift(tilt=10), source=_FORMULA),
    Step("axial shift", "the head moves towards the scanner or away from it",
         "up to 8 % of the height", lambda t: t.ColumnShift(axial=0.08)),
    Step("bend", "longer and shorter eyes curve differently; as a quadratic shift of the columns",
         "up to 5 % of the height between middle and edges", lambda t: t.ColumnShift(bend=0.05),
         source=_FORMULA),
    Step("brightness and contrast", "a cloudier lens, another focus, another scanner's export",
         "brightness and contrast up to ±10 %",
         lambda t: t.A.RandomBrightnessContrast(brightness_limit=0.1, contrast_limit=0.1, p=1.0)),
    Step("gamma", "scanners compress the signal to 8 bits each in their own way",
         "exponent 0.85 to 1.18", lambda t: t.A.RandomGamma(gamma_limit=(85, 118), p=1.0)),
    Step("speckle", "interference of the light: never the same twice, and no property of the eye",
         "gamma noise of 6 to 24 looks on the light, 5 to 10 % of the grey",
         lambda t: t.Speckle(looks=(6, 24)),
         source="Schmitt, Xiang and Yung, J Biomed Opt 4:95 (1999), doi:10.1117/1.429925"),
    Step("rotation",
         "turns the picture, and the A-scans with it; as some exports do, corners mirrored",
         "up to 10°", lambda t: t.turned(10)),
    Step("vertical flip", f"no such scan exists: {_UP}", "half of the copies",
         lambda t: t.A.VerticalFlip(p=0.5),
         source="in use nevertheless, as in the code of Tampu, Eklund and Haj-Hosseini, Sci Data "
                "9:580 (2022), doi:10.1038/s41597-022-01618-6"),
    Step("quarter turn",
         "no such scan exists: depth becomes width, and their pixels differ in size",
         "90° or 270°, stretched back to the picture's shape", lambda t: t.QuarterTurn(p=0.5)),
    Step("elastic", "waves in a flat layer look like drusen, and drusen can be ironed out",
         "displacements of 2.5 % of the height (SD), smooth over 6 %",
         lambda t: t.Elastic(strength=0.025, scale=0.06, p=0.5)),
    Step("zoom", "thickness in micrometres is the measure of oedema; zooming fakes it",
         "1.25 to 1.6 times",
         lambda t: t.A.Affine(scale=(1.25, 1.6), border_mode=t.cv2.BORDER_REFLECT_101, p=0.5)),
    Step("cutout", "hides the only lesion, and a black hole looks like fluid",
         "1 to 3 black holes, each 15 to 30 % of height and width",
         lambda t: t.A.CoarseDropout((1, 3), (0.15, 0.3), (0.15, 0.3), fill=0, fill_mask=0, p=0.5)),
    Step("inversion", "dark means fluid and bright means tissue; inverted, it means nothing",
         "black becomes white", lambda t: t.A.InvertImg(p=0.5)),
    Step("heavy blur", "wipes out drusen, the outer limiting membrane, small foci",
         "Gaussian of 2 to 4 % of the width (SD, at least 2 px)", lambda t: t.RelativeBlur(p=0.5)),
    Step("any flip", "a slide and a lens on skin have no up and no left",
         "each direction in half of the copies",
         lambda t: t.A.Compose([t.A.HorizontalFlip(p=0.5), t.A.VerticalFlip(p=0.5)])),
    Step("any rotation",
         "a slide and a lens on skin may lie at any angle; corners mirrored, so no black wedges",
         "any angle", lambda t: t.turned(180)),
    Step("stain", "laboratories stain differently: more or less of each dye, never another dye",
         "haematoxylin, eosin and DAB each ×0.8 to ×1.2", lambda t: t.Stain(amount=(0.8, 1.2)),
         colour=True, source="Tellez et al., IEEE Trans Med Imaging 37:2126 (2018), "
                             "doi:10.1109/TMI.2018.2820199"),
    Step("lamp", "another lamp, another camera", "brightness and contrast up to ±8 %",
         lambda t: t.A.RandomBrightnessContrast(brightness_limit=0.08, contrast_limit=0.08, p=1.0)),
    Step("skin colour",
         "the colour of a lesion is a sign (blue-white veil, red vessels): a hint of change only",
         "hue ±3 of 180, saturation ±10 of 255",
         lambda t: t.A.HueSaturationValue(3, sat_shift_limit=10, val_shift_limit=0, p=1.0),
         colour=True),
)
# fmt: on

#: Augmenters by name: what they are for, and their steps in order.
AUGMENTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "oct_safe": (
        "changes that happen to OCT scans anyway and leave the diagnosis alone",
        ("horizontal flip", "tilt", "axial shift", "bend", "brightness and contrast", "gamma",
         "speckle"),
    ),
    "oct_unsafe": (
        "changes that OCT scans cannot have or that fake and erase disease: to show what they do",
        ("vertical flip", "quarter turn", "elastic", "zoom", "cutout", "inversion"),
    ),
    "histology": (
        "stained tissue under the microscope: no up, no left, dyes that vary",
        ("any flip", "any rotation", "stain", "lamp"),
    ),
    "dermoscopy": (
        "skin under a lens: no up, no left, but colour and size are signs",
        ("any flip", "any rotation", "lamp", "skin colour"),
    ),
}  # fmt: skip
