"""Classifiers of torchvision without their head: from an image to a row of features.

The head is the last layer with weights, the one that turns features into the scores of the
classes. It is found by its place, not by name, so this holds for every classifier: what is left
gives the row that the head would have been shown. Where that is a map of features rather than a row
(SqueezeNet, whose head is a convolution), it is averaged over the map.
"""

from __future__ import annotations

import re
from pathlib import Path

from octlessons._optional import import_torchvision
from octlessons.errors import OctlessonsError
from octlessons.representations.weights import Weights, read_weights

#: Names under which early checkpoints of DenseNet keep their layers.
_DENSENET = re.compile(
    r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_mean|running_var))$"
)
_MISMATCH = re.compile(r"size mismatch for (\S+): .*?shape torch\.Size\(\[(.*?)\]\)")
_AUXILIARY = re.compile(r"^(aux\d|AuxLogits)\.")
_TOLD = 4  # names in a sentence


def load_backbone(weights: Weights, pooled: bool = True):
    """Build a classifier, load its weights and take its head off: images (n, 3, h, w) to rows.

    Nothing but the head may be missing in the file, so no layer ever keeps random weights. Without
    `pooled` the rows are the last maps, flattened; a `ValueError` where the network has none.
    """
    network, head = build_backbone(weights.architecture, weights.entry)
    if not pooled:
        _keep_maps(network, weights.architecture)
    _load(network, head, read_weights(weights.path), weights)
    return network.eval()


def build_backbone(architecture: str, entry=None):
    """Build a classifier without its head, untrained; and the name of the layer taken off.

    `entry` are the published weights that it is for: some are for another size of image. In the
    result ``network.classifier`` is torchvision's own module, with the identity for the head.
    """
    import torch

    models = import_torchvision().models
    entry = entry or models.get_model_weights(architecture).DEFAULT
    options = {"num_classes": len(entry.meta["categories"])}
    if architecture.startswith("vit"):
        options["image_size"] = entry.meta["min_size"][0]
    if architecture in ("googlenet", "inception_v3"):  # as torchvision does for its weights
        options |= {"transform_input": True, "aux_logits": True, "init_weights": False}
    with torch.random.fork_rng():  # the random weights, all replaced, cost nobody their seed
        classifier = models.get_model(architecture, weights=None, **options)
    head = last_layer(classifier)
    parent, _, child = head.rpartition(".")
    setattr(classifier.get_submodule(parent), child, torch.nn.Identity())
    return _backbone_class()(classifier), head


def _keep_maps(network, architecture: str) -> None:
    """Take off the averaging of the last maps as well."""
    from torch import nn

    averages = [
        name
        for name, module in network.classifier.named_modules()
        if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1))
    ]
    after = _after(network.classifier, averages[-1]) if averages else []
    if not averages or any(isinstance(module, nn.Linear | nn.Conv2d) for module in after):
        raise ValueError(
            f"{architecture} does not average its last maps as its last step: leave out pooled=…"
        )
    parent, _, child = averages[-1].rpartition(".")
    setattr(network.classifier.get_submodule(parent), child, nn.Identity())
    network.pooled = False


def _after(network, name: str) -> list:
    """The modules behind one of that name."""
    names = [known for known, _ in network.named_modules()]
    return [network.get_submodule(known) for known in names[names.index(name) + 1 :]]


def last_layer(network) -> str:
    """Name of the last linear or convolutional layer of a network."""
    from torch import nn

    layers = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and not _AUXILIARY.match(name)
    ]
    return layers[-1]


def _backbone_class():
    from torch import nn

    class Backbone(nn.Module):
        def __init__(self, classifier):
            super().__init__()
            self.classifier = classifier
            self.pooled = True

        def forward(self, images):
            features = self.classifier(images)
            if features.ndim == 4 and self.pooled:
                features = features.mean((2, 3))
            return features.flatten(1)

    return Backbone


# ---------------------------------------------------------------------- loading


def _load(network, head: str, tensors: dict, weights: Weights) -> None:
    path, name = weights.path, weights.architecture
    classifier = network.classifier
    wanted = classifier.state_dict()
    tensors = {_DENSENET.sub(r"\1\2", key): value for key, value in tensors.items()}
    if not set(tensors) & set(wanted) and any(f"features.{key}" in wanted for key in tensors):
        tensors = {f"features.{key}": value for key, value in tensors.items()}
    tensors = {k: v for k, v in tensors.items() if not k.startswith(f"{head}.")}
    try:
        result = classifier.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        other = _MISMATCH.findall(str(error))
        if not other:
            raise
        shapes = [f"{key} ({shape.replace(', ', ' × ')})" for key, shape in other]
        raise _unfit(path, name, f"{_listed(shapes, 'has', 'have')} another shape") from error
    missing = [
        key
        for key in result.missing_keys
        if not key.endswith("num_batches_tracked") and not _AUXILIARY.match(key)
    ]
    if missing:
        raise _unfit(path, name, f"{_listed(missing, 'is', 'are')} missing")
    if result.unexpected_keys:
        extra = result.unexpected_keys
        raise _unfit(path, name, f"{_listed(extra, 'is', 'are')} no part of it")
    for auxiliary in ("aux1", "aux2", "AuxLogits"):
        if hasattr(classifier, auxiliary):  # heads for training only
            setattr(classifier, auxiliary, None)


def _unfit(path: Path, architecture: str, what: str) -> OctlessonsError:
    return OctlessonsError(
        f"{path} does not fit {architecture}: {what}. Only the classifier's last layer may be "
        "missing. Give the architecture that these weights belong to, or the weights of this one."
    )


def _listed(names: list[str], one: str, several: str) -> str:
    more = len(names) - _TOLD
    listed = ", ".join(names[:_TOLD]) + (f" and {more} more" if more > 0 else "")
    return f"{listed} {one if len(names) == 1 else several}"
