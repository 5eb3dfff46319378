"""`ConvAutoencoder`: its code, its losses, what each parameter does, and what it refuses."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline

from octlessons.errors import OctlessonsError
from octlessons.images.imageset import ImageSet, LazyImages

torch = pytest.importorskip("torch")

from octlessons._optional import import_torchvision
from octlessons.networks import ConvAutoencoder
from octlessons.networks.losses import Perceptual, mse, ssim, ssim_loss


def coder(size=16, channels=1, **settings) -> ConvAutoencoder:
    """A small one, which trains in a fraction of a second."""
    plain = {"max_iter": 2, "width": 4, "device": "cpu"}
    return ConvAutoencoder(size, channels, **(plain | settings))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
    return coder(32, max_iter=25, width=16, learning_rate_init=5e-3).fit(phantoms)


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
    published = ConvAutoencoder(max_iter=1, device="cpu").fit(colour)
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
    fitted = coder(max_iter=1, **settings).fit(images)
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
        {"solver": "adamw"},
        {"solver": "rmsprop"},
        {"solver": "sgd"},
        {"learning_rate_init": 0.01},
        {"alpha": 0.1},
        {"dropout": 0.5},
        {"masked": 0.5},
        {"batch_norm": True},
        {"max_iter": 3},
        {"batch_size": 5},
        {"validation_fraction": 0.5},
        {"random_state": 1},
    ],
    ids=lambda change: "-".join(map(str, next(iter(change.items())))).split(" at ")[0],
)
def test_every_parameter_does_something(images, change):
    # Decay as such is the same for Adam and AdamW without it.
    base = {"alpha": 0.01} if change.get("solver") == "adamw" else {}
    assert not same(coder(**base).fit(images), coder(**base, **change).fit(images))


def test_every_loss_is_made_smaller(images):
    for loss in ("mse", "ssim", "perceptual"):
        fitted = coder(
            loss=loss, max_iter=12, learning_rate_init=0.01, perceptual_network="phantoms"
        ).fit(images)
        assert fitted.history_.valid[-1] < 0.85 * fitted.history_.valid[0], loss
    assert fitted.perceptual_network_.startswith("PhantomEncoder")


@pytest.mark.slow
def test_structure_is_kept_best_by_its_own_loss(phantoms):
    settings = {"max_iter": 12, "width": 16, "learning_rate_init": 5e-3}
    plain = coder(32, **settings).fit(phantoms)
    structural = coder(32, loss="ssim", **settings).fit(phantoms)
    assert (
        structural.reconstruction_error(phantoms, "ssim").mean()
        > plain.reconstruction_error(phantoms, "ssim").mean() + 0.02
    )


# ---------------------------------------------------------------------- images


def test_grey_images_serve_a_colour_network(images):
    fitted = coder(channels=3).fit(images)
    colour = np.repeat(images[..., None], 3, axis=3)
    np.testing.assert_array_equal(fitted.transform(images), fitted.transform(colour))


def test_memory_is_the_codes_and_one_batch():
    import tracemalloc

    picture = np.full((400, 400), 100, np.uint8)
    lazy = ImageSet(LazyImages(lambda i: picture.copy(), 200))  # 32 MB if all were held
    fitted = coder(max_iter=1).fit(lazy)
    tracemalloc.start()
    fitted.transform(lazy)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6


# ---------------------------------------------------------------------- going on


def test_what_is_hidden_cannot_be_learnt():
    rng = np.random.default_rng(0)
    images = np.zeros((60, 32, 32), np.uint8)
    for image in images:  # bars at any height: all images have the same mean
        top = rng.integers(2, 22)
        image[top : top + 8] = 220
    variance = (images / 255 - (images / 255).mean(axis=0)).var()
    settings = {"depth": 3, "batch_norm": True, "max_iter": 15, "learning_rate_init": 0.01}
    lost = {
        share: coder(32, masked=share, **settings).fit(images).history_.valid.min()
        for share in (0.0, 0.9999)
    }
    assert lost[0.0] < 0.5 * variance and lost[0.9999] > 0.9 * variance


def test_own_loss_cannot_be_saved(images, tmp_path):
    fitted = coder(loss=lambda a, b: (a - b).abs().mean(), max_iter=1).fit(images)
    with pytest.raises(ValueError, match="function of yours"):
        fitted.save(tmp_path / "c.pt")
    fitted.set_params(loss="mse").save(tmp_path / "c.pt")
    assert same(ConvAutoencoder.load(tmp_path / "c.pt"), fitted)


# ---------------------------------------------------------------------- scikit-learn


def test_works_in_a_pipeline(phantoms):
    road = make_pipeline(coder(32, max_iter=3), KMeans(4, n_init=2, random_state=0))
    clusters = road.fit_predict(phantoms)
    assert clusters.shape == (80,) and set(clusters) == {0, 1, 2, 3}
    centroids = road[0].inverse_transform(road[1].cluster_centers_)
    assert centroids.shape == (4, 32, 32)
    road.set_params(convautoencoder__depth=3).fit(phantoms)
    assert road[-1].n_features_in_ == 8 * 4 * 4


# ---------------------------------------------------------------------- refusing


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": 30}, "a multiple of 4, not 30: take 28 or 32"),
        ({"size": 4, "depth": 3}, "a multiple of 8, not 4: take 8"),
        ({"channels": 2}, "`channels` is one of 1, 3"),
        ({"depth": 0}, "`depth`"),
        ({"max_iter": 0}, "`max_iter`"),
        ({"downsampling": "magic"}, "'stride', 'pool'"),
        ({"upsampling": "magic"}, "'resize', 'transposed'"),
        ({"loss": "magic"}, "'mse', 'ssim', 'perceptual'"),
        ({"loss": "ssim", "size": 4}, "windows of 7 × 7"),
        ({"solver": "magic"}, "'adam', 'adamw', 'rmsprop', 'sgd'"),
        ({"dropout": 1}, "`dropout` is a share"),
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
        (np.zeros((3, 3, 9), np.uint8), "Image 0 has 3 × 9 px, but at least 4 on each side"),
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
    with pytest.raises(OctlessonsError, match=r"epoch \d+, batch \d+.*smaller learning_rate_init"):
        coder(loss=lambda rebuilt, images: mse(rebuilt, images) / 0 * 0, max_iter=3).fit(images)


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
    with pytest.raises(ValueError, match="windows of 7 × 7 px, and these images have 6 × 9"):
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

    from octlessons.images.retina import WORKING
    from octlessons.networks.feature_maps import EncoderMaps
    from octlessons.representations.phantom_encoder import SHIPPED

    onnx = pytest.importorskip("onnx")
    maps = EncoderMaps(SHIPPED / "labels.onnx")
    model = onnx.load(SHIPPED / "labels.onnx")
    # Each map leaves by the last ReLU before the size changes: of the stem, and of two blocks.
    steps = [node.output[0] for node in model.graph.node if node.op_type == "Relu"]
    names = [steps[i] for i in (0, 2, 6)]
    window = [node.output[0] for node in model.graph.node if node.op_type == "GridSample"][-1]
    for name in (window, *names):
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, 1, None))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    given = {
        "shown": phantoms.resize(WORKING).images[:2, None].astype(np.float32) / 255,
        "floor": np.full((2, WORKING), 120, np.float32),
        "reach": np.full(2, 80, np.float32),
    }
    seen, *expected = session.run([window, *names], given)
    for found, wanted in zip(maps(torch.from_numpy(seen)), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-3)


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


@pytest.mark.slow
def test_perceptual_loss_takes_imagenet_weights(images, shared, monkeypatch):
    import_torchvision()
    monkeypatch.setenv("OCTLESSONS_WEIGHTS", str(shared / "weights"))
    fitted = coder(
        loss="perceptual", perceptual_network="squeezenet1_1", max_iter=4, learning_rate_init=0.01
    ).fit(images)
    assert fitted.perceptual_network_.startswith("squeezenet1_1")
    assert fitted.history_.valid[-1] < fitted.history_.valid[0]
