"""What the three networks are trained to do, batch by batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from experiments.encoder import layers, parts
from experiments.encoder.recipes import Recipe
from octlessons.images.phantoms import CLASS_NAMES
from octlessons.networks.losses import contrastive_loss


def of_layers(recipe: Recipe, model: parts.Averaged, batch) -> Tensor:
    """Lines and tissues are where they were drawn."""
    images, codes, lines, valid = batch
    with torch.no_grad():
        given = layers.altered(images.float() / 255, codes, lines.float(), valid)
    model.average.follow(model.network, recipe.memory)
    return layers.layer_loss(model, *given)


def of_labels(recipe: Recipe, model: parts.Labelled, batch) -> Tensor:
    """Classes, and what each part of the picture shows."""
    images, codes, lines, labels = batch
    n_classes = len(model.prototypes)
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        x, codes = _window(recipe, images, codes, lines)
        target = parts.softened(
            labels, codes, CLASS_NAMES.index("NORMAL"), n_classes, recipe.smoothing
        )
        x = parts.relit(x, codes, recipe.strength)
        dense = parts.shares(codes)
    model.average.follow(model.network, recipe.memory)
    scores, seen = model(x.contiguous(memory_format=torch.channels_last))
    loss = -(target * scores.float().log_softmax(1)).sum(1).mean()
    return loss - recipe.dense * (dense * seen.float().log_softmax(1)).sum(1).mean()


def of_views(recipe: Recipe, model: parts.Viewed, batch) -> Tensor:
    """Two drawings of one slice, each altered, belong together."""
    with torch.no_grad(), torch.autocast(batch[0].device.type, enabled=False):
        views = []
        for given in (batch[:3], batch[3:]):
            x, _ = _window(recipe, *given)
            views.append(parts.relit(x, None, recipe.strength))
    model.average.follow(model.network, recipe.memory)
    rows = model(torch.cat(views).contiguous(memory_format=torch.channels_last))
    return contrastive_loss(*rows.float().chunk(2), recipe.temperature)


def _window(recipe: Recipe, images: Tensor, codes: Tensor, lines: Tensor):
    """The straightened retina, with errors such as the layer network makes."""
    lines = lines.float()
    scans = layers.coarser(parts.shaded(images.float() / 255, codes), share=0.25)
    reach = layers.reach_above(lines[:, 0], lines[:, 2])
    return parts.cut(scans, lines[:, 2], reach, codes, strength=recipe.strength)
