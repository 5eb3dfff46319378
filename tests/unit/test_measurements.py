"""Measurements of scans: of phantoms whose retinas are known, and of scans drawn with a ruler."""

import csv
import pickle
from dataclasses import replace

import numpy as np
import pytest

from octlessons.images import ImageSet, draw_phantoms
from octlessons.images.measurements import UNITS, measure, measure_scan
from octlessons.images.phantoms import BOUNDARIES
from octlessons.images.phantoms.lesions import CYST, DRUSEN, PED, SHRM, SRF
from octlessons.images.retina import TISSUES, Retina, find_layers_of
from tests.phantom_truth import true_retinas, white_border

ILM, RPE, BM = (BOUNDARIES.index(name) for name in ("ILM", "RPE", "BM"))
UM = (4.0, 60.0)  # of the ruled scans: 96 columns are 5.76 mm
RPE_ROWS = 4


@pytest.fixture(scope="module")
def phantoms():
    """Phantoms of a whole scan's height, ten of each class."""
    return draw_phantoms(size=496, n_per_class=10, seed=5)


@pytest.fixture(scope="module")
def measured(phantoms):
    return measure(phantoms, retinas=true_retinas(phantoms))


def ruled(height=96, width=96, top=20.0, bottom=68.0):
    """A rectangle of retina with a pit of 12 rows, 0.9 mm wide to each side, in its middle."""
    mm = (np.arange(width) - (width - 1) / 2) * UM[1] / 1000 * 96 / width
    pit = 12 * np.clip(1 - np.abs(mm) / 0.75, 0, 1)
    bm = np.full(width, bottom, np.float32)
    tissue = np.zeros((len(TISSUES), 96, 96), np.float32)
    rows = (np.arange(96) + 0.5) * height / 96 - 0.5
    layer = np.select([rows < top, rows < bottom - RPE_ROWS, rows < bottom], [0, 1, 2], 3)
    for k in range(4):
        tissue[k, layer == k] = 1
    ilm = (top + pit).astype(np.float32)
    sure = np.ones((3, width), np.float32)
    retina = Retina(ilm, bm - RPE_ROWS, bm, bm, sure, tissue)
    image = np.full((height, width), 40, np.uint8)
    image[:20], image[20:68] = 10, 100
    return image, retina


def with_tissue(retina, name, rows, columns, share=1.0):
    tissue = retina.tissue.copy()
    tissue[:, rows, columns] *= 1 - share
    tissue[TISSUES.index(name), rows, columns] = share
    return replace(retina, tissue=tissue)


def test_a_ruled_retina_measures_what_was_ruled():
    found = measure_scan(*ruled(), UM)
    assert list(found) == list(UNITS)
    mm = (np.arange(96) - 47.5) * 0.06
    total = 4 * (48 - 12 * np.clip(1 - np.abs(mm) / 0.75, 0, 1))
    assert found["mean_thickness"] == pytest.approx(total.mean())
    assert found["central_thickness"] == pytest.approx(total[np.abs(mm) <= 0.5].mean(), abs=4)
    assert found["pit_depth"] == pytest.approx(48, abs=6)
    assert found["position"] == pytest.approx(100 * (44.5 + 6 * 0.13) / 96, abs=0.3)
    assert found["brightness"] == 100
    for name in ("rpe_lift", "lifted", "intraretinal_fluid", "outside", "tilt", "contrast"):
        assert found[name] == pytest.approx(0, abs=1e-9)
    assert found["measured"] == 100
    assert np.isnan(found["spot_brightness"]) and np.isnan(found["spot_shadow"])


@pytest.mark.parametrize(
    ("tissue", "column"),
    [
        ("intraretinal fluid", "intraretinal_fluid"),
        ("subretinal fluid", "subretinal_fluid"),
        ("subretinal hyper-reflective material", "subretinal_material"),
    ],
)
def test_a_lake_of_known_size(tissue, column):
    image, retina = ruled()
    lake = with_tissue(retina, tissue, slice(40, 50), slice(30, 50))
    found = measure_scan(image, lake, UM)
    assert found[column] == pytest.approx(10 * 20 * 4 * 60 / 1e6)
    relative = measure_scan(image, lake)
    assert relative[column] == pytest.approx(100 * 200 / (retina.bm - retina.ilm).sum(), rel=1e-5)
    doubt = with_tissue(retina, tissue, slice(40, 50), slice(30, 50), share=0.2)
    assert measure_scan(image, doubt, UM)[column] == 0


def test_a_lifted_rpe():
    image, retina = ruled()
    rpe = retina.rpe.copy()
    rpe[10:34] -= 15
    found = measure_scan(image, replace(retina, rpe=rpe), UM)
    assert found["rpe_lift"] == pytest.approx(60)
    assert found["lifted"] == pytest.approx(25)
    assert found["sub_rpe_material"] == pytest.approx(24 * 15 * 4 * 60 / 1e6)
    assert measure_scan(image, replace(retina, rpe=rpe))["rpe_lift"] == pytest.approx(100 * 15 / 96)


def test_a_tilted_and_bent_eye():
    image, retina = ruled()
    mm = (np.arange(96) - 47.5) * 0.06
    shift = (30 * mm - 8 * (mm**2 - (mm**2).mean())) / 4
    lines = {name: getattr(retina, name) + shift for name in ("ilm", "rpe", "bm", "floor")}
    found = measure_scan(image, replace(retina, **lines), UM)
    assert found["tilt"] == pytest.approx(30, rel=1e-3)
    assert found["curvature"] == pytest.approx(8, rel=1e-3)
    assert measure_scan(image, replace(retina, **lines))["tilt"] == pytest.approx(
        100 * 30 * 5.76 / 4 / 96, rel=1e-3
    )


def test_bright_spots_and_their_shadow():
    image, retina = ruled()
    image[40:44, 20:26] = 240
    image[68:, 20:26] = 20
    spotted = with_tissue(retina, "bright spot", slice(40, 44), slice(20, 26), share=0.5)
    found = measure_scan(image, spotted, UM)
    assert found["bright_spots"] == pytest.approx(100 * 24 / (retina.bm - retina.ilm).sum())
    assert found["spot_brightness"] == pytest.approx(2.4, rel=0.05)
    assert found["spot_shadow"] == pytest.approx(0.5)


def test_a_membrane_is_a_share_of_the_columns():
    image, retina = ruled()
    found = measure_scan(image, with_tissue(retina, "membrane", 19, slice(0, 24), share=0.5), UM)
    assert found["membrane"] == pytest.approx(25)


def test_a_wedge_is_neither_retina_nor_measured():
    image, retina = ruled()
    image[:, :24] = 255
    hidden = with_tissue(retina, "outside", slice(None), slice(0, 24))
    sure = retina.confidence.copy()
    sure[:, :24] = 0.2
    found = measure_scan(image, replace(hidden, confidence=sure), UM)
    assert found["outside"] == pytest.approx(25)
    assert found["white_above"] + found["white_below"] == pytest.approx(25)
    assert found["white_above"] == pytest.approx(25 * 68 / 96, abs=0.5)
    assert found["measured"] == pytest.approx(75)
    assert found["brightness"] == pytest.approx(100, abs=1.5)
    image[:, :24] = 0  # a black band hides as much, and is not white
    dark = measure_scan(image, replace(hidden, confidence=sure), UM)
    assert dark["outside"] == found["outside"] and dark["white_above"] == 0
    plain = measure_scan(*ruled(), UM)
    assert found["pit_depth"] == plain["pit_depth"]


def test_what_cannot_be_known_is_nan():
    image, retina = ruled()
    unsure = replace(retina, confidence=np.zeros_like(retina.confidence))
    found = measure_scan(image, unsure, UM)
    unknown = {name for name, value in found.items() if np.isnan(value)}
    assert unknown == set(UNITS) - {"brightness", "contrast", "outside", "measured"}
    above = replace(retina, ilm=retina.ilm - 40)  # cut off by the upper border
    found = measure_scan(image, above, UM)
    assert np.isnan(found["mean_thickness"]) and np.isfinite(found["rpe_lift"])
    flat = replace(retina, ilm=np.full_like(retina.ilm, 20))  # no pit: beside the fovea
    found = measure_scan(image, flat, UM)
    assert np.isnan(found["central_thickness"]) and np.isnan(found["pit_depth"])
    swollen = with_tissue(flat, "intraretinal fluid", slice(40, 50), slice(30, 66))
    assert measure_scan(image, swollen, UM)["central_thickness"] == pytest.approx(4 * 48)
    thick = (9.0, UM[1])  # 432 µm of retina need no fluid to be swollen
    assert measure_scan(image, flat, thick)["central_thickness"] == pytest.approx(9 * 48)


def test_the_fovea_is_found_off_the_middle():
    image, retina = ruled()
    moved = replace(retina, ilm=np.roll(retina.ilm, 8))
    plain, found = (measure_scan(image, r, UM) for r in (retina, moved))
    assert found["central_thickness"] == pytest.approx(plain["central_thickness"], abs=4)
    assert found["pit_depth"] == pytest.approx(plain["pit_depth"], abs=6)


def test_phantoms_measure_what_was_drawn(phantoms, measured):
    um = phantoms.pixel_sizes
    shown = [~white_border(image) for image in phantoms]
    area = {
        "intraretinal_fluid": [CYST],
        "subretinal_fluid": [SRF],
        "subretinal_material": [SHRM],
        "sub_rpe_material": [DRUSEN, PED],
    }
    for name, codes in area.items():
        drawn = [
            (np.isin(m, codes) & s).sum() for m, s in zip(phantoms.lesions, shown, strict=True)
        ]
        drawn = np.array(drawn) * um.prod(axis=1) / 1e6
        assert np.corrcoef(drawn, measured[name])[0, 1] > 0.99
        assert abs(drawn - measured[name]).mean() < 0.1 * drawn.mean()
    ilm, rpe, bm = (phantoms.boundaries[:, k] for k in (ILM, RPE, BM))
    whole = measured["measured"] == 100
    assert whole.mean() > 0.5
    thick = (bm - ilm).mean(axis=1) * um[:, 0]
    assert measured["mean_thickness"][whole] == pytest.approx(thick[whole], rel=1e-5)
    flat = np.isin(phantoms.labels, [1, 3])  # DME and NORMAL
    assert measured["rpe_lift"][flat].max() < 12 < measured["rpe_lift"][~flat].min()
    gap = ((bm - rpe) * um[:, :1]).max(axis=1) - 16
    lifted = whole & ~flat
    assert measured["rpe_lift"][lifted] == pytest.approx(gap[lifted], abs=6)


@pytest.mark.parametrize("size", [192, 64, 28])
def test_size_hardly_matters(phantoms, measured, size):
    small = phantoms.resize(size)
    found = measure(small, retinas=true_retinas(small))
    for name in ("mean_thickness", "central_thickness", "rpe_lift", "tilt", "brightness"):
        both = np.isfinite(found[name]) & np.isfinite(measured[name])
        assert both.mean() > 0.7
        assert np.corrcoef(found[name][both], measured[name][both])[0, 1] > 0.95
    for name in ("intraretinal_fluid", "sub_rpe_material"):
        assert np.corrcoef(found[name], measured[name])[0, 1] > 0.9


def test_units_follow_what_is_known(phantoms):
    some, retinas = phantoms[:3], true_retinas(phantoms[:3])
    known = measure(some, retinas=retinas)
    assert known.units["mean_thickness"] == "µm" and known.units["subretinal_fluid"] == "mm²"
    unknown = measure(some.images, retinas=retinas)
    assert unknown.units["mean_thickness"] == "% of height"
    height = 496 * phantoms.pixel_sizes[:3, 0]
    assert unknown["mean_thickness"] * height / 100 == pytest.approx(known["mean_thickness"])
    partly = measure(
        some.images, retinas=retinas, pixel_sizes=[(3.87, 11.7), (np.nan,) * 2, (4, 9)]
    )
    assert partly.units == known.units
    assert np.isnan(partly["rpe_lift"]).tolist() == [False, True, False]
    assert np.isfinite(partly["brightness"]).all()


def test_the_table(phantoms, measured, tmp_path):
    assert len(measured) == len(UNITS) and measured.array.shape == (len(phantoms), len(UNITS))
    assert all(column.dtype == np.float64 for column in measured.values())
    measured.to_csv(tmp_path / "table.csv")
    header, *rows = csv.reader((tmp_path / "table.csv").open(encoding="utf-8"))
    assert header[:2] == ["name", "mean_thickness (µm)"]
    assert [row[0] for row in rows] == phantoms.names.tolist()
    central = [row[2] for row in rows]
    assert [not text for text in central] == np.isnan(measured["central_thickness"]).tolist()
    assert float(rows[0][1]) == pytest.approx(measured["mean_thickness"][0], rel=1e-5)
    assert "central thickness" in str(measured) and "<table" in measured._repr_html_()
    again = pickle.loads(pickle.dumps(measured))
    assert again.units == measured.units and (again["tilt"] == measured["tilt"]).all()


def test_pandas_takes_the_table(measured):
    frame = pytest.importorskip("pandas").DataFrame(measured)
    assert list(frame.columns) == list(UNITS) and len(frame) == len(measured.names)


def test_without_retinas_they_are_found(phantoms):
    found, given = (
        measure(phantoms[:3]),
        measure(phantoms[:3], retinas=find_layers_of(phantoms[:3])),
    )
    np.testing.assert_array_equal(found.array, given.array)
    true = measure(phantoms[:3], retinas=true_retinas(phantoms[:3]))
    assert found["mean_thickness"] == pytest.approx(true["mean_thickness"], rel=0.1)


def test_what_does_not_fit_is_refused(phantoms):
    image, retina = ruled()
    with pytest.raises(ValueError, match="one for each"):
        measure([image, image], retinas=[retina])
    with pytest.raises(ValueError, match="96 columns"):
        measure_scan(image[:, :90], retina)
    with pytest.raises(ValueError, match="above 0"):
        measure([image], retinas=[retina], pixel_sizes=[(0, 4)])
    with pytest.raises(ValueError, match="colour"):
        measure(ImageSet(np.zeros((1, 9, 9, 3), np.uint8)), retinas=[retina])
