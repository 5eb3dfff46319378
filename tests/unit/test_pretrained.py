"""`PretrainedCNN`: features of classifiers, with random weights in files that the tests write."""

import importlib.util
import pickle

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from octlessons import OctlessonsError, _runtime
from octlessons.images.imageset import ImageSet, LazyImages
from octlessons.representations import PretrainedCNN, backbones, onnx, pretrained, weights

torch = pytest.importorskip("torch")
if importlib.util.find_spec("torchvision") is None:
    pytest.skip("torchvision is not installed", allow_module_level=True)

from octlessons._optional import import_torchvision


@pytest.fixture(scope="module")
def models():
    return import_torchvision().models


@pytest.fixture(scope="module")
def folder(tmp_path_factory, models):
    """A folder with a SqueezeNet of random weights, and the cache beside it."""
    path = tmp_path_factory.mktemp("weights")
    torch.manual_seed(1)
    torch.save(models.squeezenet1_1().state_dict(), path / "squeezenet1_1.pth")
    return path


@pytest.fixture(autouse=True)
def here(monkeypatch, folder):
    """Weights are looked for in that folder only, and there is no network."""
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(folder))
    monkeypatch.setenv(weights.URL_VARIABLE, "http://127.0.0.1:9")
    monkeypatch.setenv("TORCH_HOME", str(folder / "hub"))
    for module in (weights, pretrained):
        monkeypatch.setattr(module, "cache_folder", lambda: folder / "cache" / "weights")
    monkeypatch.setattr("octlessons.images.downloads._PAUSE", 0.001)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 50, 80), dtype=np.uint8)


def squeezenet(**options):
    return PretrainedCNN("squeezenet1_1", **{"size": 64, "engine": "torch"} | options)


def saved(tmp_path, classifier, name="w.pth"):
    torch.save(classifier.state_dict(), tmp_path / name)
    return tmp_path / name


def shown_to_the_head(classifier, head, batch):
    """What the layer `head` gets when torchvision's own classifier sees these images."""
    seen = []
    classifier.get_submodule(head).register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.inference_mode():
        classifier.eval()(torch.from_numpy(batch))
    row = seen[-1]
    return (row.mean((2, 3)) if row.ndim == 4 else row).numpy()


# ---------------------------------------------------------------------- preprocessing


@pytest.mark.parametrize("name", ["efficientnet_b0", "resnet50", "squeezenet1_1", "swin_v2_t"])
@pytest.mark.parametrize("shape", [(50, 80), (81, 40), (496, 512), (256, 256), (20, 20)])
def test_preprocessing_is_exactly_that_of_torchvision(models, name, shape):
    entry = models.get_model_weights(name).DEFAULT
    found = weights.Weights(name, "", None, "", "", "", entry)
    cnn = PretrainedCNN(name)
    cnn.preprocessing_ = pretrained._preprocessing(found, None, False)
    image = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    theirs = entry.transforms()(Image.fromarray(image).convert("RGB")).numpy()
    ours = cnn.preprocess(image)
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs)
    colour = np.random.default_rng(4).integers(0, 256, (*shape, 3), dtype=np.uint8)
    theirs = entry.transforms()(Image.fromarray(colour)).numpy()
    np.testing.assert_array_equal(cnn.preprocess(colour), theirs)


def test_another_size_keeps_the_proportion_of_resize_and_crop(images):
    cnn = squeezenet(size=112).fit(images)
    assert (cnn.preprocessing_["resize"], cnn.preprocessing_["crop"]) == (128, 112)
    assert cnn.preprocess(images[0]).shape == (3, 112, 112)


def test_stretching_shows_the_sides_that_cropping_loses():
    marked = np.zeros((1, 60, 200), np.uint8)
    marked[..., :20] = 255
    cropped, whole = squeezenet().fit(marked), squeezenet(stretch=True).fit(marked)
    assert np.ptp(cropped.preprocess(marked[0])[0]) == 0
    assert np.ptp(whole.preprocess(marked[0])[0]) > 1
    assert whole.preprocess(marked[0]).shape == (3, 64, 64)


# ---------------------------------------------------------------------- features


@pytest.mark.parametrize(
    ("name", "head", "n_features"),
    [
        ("squeezenet1_1", "classifier.1", 512),
        ("efficientnet_b0", "classifier.1", 1280),
        ("mobilenet_v3_small", "classifier.3", 1024),
        ("shufflenet_v2_x0_5", "fc", 1024),
        ("resnet18", "fc", 512),
        ("regnet_y_400mf", "fc", 440),
        ("densenet121", "classifier", 1024),
    ],
)
def test_features_are_what_the_head_would_be_shown(models, tmp_path, images, name, head,
                                                   n_features):  # fmt: skip
    torch.manual_seed(0)
    classifier = models.get_model(name)
    cnn = PretrainedCNN(name, saved(tmp_path, classifier), size=64, engine="torch")
    rows = cnn.fit_transform(images[:2])
    batch = np.stack([cnn.preprocess(image) for image in images[:2]])
    expected = shown_to_the_head(classifier, head, batch)
    np.testing.assert_allclose(rows, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert rows.dtype == np.float32
    assert rows.shape == (2, n_features) and cnn.n_features_out_ == n_features
    assert backbones.last_layer(classifier) == head


@pytest.mark.parametrize(
    ("name", "channels"), [("squeezenet1_1", 512), ("efficientnet_b0", 1280), ("resnet18", 512)]
)
def test_maps_are_what_the_pooled_row_is_the_mean_of(models, tmp_path, images, name, channels):
    torch.manual_seed(0)
    file = saved(tmp_path, models.get_model(name))
    settings = {"size": 64, "engine": "torch"}
    pooled = PretrainedCNN(name, file, **settings).fit_transform(images[:2])
    maps = PretrainedCNN(name, file, pooled=False, **settings).fit_transform(images[:2])
    maps = maps.reshape(2, channels, -1)
    assert maps.shape[2] > 1
    np.testing.assert_allclose(maps.mean(axis=2), pooled, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "densenet121"])
def test_networks_without_averaged_maps_refuse_them(models, tmp_path, images, name):
    file = saved(tmp_path, models.get_model(name))
    with pytest.raises(ValueError, match="does not average its last maps"):
        PretrainedCNN(name, file, size=64, engine="torch", pooled=False).fit(images)


@pytest.mark.parametrize(
    ("name", "head", "n_features"),
    [
        ("convnext_tiny", "classifier.2", 768),
        ("googlenet", "fc", 1024),
        ("inception_v3", "fc", 2048),
        ("maxvit_t", "classifier.5", 512),
        ("mnasnet0_5", "classifier.1", 1280),
        ("swin_v2_t", "head", 768),
        ("vgg11_bn", "classifier.6", 4096),
        ("vit_b_32", "heads.head", 768),
    ],
)
def test_the_head_of_other_families_is_found(models, name, head, n_features):
    side = models.get_model_weights(name).DEFAULT.transforms().crop_size[0]
    with torch.device("meta"):  # shapes without numbers
        network, found = backbones.build_backbone(name)
        rows = network.eval()(torch.empty(2, 3, side, side))
    assert (found, tuple(rows.shape)) == (head, (2, n_features))


@pytest.mark.slow
def test_onnx_and_torch_agree(images):
    ours = squeezenet(engine="onnx").fit(images)
    rows, expected = ours.transform(images), squeezenet().fit_transform(images)
    assert ours.engine_ == "onnx" and ours.n_features_out_ == 512
    assert onnx.cosine_similarity(rows, expected) > 0.99999
    np.testing.assert_allclose(rows, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_every_kind_of_input_gives_the_same_rows(images, engine):
    cnn = squeezenet(engine=engine, batch_size=2).fit(images)
    rows = cnn.transform(images)
    lazy = LazyImages(lambda i: images[i], len(images), (50, 80))
    colour = np.repeat(images[..., None], 3, axis=3)
    for same in (ImageSet(images), ImageSet(lazy), list(images), images / 255, colour):
        np.testing.assert_allclose(cnn.transform(same), rows, rtol=1e-4, atol=1e-4)


def test_threads_do_not_change_a_bit_of_what_onnx_computes(images):
    rows = [squeezenet(engine="onnx", n_threads=n).fit_transform(images) for n in (1, 2, 3)]
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])


def test_images_of_any_size(models):
    rng = np.random.default_rng(1)
    shapes = [(5, 5), (300, 20), (64, 64)]
    pictures = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    assert squeezenet().fit_transform(pictures).shape == (3, 512)


def test_the_real_weights_give_the_features_of_plain_torch(shared, monkeypatch):
    """The real weights, from the folder beside the project."""
    from octlessons.images import read_folder
    from tests.benchmarks import squeezenet as plain

    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(shared / "weights"))
    scans = read_folder(shared / "data" / "oct2017_sample")[:4]
    cnn = PretrainedCNN("squeezenet1_1", engine="torch", stretch=True).fit(scans)
    assert cnn.weights_["licence"] == "MIT" and "keras-squeezenet" in cnn.weights_["source"]
    expected = plain.features([scans.images[i] for i in range(4)], plain.load(shared))
    assert onnx.cosine_similarity(cnn.transform(scans), expected) > 0.9999


# ---------------------------------------------------------------------- as an estimator


def test_is_a_scikit_learn_estimator(images):
    cnn = squeezenet(engine="onnx")
    estimator_checks.check_no_attributes_set_in_init("PretrainedCNN", cnn)
    estimator_checks.check_parameters_default_constructible("PretrainedCNN", cnn)
    estimator_checks.check_get_params_invariance("PretrainedCNN", cnn)
    estimator_checks.check_set_params("PretrainedCNN", cnn)
    estimator_checks.check_estimator_repr("PretrainedCNN", cnn)
    estimator_checks.check_mixin_order("PretrainedCNN", cnn)
    estimator_checks.check_estimator_cloneable("PretrainedCNN", cnn)
    before, parameters = images.copy(), cnn.get_params()
    rows = cnn.fit(images).transform(images)
    np.testing.assert_array_equal(images, before)
    assert cnn.get_params() == parameters
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(cnn)).transform(images), rows)
    assert not any(name.endswith("_") for name in vars(clone(cnn)))
    assert list(cnn.get_feature_names_out()[:2]) == ["pretrainedcnn0", "pretrainedcnn1"]
    with pytest.raises(ValueError, match="not fitted"):
        clone(cnn).transform(images)


def test_works_in_a_pipeline(images):
    road = make_pipeline(squeezenet(), KMeans(2, n_init=1, random_state=0))
    assert road.fit_predict(images).shape == (6,)


def test_what_is_pickled_finds_the_same_weights_again(models, tmp_path, images):
    path = saved(tmp_path, models.squeezenet1_1())
    pickled = pickle.dumps(squeezenet(weights=path).fit(images))
    assert b"torchvision" not in pickled  # whose import may need help in another process
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(OctlessonsError, match="has changed since the network was fitted"):
        pickle.loads(pickled).transform(images)


def test_what_is_known_of_the_weights_is_recorded(images, folder):
    told = squeezenet().fit(images).weights_
    assert told["path"] == str(folder / "squeezenet1_1.pth")
    assert len(told["sha256"]) == 64 and told["licence"] and told["source"]


# ---------------------------------------------------------------------- stores


def test_a_store_belongs_to_images_network_and_size(images, tmp_path):
    store = tmp_path / "f.npy"
    rows = squeezenet(store=store).fit_transform(images)
    assert isinstance(rows, np.memmap)
    np.testing.assert_array_equal(rows, squeezenet().fit_transform(images))
    cnn = squeezenet(store=store).fit(images)
    cnn._network = lambda batch: pytest.fail("nothing is left to compute")
    np.testing.assert_array_equal(cnn.transform(images), rows)
    with pytest.raises(OctlessonsError, match="other: images"):
        squeezenet(store=store).fit_transform(images[::-1])
    with pytest.raises(OctlessonsError, match="other: preprocessing"):
        squeezenet(store=store, size=80).fit_transform(images)
    with pytest.raises(OctlessonsError, match="other: preprocessing"):
        squeezenet(store=store, stretch=True).fit_transform(images)
    with pytest.raises(OctlessonsError, match="other: engine"):
        squeezenet(store=store, engine="onnx").fit_transform(images)


# ---------------------------------------------------------------------- files of weights


def test_features_only_files_and_other_heads_are_taken(models, tmp_path, images):
    from safetensors.torch import save_file

    torch.manual_seed(1)
    classifier = models.squeezenet1_1()
    rows = squeezenet(weights=saved(tmp_path, classifier)).fit_transform(images)
    features = classifier.features.state_dict()
    save_file({f"features.{k}": v for k, v in features.items()}, tmp_path / "a.safetensors")
    save_file(features, tmp_path / "b.safetensors")
    other = models.squeezenet1_1(num_classes=4)
    other.features.load_state_dict(features)
    saved(tmp_path, other, "c.pth")
    for name in ("a.safetensors", "b.safetensors", "c.pth"):
        same = squeezenet(weights=tmp_path / name).fit_transform(images)
        np.testing.assert_array_equal(same, rows)


@pytest.mark.slow
def test_early_files_of_densenet_are_taken(models, tmp_path, images):
    torch.manual_seed(0)
    classifier = models.densenet121()
    options = {"size": 64, "engine": "torch"}
    new = PretrainedCNN("densenet121", saved(tmp_path, classifier), **options)
    state = classifier.state_dict()
    early = {
        k.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.").replace("norm2.", "norm.2.")
        .replace("conv1.", "conv.1.") if "denselayer" in k else k: v
        for k, v in state.items() if not k.endswith("num_batches_tracked")
    }  # fmt: skip
    torch.save(early, tmp_path / "early.pth")
    old = PretrainedCNN("densenet121", tmp_path / "early.pth", **options)
    np.testing.assert_array_equal(old.fit_transform(images), new.fit_transform(images))


def without(state, name):
    return {k: v for k, v in state.items() if k != name}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: without(s, "features.0.weight"), r"features\.0\.weight is missing"),
        (lambda s: s | {"extra.weight": torch.zeros(2)}, r"extra\.weight is no part of it"),
        (lambda s: s | {"features.0.bias": torch.zeros(7)}, r"features\.0\.bias \(7\) has another"),
        (lambda s: {f"x{i}": torch.zeros(1) for i in range(9)}, "and 46 more are missing"),
    ],
)
def test_a_file_that_does_not_fit_is_a_sentence_that_names_keys(models, tmp_path, images, change,
                                                                sentence):  # fmt: skip
    torch.save(change(models.squeezenet1_1().state_dict()), tmp_path / "w.pth")
    with pytest.raises(OctlessonsError, match=f"does not fit squeezenet1_1: .*{sentence}"):
        squeezenet(weights=tmp_path / "w.pth").fit(images)


@pytest.mark.parametrize("engine", ["auto", "onnx", "torch"])
def test_a_corrupt_file_is_a_sentence_in_every_engine(tmp_path, images, engine):
    (tmp_path / "w.pth").write_bytes(b"PK\x03\x04nonsense")
    with pytest.raises(OctlessonsError, match=r"w\.pth is not a sound file of weights"):
        squeezenet(weights=tmp_path / "w.pth", engine=engine).fit(images)


def test_missing_weights_are_never_replaced_by_random_ones(images, folder):
    with pytest.raises(OctlessonsError, match="efficientnet_b0_rwightman-7f5810bc") as caught:
        PretrainedCNN().fit(images)
    assert "squeezenet1_1 are here" in str(caught.value)


def test_loading_leaves_the_random_numbers_of_torch_alone(images):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    squeezenet().fit(images)
    assert torch.equal(torch.rand(3), expected)


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "parameter",
    [{"batch_size": 0}, {"size": 0}, {"size": 2.5}, {"n_threads": 0}, {"engine": "openvino"},
     {"batch_size": None}],
)  # fmt: skip
def test_bad_parameters_are_refused_when_fitting(images, parameter):
    cnn = squeezenet(**parameter)
    with pytest.raises(ValueError, match=next(iter(parameter))):
        cnn.fit(images)


def test_sizes_that_a_network_cannot_take_are_sentences(images, monkeypatch):
    with pytest.raises(ValueError, match="takes images of at least 17 px, and size=16"):
        squeezenet(size=16).fit(images)

    class Transformer(torch.nn.Module):
        def forward(self, images):
            torch._assert(images.shape[2] == 224, "Wrong image height!")

    monkeypatch.setattr(backbones, "load_backbone", lambda *found: Transformer())
    sentence = r"cannot take images of 256 px \(Wrong image height!\): .* the 224 px that it was"
    with pytest.raises(ValueError, match=sentence):
        squeezenet(size=256).fit(images)


def test_a_wrong_name_and_wrong_images_are_sentences(images):
    with pytest.raises(ValueError, match="Did you mean"):
        PretrainedCNN("efficientnetb0").fit(images)
    with pytest.raises(ValueError, match="There are no images"):
        squeezenet().fit(images[:0])
    with pytest.raises(OctlessonsError, match="no device 'tpu'"):
        squeezenet(device="tpu").fit(images)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_memory_that_runs_out_halves_the_batch_and_then_is_a_sentence(images, engine):
    cnn = squeezenet(engine=engine, batch_size=4).fit(images)
    rows, network = cnn.transform(images), cnn._network
    sizes = []

    def small(batch):
        sizes.append(len(batch))
        if len(batch) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return network(batch)

    cnn._network = small
    np.testing.assert_allclose(cnn.transform(images), rows, rtol=1e-4, atol=1e-4)
    assert sizes == [4, 2, 2, 2]

    def none(batch):
        raise MemoryError

    cnn._network = none
    with pytest.raises(OctlessonsError, match="Memory ran out on a single image"):
        cnn.transform(images)


# ---------------------------------------------------------------------- exported files


def test_an_export_is_kept_and_found_again(images, folder, monkeypatch):
    squeezenet(engine="onnx").fit(images)
    files = sorted((folder / "cache" / "onnx").glob("squeezenet1_1-3x64x64-*.onnx"))
    assert len(files) == 1
    monkeypatch.setattr(onnx, "export", lambda *a: pytest.fail("it was there"))
    squeezenet(engine="onnx").fit(images)


def test_a_damaged_export_is_a_sentence(images, folder):
    squeezenet(engine="onnx").fit(images)
    (file,) = (folder / "cache" / "onnx").glob("squeezenet1_1-3x64x64-*.onnx")
    sound = file.read_bytes()
    try:
        file.write_bytes(sound[:1000])
        with pytest.raises(
            OctlessonsError, match=r"cannot be run by ONNX Runtime .*delete the file"
        ):
            squeezenet(engine="onnx").fit(images)
    finally:
        file.write_bytes(sound)


def test_where_a_network_cannot_be_exported_torch_takes_over(images, monkeypatch):
    def refuse(*_):
        raise onnx.ExportError("squeezenet1_1 cannot be exported: take engine='torch'.")

    monkeypatch.setattr(pretrained, "exported", refuse)
    monkeypatch.setattr(pretrained, "choose_device", lambda device: "cpu")
    cnn = squeezenet(engine="auto").fit(images)
    assert cnn.engine_ == "torch on cpu"
    assert cnn.transform(images).shape == (6, 512)
    with pytest.raises(OctlessonsError, match="cannot be exported"):
        squeezenet(engine="onnx").fit(images)


class Flips(torch.nn.Module):
    """Computes something else the second time, as an export that went wrong would."""

    def forward(self, images):
        rows = images.mean((2, 3))
        return rows if torch.compiler.is_exporting() else -rows


def test_an_export_is_compared_with_the_network(tmp_path):
    with pytest.raises(onnx.ExportError, match="computes something else"):
        onnx.exported(Flips(), (3, 8, 8), "flips", "0", tmp_path)
    assert [p.name for p in tmp_path.iterdir() if p.name[0] != "."] == []


def test_cores_follow_the_usual_variable(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert _runtime.usable_cores() == 1
    for none in ("", "0", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", none)
        assert _runtime.usable_cores() >= 1
