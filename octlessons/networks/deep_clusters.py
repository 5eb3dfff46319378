"""Deep clustering: a trained encoder goes on learning, and pulls its codes into clusters.

After Xie, Girshick and Farhadi, ICML 2016, arXiv:1511.06335 (DEC). There the code has ten numbers
and the autoencoder is fully connected. The kernel has a length of 1, so the unit of the codes
matters: here it is the root mean squared distance of the first codes from their centroids.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from octlessons.networks.base import as_inputs
from octlessons.networks.settings import check_positive, check_whole

if TYPE_CHECKING:
    import torch

#: Rounds of `deep_clusters`, and steps in each; the target is set anew at the start of a round.
ROUNDS, STEPS = 12, 5


@dataclass(frozen=True)
class DeepClusters:
    """What `deep_clusters` found.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
        Cluster of each image, from 0.
    shares : ndarray of float, shape (n, n_clusters)
        Share of each image in each cluster; rows sum to 1.
    codes : ndarray of float, shape (n, d)
        Codes after training, in the unit of `deep_clusters`.
    before : ndarray of float, shape (n, n_clusters)
        The shares at the start.
    losses : ndarray of float
        Loss of each step.
    """

    labels: np.ndarray
    shares: np.ndarray
    codes: np.ndarray
    before: np.ndarray
    losses: np.ndarray


def soft_assignment(codes: torch.Tensor, centroids: torch.Tensor) -> torch.Tensor:
    """Share of each code in each cluster: 1 / (1 + squared distance), divided by the sum.

    Parameters
    ----------
    codes : torch.Tensor, shape (n, d)
    centroids : torch.Tensor, shape (k, d)

    Returns
    -------
    torch.Tensor, shape (n, k)
        Rows sum to 1. The kernel is Student's t with one degree of freedom (Xie et al. 2016).
    """
    near = 1 / (1 + (codes[:, None] - centroids).square().sum(dim=-1))
    return near / near.sum(dim=1, keepdim=True)


def target_distribution(shares):
    """Shares as they ought to become: squared, divided by the size of the cluster, summing to 1.

    Parameters
    ----------
    shares : torch.Tensor or ndarray, shape (n, k)
        Rows sum to 1.

    Returns
    -------
    torch.Tensor or ndarray, shape (n, k)
        What is sure becomes surer; large clusters get no more than small ones.
    """
    weights = shares**2 / shares.sum(0)
    return weights / weights.sum(1)[:, None]


def deep_clusters(
    coder,
    X,
    n_clusters: int,
    *,
    learning_rate_init: float = 1e-2,
    rounds: int = ROUNDS,
    random_state: int = 0,
) -> DeepClusters:
    """Train an encoder further, so that its codes fall into clusters (DEC).

    K-means of the codes gives the first centroids. In each round the shares of all images are
    sharpened into a target, then encoder and centroids take five steps (Adam) towards it: down the
    Kullback-Leibler divergence from the target. The decoder is not used any more.

    Parameters
    ----------
    coder : ConvAutoencoder
        Trained; it is left as it is.
    X : as for its `fit`
        All at once, so some hundred images.
    n_clusters : int
    learning_rate_init : float
    rounds : int
    random_state : int
        Of K-means.

    Returns
    -------
    DeepClusters

    Raises
    ------
    ValueError
        If a parameter is out of range.
    """
    import torch

    check_is_fitted(coder, "network_")
    check_whole("n_clusters", n_clusters, 2)
    check_whole("rounds", rounds, 1)
    check_positive("learning_rate_init", learning_rate_init)
    images, encoder = _ready(coder, X)
    centroids, unit = _first_centroids(encoder, images, n_clusters, random_state)
    optimiser = torch.optim.Adam([*encoder.parameters(), centroids], lr=learning_rate_init)

    losses, before = [], None
    for _ in range(rounds):
        with torch.no_grad():
            now = soft_assignment(encoder(images) / unit, centroids)
        target, before = target_distribution(now), now if before is None else before
        for _ in range(STEPS):
            shares = soft_assignment(encoder(images) / unit, centroids)
            loss = (target * (target / shares).log()).sum(dim=1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
    with torch.no_grad():
        last = soft_assignment(encoder(images) / unit, centroids).numpy()
        rows = (encoder(images) / unit).numpy()
    return DeepClusters(last.argmax(1), last, rows, before.numpy(), np.array(losses))


def _ready(coder, X):
    """Images as a tensor, and a copy of the encoder that gives rows."""
    import torch

    images = as_inputs(torch.from_numpy(np.rint(coder.prepare(X) * 255).astype(np.uint8)))
    encoder = copy.deepcopy(coder.network_["encoder"])
    return images, torch.nn.Sequential(encoder, torch.nn.Flatten()).eval()


def _first_centroids(encoder, images, n_clusters: int, random_state: int):
    """Centroids of K-means as something to train, and the unit in which they are counted."""
    import torch
    from sklearn.cluster import KMeans

    with torch.no_grad():
        codes = encoder(images).numpy()
    found = KMeans(n_clusters, n_init=10, random_state=random_state).fit(codes)
    unit = max(float(np.sqrt(found.inertia_ / len(codes))), 1e-12)
    return torch.nn.Parameter(torch.from_numpy(found.cluster_centers_).float() / unit), unit
