"""Weights of pretrained networks found, downloaded, read, refused; and torchvision imported."""

import hashlib
import importlib.util
import subprocess
import sys

import pytest

from octlessons import OctlessonsError, _optional
from octlessons.images import downloads
from octlessons.representations import find_weights, weights, weights_here
from tests.unit.server import Server

torch = pytest.importorskip("torch")
if importlib.util.find_spec("torchvision") is None:
    pytest.skip("torchvision is not installed", allow_module_level=True)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No weights but those of the test, and no network."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.delenv(weights.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv(weights.URL_VARIABLE, "http://127.0.0.1:9")
    monkeypatch.setattr(weights, "cache_folder", lambda: tmp_path / "own")
    monkeypatch.setattr(downloads, "_PAUSE", 0.001)


@pytest.fixture(scope="module")
def content() -> bytes:
    """A state dict of SqueezeNet 1.1 with random weights, as a file."""
    import io

    from octlessons._optional import import_torchvision

    torch.manual_seed(0)
    stream = io.BytesIO()
    torch.save(import_torchvision().models.squeezenet1_1().state_dict(), stream)
    return stream.getvalue()


@pytest.fixture
def published(content, monkeypatch):
    """Publish this file as the weights of SqueezeNet 1.1, and return its name."""
    checksum = hashlib.sha256(content).hexdigest()
    real, file = weights.published, f"squeezenet1_1-{checksum[:8]}.pth"

    def ours(entry):
        if type(entry).__name__ == "SqueezeNet1_1_Weights":
            return file, f"https://example.org/{file}", f"sha256:{checksum[:8]}"
        return real(entry)

    monkeypatch.setattr(weights, "published", ours)
    weights._published_names.cache_clear()
    yield file
    weights._published_names.cache_clear()


@pytest.fixture
def server(content):
    server = Server(content)
    yield server
    server.http.shutdown()
    server.http.server_close()


def put(folder, name, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return folder / name


# ---------------------------------------------------------------------- names


def test_architectures_begin_with_the_best_known():
    names = weights.architectures()
    assert names[0] == "efficientnet_b0"
    assert len(names) > 70 and len(set(names)) == len(names)
    assert {"vit_b_16", "swin_t", "convnext_tiny", "vgg16", "regnet_y_400mf"} <= set(names)


@pytest.mark.parametrize("name", ["EfficientNet-B0", "efficientnet_b0", " EFFICIENTNET B0 "])
def test_names_may_be_written_as_in_papers(name):
    assert weights.architecture_name(name) == "efficientnet_b0"


def test_a_wrong_name_gets_a_suggestion():
    with pytest.raises(ValueError, match=r"no classifier called 'efficentnet_b0'\. Did you mean"):
        find_weights("efficentnet_b0")
    with pytest.raises(ValueError, match="The best known are efficientnet_b0, resnet50"):
        weights.locate("fasterrcnn_resnet50_fpn")


def test_the_published_checksum_is_in_the_file_name():
    entry = weights.entries("efficientnet_b0")[0]
    assert weights.published(entry) == (
        "efficientnet_b0_rwightman-7f5810bc.pth",
        entry.url,
        "sha256:7f5810bc",
    )
    for name in weights.architectures():
        assert all(weights.published(entry)[2] for entry in weights.entries(name))


# ---------------------------------------------------------------------- finding


def test_nothing_is_found_on_a_machine_without_weights(tmp_path):
    assert weights_here() == []
    assert find_weights("efficientnet_b0") is None


def test_looking_where_nothing_is_imports_no_torch():
    code = (
        "import sys; from octlessons.representations import weights_here; "
        "print(weights_here(), 'torch' in sys.modules, 'torchvision' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["[]", "False", "False"]


@pytest.mark.parametrize("where", ["named", "own", "hub"])
def test_published_weights_are_found_in_every_folder(
    published, content, tmp_path, monkeypatch, where
):
    folder = {
        "named": tmp_path / "named",
        "own": tmp_path / "own",
        "hub": tmp_path / "cache" / "torch" / "hub" / "checkpoints",
    }[where]
    if where == "named":
        monkeypatch.setenv(weights.FOLDER_VARIABLE, str(folder))
    path = put(folder, published, content)
    assert find_weights("squeezenet1_1") == path
    assert weights_here() == ["squeezenet1_1"]
    path.write_bytes(content[:-100])  # a download that broke off
    assert find_weights("squeezenet1_1") is None
    assert weights_here() == []


def test_files_of_ones_own_are_named_after_their_architecture(tmp_path, monkeypatch, content):
    folder = tmp_path / "named"
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(folder))
    for name in ("vgg16_bn-mine.pth", "resnet18.pth", "ViT-B-16.safetensors", "resnet1.pth",
                 "swin_tiny.pth", "notes.txt"):  # fmt: skip
        put(folder, name, content)
    assert weights_here() == ["vit_b_16", "resnet18", "vgg16_bn"]
    assert find_weights("vgg16") is None
    assert find_weights("vgg16_bn") == folder / "vgg16_bn-mine.pth"
    put(tmp_path / "own", "resnet50.pth", content)  # only the named folder may have such names
    assert find_weights("resnet50") is None


def test_published_weights_come_before_ones_own(tmp_path, monkeypatch, content, published):
    folder = tmp_path / "named"
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(folder))
    put(folder, "squeezenet1_1-a.pth", content)
    path = put(tmp_path / "own", published, content)
    assert find_weights("squeezenet1_1") == path


# ---------------------------------------------------------------------- getting


def test_weights_are_downloaded_checked_and_described(
    published, content, server, tmp_path, monkeypatch
):
    monkeypatch.setenv(weights.URL_VARIABLE, server.url)
    server.drop_after, server.drops = len(content) // 2, 1
    found = weights.locate("SqueezeNet1_1")
    assert found.path == tmp_path / "own" / published
    assert found.path.read_bytes() == content
    assert server.paths == [f"/files/{published}"] * 2  # resumed
    assert server.requests[1].startswith("bytes=")
    assert found.name == "IMAGENET1K_V1"
    assert "ImageNet" in found.licence and "squeezenet1_1" in found.source
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert set(found.record()) == {"architecture", "name", "path", "sha256", "licence", "source"}
    weights.locate("squeezenet1_1")
    assert len(server.paths) == 2


def test_they_go_to_the_folder_that_is_named(published, content, server, tmp_path, monkeypatch):
    monkeypatch.setenv(weights.URL_VARIABLE, server.url + "/")
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path / "named"))
    assert weights.locate("squeezenet1_1").path == tmp_path / "named" / published


def test_without_a_network_the_sentence_says_which_file_to_put_where(tmp_path):
    with pytest.raises(OctlessonsError) as caught:
        weights.locate("efficientnet_b0")
    message = str(caught.value)
    for part in (
        "could not be downloaded from http://127.0.0.1:9/efficientnet_b0_rwightman-7f5810bc.pth",
        "connection refused",
        f"fetch {weights.entries('efficientnet_b0')[0].url} on",
        "SHA-256 begins with 7f5810bc",
        f"save it as {tmp_path / 'own' / 'efficientnet_b0_rwightman-7f5810bc.pth'}",
        weights.FOLDER_VARIABLE,
    ):
        assert part in message


def test_without_download_the_sentence_says_so_and_what_is_here(tmp_path, monkeypatch, content):
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path / "named"))
    put(tmp_path / "named", "squeezenet1_1.pth", content)
    with pytest.raises(
        OctlessonsError, match=r"download=True .*7f5810bc.* Weights of squeezenet1_1 are"
    ):
        weights.locate("efficientnet_b0", download=False)


def test_a_damaged_file_is_named(tmp_path):
    path = put(tmp_path / "own", "efficientnet_b0_rwightman-7f5810bc.pth", b"half")
    for download in (True, False):
        with pytest.raises(OctlessonsError, match="is damaged: its checksum is not the one") as e:
            weights.locate("efficientnet_b0", download=download)
        assert str(path) in str(e.value)


def test_weights_by_name(tmp_path):
    with pytest.raises(OctlessonsError, match="resnet50-0676ba61"):
        weights.locate("resnet50", "IMAGENET1K_V1", download=False)
    with pytest.raises(OctlessonsError, match="resnet50-11ad3fa6"):
        weights.locate("resnet50", "ResNet50_Weights.DEFAULT", download=False)
    with pytest.raises(ValueError, match=r"neither a file nor .* IMAGENET1K_V2, IMA"):
        weights.locate("resnet50", "IMAGENET22K")


def test_weights_as_torchvision_names_them():
    models = _optional.import_torchvision().models
    with pytest.raises(OctlessonsError, match="resnet50-0676ba61"):
        weights.locate("resnet50", models.ResNet50_Weights.IMAGENET1K_V1, download=False)
    with pytest.raises(ValueError, match=r"ResNet18_Weights\.IMAGENET1K_V1 are weights of another"):
        weights.locate("resnet50", models.ResNet18_Weights.IMAGENET1K_V1, download=False)


@pytest.mark.parametrize("value", [True, False, 1, b"IMAGENET1K_V1"])
def test_what_can_be_no_weights_is_a_sentence(value):
    with pytest.raises(TypeError, match=r"IMAGENET1K_V1\) or None for those that are found"):
        weights.locate("resnet18", value)


def test_a_file_is_taken_as_it_is_named(tmp_path, content):
    path = put(tmp_path, "mine.pth", content)
    found = weights.locate("squeezenet1_1", path)
    assert (found.path, found.name) == (path, "mine.pth")
    assert found.licence == "unknown: a file of your own"
    with pytest.raises(OctlessonsError, match=r"There is no file .*gone\.pth"):
        weights.locate("squeezenet1_1", tmp_path / "gone.pth")
    with pytest.raises(OctlessonsError, match=r"is a folder"):
        weights.locate("squeezenet1_1", tmp_path)
    with pytest.raises(OctlessonsError, match=r"notes.txt is none of them"):
        weights.locate("squeezenet1_1", put(tmp_path, "notes.txt", b""))


# ---------------------------------------------------------------------- reading


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("data", [b"", b"nonsense" * 100, b"PK\x03\x04" + bytes(500)])
def test_a_corrupt_file_is_a_sentence(tmp_path, suffix, data):
    with pytest.raises(OctlessonsError, match=r"is not a sound file of weights, .*fetch it again"):
        weights.read_weights(put(tmp_path, f"a{suffix}", data))


def test_a_truncated_file_is_a_sentence(tmp_path, content):
    with pytest.raises(OctlessonsError, match="damaged"):
        weights.read_weights(put(tmp_path, "a.pth", content[: len(content) // 2]))


def test_code_in_a_file_is_not_run(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "whole.pth")
    with pytest.raises(OctlessonsError, match=r"could run code: .*state_dict"):
        weights.read_weights(tmp_path / "whole.pth")


def test_what_training_scripts_wrap_around_is_taken_off(tmp_path):
    wrapped = {"state_dict": {"module.a": torch.ones(2), "module.b": torch.zeros(1)}, "epoch": 3}
    torch.save(wrapped, tmp_path / "a.pth")
    assert set(weights.read_weights(tmp_path / "a.pth")) == {"a", "b"}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [([1, 2], "no dictionary of tensors"), ({}, "holds no weights"), ({"a": 3}, "holds no weights"),
     ({"a": torch.tensor([1.0, float("nan")])}, "a contains NaN or infinity")],
)  # fmt: skip
def test_what_is_no_state_dict_is_a_sentence(tmp_path, found, sentence):
    torch.save(found, tmp_path / "a.pth")
    with pytest.raises(OctlessonsError, match=sentence):
        weights.read_weights(tmp_path / "a.pth")


# ---------------------------------------------------------------------- importing torchvision


@pytest.mark.slow
def test_torchvision_is_imported_whatever_torch_it_was_built_for():
    code = (
        "from octlessons import _optional; tv = _optional.import_torchvision(); "
        "import torchvision, torch; assert torchvision is tv is _optional.import_torchvision(); "
        "network = torchvision.models.squeezenet1_1().eval(); "
        "print(tuple(network(torch.zeros(1, 3, 64, 64)).shape)); "
        "print(torchvision.extension._has_ops(), len(_optional._LIBRARIES))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    shape, _, declared = told.stdout.partition("\n")
    assert shape == "(1, 1000)", told.stderr
    assert declared.split() in (["True", "0"], ["False", "1"])  # only where they are missing


def test_what_is_not_installed_is_a_sentence(monkeypatch):
    monkeypatch.setattr(_optional.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OctlessonsError, match=r"torch is not installed.*pip install"):
        _optional.import_torchvision.__wrapped__()
    assert weights_here() == [] and find_weights("efficientnet_b0") is None


def test_what_cannot_be_imported_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setattr(_optional.importlib.util, "find_spec", lambda name: True)
    with pytest.raises(OctlessonsError, match=r"installed but cannot be imported .*pip install"):
        _optional.import_torchvision.__wrapped__()
