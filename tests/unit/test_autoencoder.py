"""`ConvAutoencoder`: its code, its losses, what each parameter does, and what it refuses."""

import pickle
import tempfile

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from octlessons.errors import OctlessonsError
from octlessons.images.imageset import ImageSet, LazyImages

torch = pytest.importorskip("torch")

from octlessons._optional import import_torchvision
from octlessons.images import checks as pictures
from octlessons.networks import ConvAutoencoder
from octlessons.networks.losses import Perceptual, mse, ssim, ssim_loss


def coder(size=16, channels=1, **settings) -> ConvAutoencoder:
    """A small one, which trains in a fraction of a second."""
    plain = {"epochs": 2, "width": 4, "verbose": False, "device": "cpu"}
    return ConvAutoencoder(size, channels, **(plain | settings))


@pytest.fixture
def images() -> np.ndarray:
    """Grey 20 × 30 px: bars and noise."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 60, (24, 20, 30))
    for i, picture in enumerate(pictures):
        picture[(i % 5) * 3 : (i % 5) * 3 + 4] += 150
    return pictures.astype(np.uint8)


@pytest.fixture(scope="module")
def trained(phantoms) -> ConvAutoencoder:
    return coder(32, epochs=25, width=16, learning_rate=5e-3).fit(phantoms)


def weights(fitted) -> list:
    return [value.clone() for value in fitted.network_.state_dict().values()]


def same(a, b) -> bool:
    one, other = weights(a), weights(b)
    return len(one) == len(other) and all(
        p.shape == q.shape and torch.equal(p, q) for p, q in zip(one, other, strict=True)
    )


# ---------------------------------------------------------------------- the code


def test_published_shape_is_the_default():
    colour = np.random.default_rng(0).integers(0, 256, (3, 60, 80, 3), dtype=np.uint8)
    published = ConvAutoencoder(epochs=1, verbose=False, device="cpu").fit(colour)
    assert published.code_shape_ == (8, 56, 56)
    assert published.image_shape_ == (224, 224, 3)
    assert published.transform(colour[:2]).shape == (2, 56 * 56 * 8)
    assert published.reconstruct(colour[:2]).shape == (2, 224, 224, 3)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, (8, 4, 4)),
        ({"size": 28}, (8, 7, 7)),
        ({"depth": 1, "code_channels": 2}, (2, 8, 8)),
        ({"depth": 4}, (8, 1, 1)),
        ({"channels": 3, "downsampling": "pool", "upsampling": "transposed"}, (8, 4, 4)),
    ],
    ids=str,
)
def test_code_has_the_shape_that_was_asked_for(images, settings, shape):
    fitted = coder(epochs=1, **settings).fit(images)
    codes = fitted.transform(images)
    assert fitted.code_shape_ == shape
    assert codes.shape == (24, np.prod(shape)) == (24, fitted.n_features_out_)
    assert codes.dtype == np.float32
    assert fitted.inverse_transform(codes).shape == (24, *fitted.image_shape_)
    assert len(fitted.get_feature_names_out()) == codes.shape[1]


def test_rebuilding_is_encoding_and_decoding(trained, phantoms):
    rebuilt = trained.reconstruct(phantoms)
    np.testing.assert_allclose(
        trained.inverse_transform(trained.transform(phantoms)), rebuilt, atol=1e-5
    )
    assert rebuilt.min() >= 0 and rebuilt.max() <= 1
    errors = np.mean((rebuilt - trained.prepare(phantoms)) ** 2, axis=(1, 2))
    np.testing.assert_allclose(trained.reconstruction_error(phantoms), errors, rtol=1e-3)


def test_rows_do_not_depend_on_their_batch(trained, phantoms):
    whole = trained.transform(phantoms)
    small = clone(trained).set_params(batch_size=7)
    small.__dict__.update({k: v for k, v in vars(trained).items() if k.endswith("_")})
    np.testing.assert_allclose(small.transform(phantoms), whole, atol=1e-5)
    np.testing.assert_allclose(trained.transform(phantoms[5:6]), whole[5:6], atol=1e-5)


# ---------------------------------------------------------------------- learning


def test_losses_fall_and_new_images_are_rebuilt_better_than_the_mean(trained, phantoms):
    history = trained.history_
    assert len(history) == 25
    assert history.train[-1] < 0.2 * history.train[0]
    assert history.valid[-1] < 0.2 * history.valid[0]
    held_out = trained.prepare(phantoms)[trained.validation_]
    kept = np.delete(trained.prepare(phantoms), trained.validation_, axis=0)
    baseline = np.mean((held_out - kept.mean(axis=0)) ** 2)
    error = trained.reconstruction_error(phantoms[trained.validation_]).mean()
    assert error < 0.35 * baseline
    assert error == pytest.approx(history.best["valid"], rel=1e-3)


def test_each_epoch_is_printed(images, capsys):
    coder(verbose=True).fit(images)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and "train" in lines[0] and "valid" in lines[0]
    coder().fit(images)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "change",
    [
        {"depth": 3},
        {"code_channels": 4},
        {"width": 6},
        {"downsampling": "pool"},
        {"upsampling": "transposed"},
        {"loss": "ssim"},
        {"loss": "perceptual", "perceptual_network": "phantoms"},
        {"loss": lambda rebuilt, images: (rebuilt - images).abs().mean()},
        {"optimiser": "adamw"},
        {"optimiser": "rmsprop"},
        {"optimiser": "sgd"},
        {"learning_rate": 0.01},
        {"weight_decay": 0.1},
        {"dropout": 0.5},
        {"batch_norm": True},
        {"epochs": 3},
        {"batch_size": 5},
        {"validation": 0.5},
        {"random_state": 1},
    ],
    ids=lambda change: "-".join(map(str, next(iter(change.items())))).split(" at ")[0],
)
def test_every_parameter_does_something(images, change):
    # Decay as such is the same for Adam and AdamW without it.
    base = {"weight_decay": 0.01} if change.get("optimiser") == "adamw" else {}
    assert not same(coder(**base).fit(images), coder(**base, **change).fit(images))


def test_every_loss_is_made_smaller(images):
    for loss in ("mse", "ssim", "perceptual"):
        fitted = coder(loss=loss, epochs=12, learning_rate=0.01, perceptual_network="phantoms").fit(
            images
        )
        assert fitted.history_.valid[-1] < 0.85 * fitted.history_.valid[0], loss
    assert fitted.perceptual_network_.startswith("PhantomEncoder")


def test_structure_is_kept_best_by_its_own_loss(phantoms):
    settings = {"epochs": 12, "width": 16, "learning_rate": 5e-3}
    plain = coder(32, **settings).fit(phantoms)
    structural = coder(32, loss="ssim", **settings).fit(phantoms)
    assert (
        structural.reconstruction_error(phantoms, "ssim").mean()
        > plain.reconstruction_error(phantoms, "ssim").mean() + 0.02
    )


def test_training_stops_early(images):
    fitted = coder(epochs=40, patience=2, learning_rate=0.3, optimiser="rmsprop").fit(images)
    assert fitted.history_.stopped_early
    assert len(fitted.history_) == fitted.history_.best_epoch + 2 < 40


def test_same_seed_same_network_and_chance_is_left_alone(images):
    torch.manual_seed(4), np.random.seed(4)
    first = coder(dropout=0.3).fit(images)
    after = torch.rand(1).item(), np.random.rand()
    torch.manual_seed(4), np.random.seed(4)
    assert after == (torch.rand(1).item(), np.random.rand())
    assert same(first, coder(dropout=0.3).fit(images))
    assert not same(coder(random_state=None).fit(images), coder(random_state=None).fit(images))
    state = np.random.RandomState
    assert same(coder(random_state=state(3)).fit(images), coder(random_state=state(3)).fit(images))


# ---------------------------------------------------------------------- validation


def test_patients_are_never_on_both_sides(phantoms):
    fitted = coder(epochs=1, validation=0.4).fit(phantoms)
    inside = np.zeros(len(phantoms), bool)
    inside[fitted.validation_] = True
    assert 0.25 < inside.mean() < 0.55
    assert not set(phantoms.patients[inside]) & set(phantoms.patients[~inside])


def test_validation_may_be_images_a_share_or_nothing(images):
    fitted = coder(validation=images[:6], epochs=1).fit(images[6:])
    assert len(fitted.validation_) == 0
    assert fitted.history_.valid[0] == pytest.approx(
        fitted.reconstruction_error(images[:6]).mean(), rel=1e-4
    )
    assert len(coder(validation=0.25).fit(images).validation_) == 6
    nothing = coder(validation=0).fit(images)
    assert np.isnan(nothing.history_.valid).all() and nothing.history_.best_epoch == 2
    with pytest.raises(ValueError, match="needs something to watch"):
        coder(validation=0, patience=2).fit(images)
    with pytest.raises(ValueError, match="none is left to validate on"):
        coder().fit(images[:1])


def test_copies_are_not_validated_on(phantoms):
    from octlessons.augmentation import augment

    more = augment(phantoms[:20], "oct_safe", copies=1, seed=0)
    with pytest.raises(OctlessonsError, match="augmented copies"):
        coder().fit(more)
    coder(validation=phantoms[20:], epochs=1).fit(more)


# ---------------------------------------------------------------------- images


def test_every_kind_of_input_gives_the_same_code(images):
    fitted = coder().fit(images)
    expected = fitted.transform(images)
    lazy = ImageSet(LazyImages(lambda i: images[i], len(images)))
    for other in (ImageSet(images), lazy, list(images), tuple(images), images[..., None]):
        np.testing.assert_array_equal(fitted.transform(other), expected)
        assert same(coder().fit(other), fitted)
    np.testing.assert_allclose(fitted.transform(images / 255), expected, atol=1e-4)
    np.testing.assert_allclose(
        fitted.transform(images.astype(np.uint16) * 257), expected, atol=0.02
    )


def test_grey_images_serve_a_colour_network(images):
    fitted = coder(channels=3).fit(images)
    colour = np.repeat(images[..., None], 3, axis=3)
    np.testing.assert_array_equal(fitted.transform(images), fitted.transform(colour))


def test_images_may_differ_in_size_and_are_read_once():
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (30 + i, 50 - i), dtype=np.uint8) for i in range(9)]
    read = []

    def reader(i):
        read.append(i)
        return pictures[i]

    fitted = coder().fit(ImageSet(LazyImages(reader, 9)))
    assert read == list(range(9))
    np.testing.assert_array_equal(
        fitted.transform(pictures), fitted.transform(ImageSet(LazyImages(reader, 9)))
    )


def test_large_sets_train_from_a_file_that_goes_away(images, monkeypatch, tmp_path):
    expected = coder().fit(images)
    monkeypatch.setattr(pictures, "IN_MEMORY", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert same(coder().fit(images), expected)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(OctlessonsError, match=r"no room .*TMPDIR"):
        coder().fit(images)


def test_memory_is_the_codes_and_one_batch():
    import tracemalloc

    picture = np.full((400, 400), 100, np.uint8)
    lazy = ImageSet(LazyImages(lambda i: picture.copy(), 200))  # 32 MB if all were held
    fitted = coder(epochs=1).fit(lazy)
    tracemalloc.start()
    fitted.transform(lazy)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6


# ---------------------------------------------------------------------- going on


def test_resumed_fit_is_bit_identical(images, tmp_path):
    file = tmp_path / "c.pt"
    coder(epochs=2, dropout=0.3, batch_norm=True, checkpoint=file).fit(images)
    settings = {"epochs": 5, "dropout": 0.3, "batch_norm": True}
    resumed = coder(checkpoint=file, **settings).fit(images)
    assert resumed.history_.resumed_from == 2
    whole = coder(**settings).fit(images)
    assert same(resumed, whole)
    np.testing.assert_array_equal(resumed.history_.valid, whole.history_.valid)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"random_state": 1}, "seed was 0 there and is 1 here"),
        ({"dropout": 0.5}, "dropout was 0.0 there and is 0.5 here"),
        ({"loss": "ssim"}, 'loss was "mse" there and is "ssim" here'),
        ({"width": 5}, "width was 4 there and is 5 here"),
        ({"pixels": 1}, "images was"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_foreign_checkpoint_is_refused(images, tmp_path, change, words):
    file = tmp_path / "c.pt"
    coder(checkpoint=file).fit(images)
    if change.pop("pixels", 0):
        images = images.copy()
        images[3, :5] = 255
    with pytest.raises(OctlessonsError, match=words):
        coder(checkpoint=file, **change).fit(images)


def test_saved_autoencoder_is_the_same(trained, phantoms, tmp_path):
    file = tmp_path / "folder" / "coder.pt"
    trained.save(file)
    back = ConvAutoencoder.load(file)
    np.testing.assert_array_equal(back.transform(phantoms), trained.transform(phantoms))
    assert back.get_params() == trained.get_params()
    np.testing.assert_array_equal(back.history_.valid, trained.history_.valid)
    np.testing.assert_array_equal(back.validation_, trained.validation_)
    again = pickle.loads(pickle.dumps(trained))
    np.testing.assert_array_equal(again.transform(phantoms), trained.transform(phantoms))


def test_file_that_is_no_autoencoder_is_a_sentence(trained, tmp_path):
    file = tmp_path / "coder.pt"
    with pytest.raises(OctlessonsError, match="There is no autoencoder"):
        ConvAutoencoder.load(file)
    trained.save(file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(OctlessonsError, match=r"coder\.pt is not a sound autoencoder"):
        ConvAutoencoder.load(file)
    torch.save({"weights": torch.zeros(3)}, file)
    with pytest.raises(OctlessonsError, match="holds no autoencoder"):
        ConvAutoencoder.load(file)
    trained.save(file)
    content = torch.load(file, weights_only=True)
    torch.save({**content, "params": content["params"].replace('"width": 16', '"width": 8')}, file)
    with pytest.raises(OctlessonsError, match="not a sound autoencoder"):
        ConvAutoencoder.load(file)


def test_own_loss_cannot_be_saved(images, tmp_path):
    fitted = coder(loss=lambda a, b: (a - b).abs().mean(), epochs=1).fit(images)
    with pytest.raises(OctlessonsError, match="function of yours"):
        fitted.save(tmp_path / "c.pt")
    fitted.set_params(loss="mse").save(tmp_path / "c.pt")
    assert same(ConvAutoencoder.load(tmp_path / "c.pt"), fitted)


# ---------------------------------------------------------------------- scikit-learn


def test_works_in_a_pipeline(phantoms):
    road = make_pipeline(coder(32, epochs=3), KMeans(4, n_init=2, random_state=0))
    clusters = road.fit_predict(phantoms)
    assert clusters.shape == (80,) and set(clusters) == {0, 1, 2, 3}
    centroids = road[0].inverse_transform(road[1].cluster_centers_)
    assert centroids.shape == (4, 32, 32)
    road.set_params(convautoencoder__depth=3).fit(phantoms)
    assert road[-1].n_features_in_ == 8 * 4 * 4


def test_is_a_scikit_learn_estimator(trained):
    fresh = clone(trained)
    assert not hasattr(fresh, "network_") and fresh.get_params() == trained.get_params()
    estimator_checks.check_no_attributes_set_in_init("ConvAutoencoder", fresh)
    estimator_checks.check_parameters_default_constructible("ConvAutoencoder", fresh)
    estimator_checks.check_get_params_invariance("ConvAutoencoder", fresh)
    estimator_checks.check_set_params("ConvAutoencoder", fresh)
    from sklearn.exceptions import NotFittedError

    for method in (fresh.transform, fresh.reconstruct, fresh.inverse_transform):
        with pytest.raises(NotFittedError):
            method(np.zeros((1, 32, 32), np.uint8))


# ---------------------------------------------------------------------- refusing


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": 30}, "a multiple of 4, not 30: take 28 or 32"),
        ({"size": 4, "depth": 3}, "a multiple of 8, not 4: take 8"),
        ({"size": 0}, "`size` is a positive whole number"),
        ({"size": 16.5}, "`size`"),
        ({"channels": 2}, "`channels` is 1"),
        ({"depth": 0}, "`depth`"),
        ({"width": -1}, "`width`"),
        ({"epochs": 0}, "`epochs`"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"downsampling": "magic"}, "'stride', 'pool'"),
        ({"upsampling": "magic"}, "'resize', 'transposed'"),
        ({"loss": "magic"}, "'mse', 'ssim', 'perceptual'"),
        ({"loss": "ssim", "size": 4}, "windows of 7 × 7"),
        ({"optimiser": "magic"}, "'adam', 'adamw', 'rmsprop', 'sgd'"),
        ({"learning_rate": 0}, "`learning_rate`"),
        ({"weight_decay": -1}, "`weight_decay`"),
        ({"dropout": 1}, "`dropout` is a share"),
        ({"validation": 1.0}, "`validation` is a share"),
        ({"validation": "a"}, "`validation` is a share"),
        ({"patience": 0}, "`patience`"),
    ],
    ids=str,
)
def test_wrong_parameters_are_sentences(images, settings, words):
    with pytest.raises(ValueError, match=words):
        coder(**settings).fit(images)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((3, 9, 9, 3), np.uint8), "colour, but grey images are needed"),
        ([np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.uint8)], "Image 1 has shape"),
        (np.zeros((9, 9), np.uint8), "write \\[image\\]"),
        (np.zeros((0, 9, 9), np.uint8), "no images here"),
        (np.zeros((3, 3, 9), np.uint8), "Image 0 has 3 × 9 px, smaller than the 4 px"),
        ([np.zeros((9, 9), np.uint8), np.zeros((9, 0), np.uint8)], "Image 1 has shape"),
        (np.full((3, 9, 9), np.nan), "Image 0 contains NaN"),
        (np.full((3, 9, 9), 7.0), "scale them"),
    ],
    ids=["colour", "mixed", "single", "none", "small", "empty", "nan", "range"],
)
def test_wrong_images_are_sentences(given, words):
    with pytest.raises(ValueError, match=words):
        coder().fit(given)


def test_wrong_codes_are_sentences(trained):
    with pytest.raises(ValueError, match="have 512 numbers"):
        trained.inverse_transform(np.zeros((2, 5)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        trained.inverse_transform(np.full((1, 512), np.nan))
    with pytest.raises(ValueError, match="`measure`"):
        trained.reconstruction_error(np.zeros((1, 32, 32), np.uint8), "mae")


def test_diverging_training_is_a_sentence(images):
    with pytest.raises(OctlessonsError, match=r"epoch \d+, batch \d+.*smaller learning_rate"):
        coder(loss=lambda rebuilt, images: mse(rebuilt, images) / 0 * 0, epochs=3).fit(images)


def test_out_of_memory_is_a_sentence(trained, phantoms, monkeypatch):
    def hungry(*_):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    fitted = pickle.loads(pickle.dumps(trained))
    fitted.network_["encoder"].register_forward_hook(hungry)
    with pytest.raises(OctlessonsError, match=r"batch_size=4"):
        fitted.transform(phantoms)


# ---------------------------------------------------------------------- layers and losses


def test_fast_upsampling_is_repeating_and_convolving():
    from octlessons.networks.layers import UpsampledConv2d

    torch.manual_seed(0)
    fast = UpsampledConv2d(3, 5)
    plain = torch.nn.Conv2d(3, 5, 3, padding=1)
    plain.load_state_dict(fast.state_dict())
    x = torch.rand(2, 3, 6, 7)
    repeated = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(fast(x), plain(repeated))
    fast(x).square().sum().backward()
    plain(repeated).square().sum().backward()
    torch.testing.assert_close(fast.weight.grad, plain.weight.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(7, 7), (20, 33), (64, 64)])
def test_ssim_is_that_of_scikit_image(channels, shape):
    from skimage.metrics import structural_similarity

    rng = np.random.default_rng(0)
    smooth = np.cumsum(rng.normal(size=(4, channels, *shape)), axis=3)
    a = (smooth - smooth.min()) / np.ptp(smooth)
    b = np.clip(a + rng.normal(0, 0.1, a.shape), 0, 1)
    expected = [
        structural_similarity(x, y, data_range=1, channel_axis=0) for x, y in zip(a, b, strict=True)
    ]
    found = ssim(torch.from_numpy(a), torch.from_numpy(b))
    np.testing.assert_allclose(found, expected, atol=1e-10)
    single = ssim(torch.from_numpy(a).float(), torch.from_numpy(b).float())
    np.testing.assert_allclose(single, expected, atol=1e-5)
    assert float(ssim_loss(torch.from_numpy(a), torch.from_numpy(a))) == pytest.approx(0, abs=1e-9)


def test_ssim_of_tiny_images_is_refused():
    with pytest.raises(OctlessonsError, match="windows of 7 × 7 px, and these images have 6 × 9"):
        ssim(torch.zeros(1, 1, 6, 9), torch.zeros(1, 1, 6, 9))


def test_perceptual_loss_sees_blur_that_pixels_forgive(phantoms):
    from scipy.ndimage import gaussian_filter

    loss = Perceptual("phantoms")
    pixels = phantoms.images[:8].astype(np.float32) / 255
    blurred = np.stack([gaussian_filter(image, 1.5) for image in pixels])
    shade = np.sqrt(np.mean((blurred - pixels) ** 2))
    brighter = pixels + shade  # just as far away in pixels

    def tensor(images):
        return torch.from_numpy(np.asarray(images, np.float32))[:, None]

    assert float(mse(tensor(blurred), tensor(pixels))) == pytest.approx(
        float(mse(tensor(brighter), tensor(pixels))), rel=1e-3
    )
    assert float(loss(tensor(pixels), tensor(pixels))) == 0
    assert float(loss(tensor(blurred), tensor(pixels))) > 2 * float(
        loss(tensor(brighter), tensor(pixels))
    )


def test_shipped_network_has_the_same_maps_in_torch(phantoms):
    import onnxruntime

    from octlessons.networks.feature_maps import EncoderMaps
    from octlessons.representations.phantom_encoder import INPUT, SHIPPED

    onnx = pytest.importorskip("onnx")
    maps = EncoderMaps(SHIPPED / "labels.onnx")
    model = onnx.load(SHIPPED / "labels.onnx")
    for name in maps._chosen:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, 1, None))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    scans = phantoms.resize(INPUT).images[:2, None].astype(np.float32) / 255
    expected = session.run(maps._chosen, {session.get_inputs()[0].name: scans})
    for found, wanted in zip(maps(torch.from_numpy(scans)), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_damaged_network_is_a_sentence(tmp_path):
    from octlessons.networks.feature_maps import EncoderMaps
    from octlessons.representations.phantom_encoder import SHIPPED

    file = tmp_path / "network.onnx"
    with pytest.raises(OctlessonsError, match="cannot be read"):
        EncoderMaps(file)
    file.write_bytes((SHIPPED / "labels.onnx").read_bytes()[:5000])
    with pytest.raises(OctlessonsError, match="not a sound ONNX file"):
        EncoderMaps(file)


def test_missing_weights_of_a_perceptual_loss_are_a_sentence(images, monkeypatch, tmp_path):
    import_torchvision()
    monkeypatch.setenv("OCTLESSONS_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(OctlessonsError, match="vgg16"):
        coder(loss="perceptual", perceptual_network="vgg16").fit(images)


def test_perceptual_loss_takes_imagenet_weights(images, shared, monkeypatch):
    import_torchvision()
    monkeypatch.setenv("OCTLESSONS_WEIGHTS", str(shared / "weights"))
    fitted = coder(
        loss="perceptual", perceptual_network="squeezenet1_1", epochs=4, learning_rate=0.01
    ).fit(images)
    assert fitted.perceptual_network_.startswith("squeezenet1_1")
    assert fitted.history_.valid[-1] < fitted.history_.valid[0]
