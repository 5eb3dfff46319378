"""A table of what an eye doctor would measure in scans: thickness, lift, fluid; and their look.

Lengths are in µm and areas in mm² where the size of a pixel is known, else in % of the scan's
height and in % of the area of its retina.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

import numpy as np

from octlessons._files import write_atomically
from octlessons.images.checks import as_images, image_name, to_uint8
from octlessons.images.measuring import UNITS, measure_scan
from octlessons.images.retina import layers_one_by_one
from octlessons.wording import Table, count, decimal, percent, safe_row

__all__ = ["UNITS", "Measurements", "measure", "measure_scan"]


class Measurements(Table, dict):
    """A table of measurements: a dict from the name of a column to its values, float64 (n,).

    ``pandas.DataFrame(measurements)`` makes a data frame of it. Values are NaN where a scan does
    not show what is measured.

    Parameters
    ----------
    columns : mapping of str to array_like of float, shape (n,)
    units : mapping of str to str
        Unit of each column.
    names : iterable of str, n of them
        What each scan is called.

    Attributes
    ----------
    units : dict of str to str
    names : tuple of str

    Notes
    -----
    The columns of `measure`:

    mean_thickness, central_thickness
        Distance of Bruch's membrane from the inner limiting membrane over the scan, and
        within 0.5 mm of the fovea. The fovea is the pit; in a swollen macula without one it is
        the middle of the scan.
    pit_depth
        Distance of the RPE from the inner limiting membrane: at the rim, 1 mm from the
        fovea, minus at the fovea. Negative where the centre bulges.
    rpe_lift, lifted
        Greatest height of the RPE above the smooth floor of Bruch's membrane, less the
        thickness of a normal RPE; share of the columns where it is above `LIFTED_UM`.
    intraretinal_fluid, subretinal_fluid, sub_rpe_material, subretinal_material
        Areas of dark fluid in and beneath the retina, of what lies beneath the RPE (drusen,
        detachments) and of bright material above it.
    bright_spots, spot_brightness, spot_shadow
        Area of exudates and foci; their brightness relative to the retina's mean; brightness
        of the choroid beneath them relative to beside them (1 for no shadow). The network sees
        few of them: on phantoms the area follows the drawn one with a correlation of 0.4 only.
    membrane
        Share of the columns with a membrane on the retina.
    brightness, contrast
        Mean and standard deviation of the retina's grey, in pixels of 1/96 of the scan.
    outside
        Share of the picture that is not scan: white wedges, black bands.
    white_above, white_below
        Share of the picture that is white and not scan, above and below Bruch's membrane.
    tilt, curvature
        Of Bruch's membrane: positive where the right side lies deeper, and where the middle
        lies deeper than both sides.
    position
        Height of the retina's middle in the scan, from the top.
    measured
        Share of the columns in which all lines were found.
    """

    _header = ("measurement", "unit", "median", "5 %", "95 %", "not known")

    def __init__(self, columns: Mapping, units: Mapping[str, str], names: Iterable[str]):
        super().__init__({name: np.asarray(values, float) for name, values in columns.items()})
        self.units = dict(units)
        self.names = tuple(map(str, names))

    def __repr__(self) -> str:
        return str(self)

    @property
    def array(self) -> np.ndarray:
        """All columns beside one another, (n, columns) float64."""
        return np.column_stack(list(self.values()))

    def to_csv(self, path) -> None:
        """Write the table, one row for each scan, with the units in the header.

        Parameters
        ----------
        path : path
            Cells that are not known are empty.

        Raises
        ------
        OctlessonsError
            If it cannot be written.
        """
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["name", *(f"{name} ({self.units[name]})" for name in self)])
        for name, values in zip(self.names, self.array, strict=True):
            cells = ("" if np.isnan(v) else f"{v:.6g}" for v in values)
            rows.writerow([*safe_row([name]), *cells])
        write_atomically(path, text.getvalue())

    def _caption(self) -> str:
        return f"Measurements of {count(len(self.names), 'scan')}"

    def _cells(self) -> list[tuple[str, ...]]:
        cells = []
        for name, values in self.items():
            known = values[np.isfinite(values)]
            quantiles = np.quantile(known, (0.5, 0.05, 0.95)) if len(known) else [np.nan] * 3
            numbers = (decimal(q, 0 if abs(q) >= 100 else 2) for q in quantiles)
            gone = 1 - len(known) / max(len(values), 1)
            cells.append((name.replace("_", " "), self.units[name], *numbers, percent(gone)))
        return cells


def measure(images, *, retinas=None, pixel_sizes=None) -> Measurements:
    """Measure scans.

    Parameters
    ----------
    images : ImageSet, ndarray of shape (n, h, w), or list of arrays of shape (h, w)
        Grey scans as they are: with wedges, not flattened.
    retinas : sequence of Retina, optional
        What is in them; without, `find_layers_of` finds it.
    pixel_sizes : array_like of float, shape (n, 2), optional
        Height and width of a pixel in µm (axial, lateral), NaN where not known; by default those
        of the `ImageSet`. Where no scan has one, all units are relative (`UNITS`).

    Returns
    -------
    Measurements
        One row for each scan, in their order; `Measurements` says what the columns are.

    Raises
    ------
    ValueError
        If these are not grey images, or retinas or pixel sizes do not fit them.

    Examples
    --------
    >>> from octlessons.images import draw_phantoms
    >>> table = measure(draw_phantoms(8, size=192))  # doctest: +SKIP
    >>> table["central_thickness"], table.units["central_thickness"]  # doctest: +SKIP
    """
    given, images = images, as_images(images)
    n = len(images)
    if retinas is None:
        retinas = layers_one_by_one(given)
    elif len(retinas := list(retinas)) != n:
        raise ValueError(f"There are {n} images but {len(retinas)} retinas: give one for each.")
    sizes = getattr(given, "pixel_sizes", None) if pixel_sizes is None else pixel_sizes
    sizes = np.full((n, 2), np.nan) if sizes is None else np.asarray(sizes, float)
    if sizes.shape != (n, 2) or (sizes <= 0).any():
        raise ValueError(
            f"Pixel sizes are heights and widths in µm, above 0, of shape ({n}, 2) for {n} images."
        )
    known = np.isfinite(sizes).all(axis=1)
    rows = []
    for i, retina in enumerate(retinas):
        name = image_name(given, i)
        if known.any() and not known[i]:  # one unit for a column
            row = measure_scan(to_uint8(images[i], name), retina)
            row = {k: v if len(set(UNITS[k])) == 1 else np.nan for k, v in row.items()}
        else:
            size = tuple(sizes[i]) if known[i] else None
            row = measure_scan(to_uint8(images[i], name), retina, size)
        rows.append(row)
    units = {name: unit[0 if known.any() else 1] for name, unit in UNITS.items()}
    columns = {name: [row[name] for row in rows] for name in UNITS}
    return Measurements(columns, units, (image_name(given, i) for i in range(n)))
