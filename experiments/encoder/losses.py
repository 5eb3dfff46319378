"""What the three networks are trained to do, batch by batch."""

from __future__ import annotations

import torch
from torch import Tensor

from experiments.encoder import layers, parts
from experiments.encoder.recipes import Recipe
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
        target = parts.softened(labels, codes, n_classes, recipe.smoothing)
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
    rows, scores = model(torch.cat(views).contiguous(memory_format=torch.channels_last))
    loss = contrastive_loss(*rows.float().chunk(2), recipe.temperature)
    if recipe.prototypes:
        loss = loss + recipe.swapping * _swapped(*scores.float().chunk(2))
    return loss


def _swapped(first: Tensor, second: Tensor, temperature: float = 0.1) -> Tensor:
    """Each view tells to which prototypes the other belongs: Caron et al., NeurIPS 2020, SwAV."""
    loss = torch.zeros((), device=first.device)
    for given, told in ((first, second), (second, first)):
        loss = loss - (_shared_out(given) * (told / temperature).log_softmax(1)).sum(1).mean()
    return loss / 2


@torch.no_grad()
def _shared_out(scores: Tensor, spread: float = 0.05, rounds: int = 3) -> Tensor:
    """Soft places among the prototypes, so that each takes an equal share (Sinkhorn)."""
    places = torch.exp((scores - scores.max()) / spread)
    for _ in range(rounds):
        places = places / places.sum(0, keepdim=True).clamp(min=1e-9)
        places = places / places.sum(1, keepdim=True).clamp(min=1e-9)
    return places


def _window(recipe: Recipe, images: Tensor, codes: Tensor, lines: Tensor):
    """The straightened retina, with errors such as the layer network makes."""
    lines = lines.float()
    scans = layers.coarser(parts.shaded(images.float() / 255, codes), share=0.25)
    reach = layers.reach_above(lines[:, 0], lines[:, 2])
    return parts.cut(scans, lines[:, 2], reach, codes, strength=recipe.strength)
