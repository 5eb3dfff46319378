"""`PhantomEncoder`: the network that ships with the package, and the recipe that made it."""

import hashlib
import json
import pickle
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from octlessons import OctlessonsError
from octlessons._runtime import OnnxNetwork, opened, read_card
from octlessons.evaluation import neighbour_accuracy
from octlessons.images import ImageSet, draw_phantoms
from octlessons.images.imageset import LazyImages
from octlessons.representations import PhantomEncoder, Pixels
from octlessons.representations.phantom_encoder import (
    INPUT,
    SHIPPED,
    VARIANTS,
    looks_inverted,
    prepare,
)

NETWORKS = ("layers", *VARIANTS)

onnxruntime = pytest.importorskip("onnxruntime")

#: What ImageNet SqueezeNet 1.1 (224 px, length 1, PCA 20) reaches on the 51 real scans.
SQUEEZENET = {"neighbours": 0.53, "ari": 0.11}


@pytest.fixture(scope="module")
def scans():
    """Phantoms of a seed that no recipe uses."""
    return draw_phantoms(n_per_class=20, size=128, seed=4711)


@pytest.fixture(scope="module")
def rows(scans):
    return {variant: PhantomEncoder(variant).fit_transform(scans) for variant in VARIANTS}


@pytest.fixture(scope="module")
def pixels(scans):
    return Pixels(64, clean=True).fit_transform(scans)


def neighbours(rows, scans):
    return neighbour_accuracy(rows, scans.labels, groups=scans.patients, n_bootstrap=10).estimate


def rand_index(rows, scans):
    found = [KMeans(4, n_init=10, random_state=s).fit_predict(rows) for s in range(5)]
    return np.mean([adjusted_rand_score(scans.labels, clusters) for clusters in found])


# ---------------------------------------------------------------------- what it sees


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_tells_unseen_phantoms_apart_far_better_than_pixels(scans, rows, pixels, variant):
    assert neighbours(rows[variant], scans) > neighbours(pixels, scans) + 0.1
    assert rand_index(rows[variant], scans) > rand_index(pixels, scans) + 0.1


def test_it_beats_imagenet_features_on_real_scans(shared):
    """The figures of the issue; the encoder never saw these scans while it was trained."""
    from octlessons.images import read_folder

    real = read_folder(shared / "data/oct2017_sample")
    rows = PhantomEncoder().fit_transform(real)
    assert neighbours(rows, real) > SQUEEZENET["neighbours"] + 0.15
    assert rand_index(rows, real) > SQUEEZENET["ari"] + 0.2


def test_the_mirror_image_gives_the_same_row(scans, rows):
    mirrored = PhantomEncoder().transform(np.ascontiguousarray(scans.images[:8, :, ::-1]))
    assert np.median(np.sum(rows["labels"][:8] * mirrored, axis=1)) > 0.97


def test_brightness_hardly_matters(scans, rows):
    dimmed = PhantomEncoder().transform((scans.images[:10] * 0.7).astype(np.uint8))
    assert np.median(np.sum(rows["labels"][:10] * dimmed, axis=1)) > 0.97


# ---------------------------------------------------------------------- rows


def test_rows_have_length_one_and_come_out_the_same_every_time(scans):
    some = scans.images[:6]
    rows = PhantomEncoder().fit_transform(some)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(PhantomEncoder().transform(some), rows)


def test_batches_do_not_matter(scans):
    some = scans.images[:7]
    one = PhantomEncoder(batch_size=1).transform(some)
    np.testing.assert_allclose(one, PhantomEncoder(batch_size=64).transform(some), atol=2e-5)
    np.testing.assert_allclose(one, PhantomEncoder(n_threads=1).transform(some), atol=2e-5)


def test_every_kind_of_input_gives_the_same_rows(scans):
    some = scans.images[:4]
    expected = PhantomEncoder().transform(some)
    for same in (ImageSet(some), list(some), some / 255, some.astype(np.uint16) * 257):
        np.testing.assert_allclose(PhantomEncoder().transform(same), expected, atol=1e-3)


@pytest.mark.parametrize("shape", [(28, 28), (64, 64), (496, 512), (512, 768), (496, 1536)])
def test_any_size_will_do(scans, rows, shape):
    some = [np.asarray(Image.fromarray(image).resize(shape[::-1])) for image in scans.images[:3]]
    resized = PhantomEncoder().transform(some)
    assert resized.shape == (3, rows["labels"].shape[1])
    if min(shape) >= 64:
        assert np.median(np.sum(resized * rows["labels"][:3], axis=1)) > 0.8


def test_images_of_several_sizes_may_be_mixed(scans):
    image = Image.fromarray(scans.images[0])
    mixed = [np.asarray(image.resize(size)) for size in ((128, 128), (200, 150))]
    assert len(PhantomEncoder().transform(mixed)) == 2


def test_the_first_network_sees_a_square_in_0_to_1(scans):
    wide = np.asarray(Image.fromarray(scans.images[0]).resize((320, 120)))
    for image in (scans.images[0], wide):
        seen = prepare(image)
        assert seen.shape == (1, 192, 192)
        assert seen.dtype == np.float32
        assert 0 <= seen.min() < 0.1 < 0.5 < seen.max() <= 1


@pytest.mark.parametrize("value", [0, 128, 255])
def test_images_without_a_retina_give_finite_rows(value):
    rows = PhantomEncoder().transform(np.full((2, 64, 64), value, np.uint8))
    assert np.isfinite(rows).all()


def test_wedges_hardly_matter(scans, rows):
    plain = [i for i in range(40) if scans.images[i][[0, -1]].max() < 200][:8]
    wedged = scans.images[plain].copy()
    down, across = np.indices(wedged.shape[1:])
    wedged[:, down < 14 * (1 - across / 128)] = 255
    alike = np.sum(rows["labels"][plain] * PhantomEncoder().transform(wedged), axis=1)
    assert np.median(alike) > 0.9


def test_it_works_in_pipelines_and_in_other_processes(scans):
    encoder = PhantomEncoder(n_threads=1).fit(scans)
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.transform(scans[:2]), encoder.transform(scans[:2]))
    assert clone(encoder).n_threads == 1
    names = encoder.get_feature_names_out()
    assert len(names) == encoder.n_features_out_ == encoder.transform(scans[:1]).shape[1]


def test_rows_are_kept_in_a_store(scans, tmp_path):
    encoder = PhantomEncoder(store=tmp_path / "rows.npy")
    rows = encoder.transform(scans[:5])
    assert isinstance(rows, np.memmap)
    np.testing.assert_array_equal(rows, PhantomEncoder().transform(scans[:5]))
    with pytest.raises(OctlessonsError):
        encoder.transform(scans[5:10])  # other images


def test_a_store_of_an_earlier_encoder_is_refused(scans, tmp_path):
    """Its rows were computed by other networks from scans that were cleaned in another way."""
    from octlessons.representations.extraction import extract, fingerprint

    some, file = scans[:3], tmp_path / "rows.npy"
    width = PhantomEncoder().fit(some).n_features_out_
    key = {"images": fingerprint(some), "network": read_card("labels")["sha256"], "prepared": 1}
    extract(
        some, prepare, lambda b: np.ones((len(b), width)), n_features=width, store=file, key=key
    )
    with pytest.raises(OctlessonsError, match=r"something else .*networks; prepared.*another stor"):
        PhantomEncoder(store=file).transform(some)
    np.testing.assert_array_equal(np.load(file), 1)


def test_it_says_why(scans):
    from octlessons.images.phantoms import BOUNDARIES
    from octlessons.images.retina import TISSUES

    retinas, measured = PhantomEncoder().explain(scans)
    ilm, membrane = (scans.boundaries[:, BOUNDARIES.index(name)] for name in ("ILM", "BM"))
    drawn = (membrane - ilm).mean(axis=1) * scans.pixel_sizes[:, 0]
    assert measured.units["mean_thickness"] == "µm"
    assert np.corrcoef(measured["mean_thickness"], drawn)[0, 1] > 0.95
    lifted = scans.labels < 1  # CNV
    assert np.median(measured["rpe_lift"][lifted]) > 4 * np.median(measured["rpe_lift"][~lifted])
    # The map lies on the scan: what was drawn as cyst or fluid is mostly found there.
    fluid = [TISSUES.index("subretinal fluid"), TISSUES.index("intraretinal fluid")]
    maps = np.array([retina.tissue_at(scans.shape[1:]) for retina in retinas])
    dark = np.isin(scans.lesions, (4, 5))
    assert np.isin(maps, fluid)[dark].mean() > 0.6
    assert np.isin(maps, fluid)[~dark].mean() < 0.01


# ---------------------------------------------------------------------- what ships


def test_the_networks_together_are_at_most_six_megabytes():
    assert sorted(file.stem for file in SHIPPED.glob("*.onnx")) == sorted(NETWORKS)
    assert sum(file.stat().st_size for file in SHIPPED.glob("*.onnx")) <= 6_000_000


@pytest.mark.parametrize("network", NETWORKS)
def test_the_card_describes_the_file(network):
    card = read_card(network)
    data = (SHIPPED / card["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == card["sha256"]
    assert len(data) == card["bytes"]
    for part in ("recipe", "history", "machine", "date", "licence", "trained on", "not for"):
        assert card[part], part


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_card_says_what_was_measured_and_how(variant, scans):
    card = PhantomEncoder(variant).fit(scans).card_
    for scanner in ("first scanner", "second scanner"):
        assert card[scanner]["command"].startswith("python -m tests.benchmarks")
        assert card[scanner]["n"] > card[scanner]["patients"]
    assert set(card["second scanner"]["probe"]) == {"four", "all"}


@pytest.mark.parametrize("network", NETWORKS)
def test_the_recipe_in_the_code_is_the_one_that_made_the_file(network):
    from experiments.encoder.recipes import RECIPES, as_plain

    card = read_card(network)
    assert card["recipe"] == as_plain(RECIPES[network])
    assert len(card["history"]) == RECIPES[network].epochs


def test_the_readable_card_says_what_the_other_says():
    from experiments.encoder.card import model_card

    cards = json.loads((SHIPPED / "cards.json").read_text(encoding="utf-8"))
    assert (SHIPPED / "README.md").read_text(encoding="utf-8") == model_card(cards)


@pytest.mark.slow
def test_it_runs_without_torch():
    code = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "onnx"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NoTorch())
import numpy as np
from octlessons.representations import PhantomEncoder
rows = PhantomEncoder(n_threads=1).fit_transform(np.zeros((1, 64, 64), np.uint8))
assert np.isfinite(rows).all()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


# ---------------------------------------------------------------------- sentences


def test_sentences_for_what_cannot_be_encoded(scans):
    with pytest.raises(ValueError, match="grey"):
        PhantomEncoder().transform(np.zeros((2, 64, 64, 3), np.uint8))
    with pytest.raises(OctlessonsError, match="too small"):
        PhantomEncoder().transform(np.zeros((2, 20, 64), np.uint8))
    with pytest.raises(OctlessonsError, match="in colour"):
        prepare(np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(ValueError, match='"labels" or "views"'):
        PhantomEncoder("dreams").fit(scans)
    with pytest.raises(ValueError, match="batch_size"):
        PhantomEncoder(batch_size=0).transform(scans)
    with pytest.raises(ValueError, match="n_threads"):
        PhantomEncoder(n_threads=0).transform(scans)


def test_an_image_that_is_too_small_is_called_by_its_file(scans):
    pictures = [scans.images[0], np.zeros((14, 64), np.uint8)]
    images = ImageSet(LazyImages(pictures.__getitem__, 2), names=["a/1.png", "a/2.png"])
    for representation in (PhantomEncoder(), Pixels(8, clean=True)):
        with pytest.raises(OctlessonsError, match=r"a/2\.png could not be"):
            representation.transform(images)


def test_it_says_when_scans_look_inverted(scans):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PhantomEncoder().transform(scans[:10])
    with pytest.warns(UserWarning, match=r"10 of 10 scans look inverted.*images\.map\(numpy\.inv"):
        inverted = PhantomEncoder().transform(255 - scans.images[:10])
    restored = ImageSet(255 - scans.images[:10]).map(np.invert)
    rows = PhantomEncoder().transform(restored)
    np.testing.assert_array_equal(rows, PhantomEncoder().transform(scans[:10]))
    assert np.abs(rows - inverted).max() > 0.1


def test_no_real_scan_is_taken_for_inverted(shared):
    from octlessons.images import read_folder

    real = read_folder(shared / "data/oct2017_sample")
    assert not any(looks_inverted(image) for image in real.images)
    assert all(looks_inverted(255 - image) for image in real.images)


def test_sentences_for_a_missing_or_damaged_network(scans, tmp_path):
    with pytest.raises(OctlessonsError, match=r"experiments\.encoder"):
        PhantomEncoder(folder=tmp_path).fit(scans)
    card = json.loads((SHIPPED / "cards.json").read_text(encoding="utf-8"))
    (tmp_path / "cards.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(OctlessonsError, match=r"labels\.onnx is missing"):
        PhantomEncoder(folder=tmp_path).fit(scans)
    data = (SHIPPED / "labels.onnx").read_bytes()
    (tmp_path / "labels.onnx").write_bytes(data[:-1])
    with pytest.raises(OctlessonsError, match="damaged"):
        PhantomEncoder(folder=tmp_path).transform(scans[:1])
    (tmp_path / "cards.json").write_text("{", encoding="utf-8")
    with pytest.raises(OctlessonsError, match="cannot be read"):
        PhantomEncoder(folder=tmp_path).fit(scans)


# ---------------------------------------------------------------------- training


def tiny(variant):
    from experiments.encoder.recipes import RECIPES

    return replace(
        RECIPES[variant],
        phantoms=((3, 1, "wide"), (2, 2, "wider")),
        epochs=2,
        steps=2,
        batch_size=8,
        widths=(4, 4, 8, 8),
    )


def few(variant):
    """What trains a tiny network in a moment."""
    held_out = {"shifted": (2, 4, "shifted")}
    return dict(recipe=tiny(variant), held_out=held_out, device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_training_goes_from_nothing_to_a_network_that_can_be_used(network, scans, tmp_path):
    pytest.importorskip("torch")
    from experiments.encoder.training import train_encoder

    lines = []
    settings = few(network) | {"report": lines.append}
    card = train_encoder(network, tmp_path, **settings)
    assert any("epoch 1/2" in line for line in lines)
    if network == "layers":
        seen = np.stack([prepare(image) for image in scans.images[:3]])
        found = opened("layers", tmp_path)[1]
        rows, *_, shown, _ = found.run(seen)
        assert rows.shape == (3, 3, 192)
        assert np.isfinite(rows).all()
        assert shown.shape == seen.shape
    else:
        assert card["phantoms"]["shifted"]["n"] == 8
        rows = PhantomEncoder(network, folder=tmp_path).fit_transform(scans[:3])
        assert rows.shape == (3, card["dimensions"])
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    # A finished run is not trained again, and gives the same file.
    epochs = [line for line in lines if line.startswith("epoch")]
    again = train_encoder(network, tmp_path / "b", **settings, work=tmp_path / "work")
    assert again["sha256"] == hashlib.sha256((tmp_path / card["file"]).read_bytes()).hexdigest()
    assert [line for line in lines if line.startswith("epoch")] == epochs


@pytest.mark.slow
def test_the_card_is_written_once_all_networks_are_there(tmp_path):
    pytest.importorskip("torch")
    from experiments.encoder.training import train_encoder

    for network in reversed(NETWORKS):
        assert not (tmp_path / "README.md").exists()
        train_encoder(network, tmp_path, **few(network), report=None)
    assert list(json.loads((tmp_path / "cards.json").read_text(encoding="utf-8"))) == list(NETWORKS)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| phantoms, shifted | views |" in text
    assert "each drawn twice" in text


@pytest.mark.parametrize("variant", VARIANTS)
def test_torch_and_the_file_give_the_same_row(scans, rows, variant):
    """From the lines that were found to the row: the window and the network."""
    torch = pytest.importorskip("torch")
    from experiments.encoder.parts import Shipped
    from octlessons.networks.encoder import load_encoder

    seen = np.stack([prepare(image) for image in scans.images[:4]])
    encoder = OnnxNetwork(SHIPPED / f"{variant}.onnx", n_threads=1)
    given = opened("layers")[1].run(seen, outputs=encoder.inputs)
    with torch.no_grad():
        expected = Shipped(load_encoder(SHIPPED / f"{variant}.onnx"))(*map(torch.tensor, given))
    np.testing.assert_allclose(encoder.run(*given)[0], expected, atol=1e-3)
    np.testing.assert_allclose(rows[variant][:4], expected, atol=1e-3)


def test_the_window_lays_the_retina_straight():
    """Its floor on one row, however it bends; what lies `reach` above it at the upper edge."""
    torch = pytest.importorskip("torch")
    from experiments.encoder.parts import cut
    from octlessons.representations.phantom_encoder import ABOVE, BELOW

    across = torch.linspace(-1, 1, 192)
    floor = 120 + 15 * across - 20 * across**2
    reach, rows = torch.tensor([90.0]), torch.arange(192.0)[:, None]
    lines = sum(torch.exp(-0.5 * ((rows - floor + lift) / 1.5) ** 2) for lift in (0, 45))
    seen, _ = cut(lines[None], floor[None], reach)
    assert seen.shape == (1, 1, *INPUT)
    on_floor = (INPUT[0] - 1) * ABOVE / (ABOVE + BELOW)
    halfway = round(on_floor / 2)
    lower = seen[0, 0, halfway + 15 :].argmax(0) + halfway + 15
    upper = seen[0, 0, : halfway + 15].argmax(0)
    assert (lower - on_floor).abs().max() <= 1
    assert (upper - on_floor / 2).abs().max() <= 1


def test_phantoms_for_training_carry_the_truth_along(tmp_path):
    from experiments.encoder.phantoms import COVERED, drawn_phantoms

    drawn = drawn_phantoms(4, 11, "wider", folder=tmp_path)
    assert drawn["images"].shape == drawn["codes"].shape == (16, 192, 192)
    ill = ((drawn["codes"] > 13) & (drawn["codes"] < COVERED)).mean(axis=(1, 2))
    normal = drawn["labels"] == 3
    assert ill[normal].max() == 0 < ill[~normal].min()
    again = drawn_phantoms(4, 11, "wider", folder=tmp_path)
    np.testing.assert_array_equal(again["images"], drawn["images"])
    (next(tmp_path.glob("*.npz"))).write_bytes(b"no")
    with pytest.raises(OctlessonsError, match="delete the file"):
        drawn_phantoms(4, 11, "wider", folder=tmp_path)


@pytest.mark.slow
def test_the_command_trains(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    from experiments.encoder import __main__, training

    monkeypatch.setattr(training, "HELD_OUT", {"held out": (1, 4, "plain")})
    out = tmp_path / "out"
    short = ["--n-per-class", "2", "--epochs", "1", "--device", "cpu", "--out", str(out)]
    monkeypatch.setattr(__main__, "changed", lambda *a, **given: replace(tiny("views"), epochs=1))
    assert __main__.main(["--variant", "views", *short]) == 0
    assert "views.onnx" in capsys.readouterr().out
    assert PhantomEncoder("views", folder=out).fit([np.zeros((64, 64), np.uint8)]).card_["date"]
    with pytest.raises(SystemExit):
        __main__.main(["--variant", "dreams"])
    assert "invalid choice: 'dreams' (choose from" in capsys.readouterr().err
