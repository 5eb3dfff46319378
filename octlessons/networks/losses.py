"""Losses: what the networks are trained to make small.

`mse`, `ssim_loss` and `Perceptual` take two tensors (n, channels, h, w) in 0…1, rebuilt images and
their originals; `contrastive_loss` and `vicreg_loss` take two tensors (n, d), the projections of
two views of each image. All give a scalar tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

#: Side, in pixels, of the window of `ssim`.
SSIM_WINDOW = 7


def mse(rebuilt: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of the pixels."""
    return ((rebuilt - images) ** 2).mean()


def ssim(rebuilt: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Structural similarity of each pair of images, shape (n,): 1 for equal ones, can be negative.

    Windows of 7 × 7 pixels, sample covariance, borders left out: the number that
    ``skimage.metrics.structural_similarity(…, data_range=1)`` gives (Wang, Bovik, Sheikh and
    Simoncelli 2004, IEEE Transactions on Image Processing 13, 600–612).
    """
    import torch

    if min(images.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"SSIM compares windows of {SSIM_WINDOW} × {SSIM_WINDOW} px, and these images have "
            f"{images.shape[-2]} × {images.shape[-1]} px: take larger ones, or loss='mse'."
        )
    both = torch.stack([rebuilt, images, rebuilt**2, images**2, rebuilt * images])
    down, across = (_averaging(side, both) for side in images.shape[-2:])
    x, y, xx, yy, xy = down @ both @ across.T  # faster than pooling, forwards and back
    n = SSIM_WINDOW**2
    var_x, var_y, cov = (n / (n - 1) * part for part in (xx - x**2, yy - y**2, xy - x * y))
    c1, c2 = 0.01**2, 0.03**2
    similar = (2 * x * y + c1) * (2 * cov + c2)
    similar = similar / ((x**2 + y**2 + c1) * (var_x + var_y + c2))
    return similar.mean(dim=(1, 2, 3))


def _averaging(side: int, like: torch.Tensor) -> torch.Tensor:
    """Matrix that turns `side` numbers into the means of their windows."""
    import torch

    n_windows = side - SSIM_WINDOW + 1
    matrix = torch.ones(n_windows, side, dtype=like.dtype, device=like.device)
    return matrix.triu().tril(SSIM_WINDOW - 1) / SSIM_WINDOW


def ssim_loss(rebuilt: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """One less the structural similarity, averaged over the images."""
    return 1 - ssim(rebuilt, images).mean()


class Perceptual:
    """Difference of what a trained network sees in two images, and of their pixels.

    The squared difference of feature maps, relative to the maps of the original, averaged over the
    images themselves and over the maps of three scales: 0 is equal, and 1 is as far off as seeing
    nothing. Pixels are among what is compared because feature maps alone leave brightness open
    (Johnson, Alahi and Fei-Fei 2016, ECCV, doi 10.1007/978-3-319-46475-6_43).

    Parameters
    ----------
    network : str, default "auto"
        ``"phantoms"`` for the shipped network of `PhantomEncoder`, or the name of a classifier of
        torchvision whose weights are on this machine. ``"auto"`` takes the best known of these,
        and the shipped network where there are none.

    Attributes
    ----------
    name, sha256 : str
        Which network it is, and the checksum of its weights.

    Raises
    ------
    OctlessonsError
        If the weights asked for are not here.
    """

    def __init__(self, network: str = "auto"):
        from octlessons.networks.feature_maps import EncoderMaps, PretrainedMaps

        if network == "auto":
            from octlessons.representations.weights import weights_here

            network = next(iter(weights_here()), "phantoms")
        self._maps = EncoderMaps() if network == "phantoms" else PretrainedMaps(network)
        self.name, self.sha256 = self._maps.name, self._maps.sha256

    def __call__(self, rebuilt: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Mean difference of two tensors (n, channels, h, w) in 0…1, a scalar."""
        import torch

        with torch.no_grad():
            wanted = [images, *self._maps(images)]
        seen = [rebuilt, *self._maps(rebuilt)]
        parts = []
        for a, b in zip(seen, wanted, strict=True):
            size = (b**2).mean(dim=(1, 2, 3)).clamp_min(1e-4)
            parts.append((((a - b) ** 2).mean(dim=(1, 2, 3)) / size).mean())
        return torch.stack(parts).mean()


def contrastive_loss(first, second, temperature: float = 0.2, groups=None):
    """Return the loss of SimCLR (NT-Xent): find the other view among all others.

    For every view, the cosine similarities to all other views of the batch, divided by the
    temperature, are turned into probabilities (softmax). The loss is the mean of -ln of the
    probability of the right one.

    Parameters
    ----------
    first, second : torch.Tensor, shape (n, d)
        Row i of both comes from image i. They are brought to length 1 here.
    temperature : float
    groups : torch.Tensor of int, shape (n,), optional
        Images of the same group are left out of each other's sums, so that they are not pushed
        apart.

    Returns
    -------
    torch.Tensor
        A scalar; ln(2n - 1) when all similarities are equal.

    Examples
    --------
    >>> import torch
    >>> same = torch.eye(2)
    >>> round(contrastive_loss(same, same, temperature=1.0).item(), 4)  # -ln(e / (e + 2))
    0.5514
    """
    import torch
    from torch.nn.functional import normalize

    n = len(first)
    views = normalize(torch.cat([first, second]), dim=1)
    scores = views @ views.T / temperature
    each = torch.arange(2 * n, device=views.device)
    partner = (each + n) % (2 * n)
    left_out = torch.eye(2 * n, dtype=torch.bool, device=views.device)
    if groups is not None:
        both = torch.cat([groups, groups])
        left_out = both[:, None] == both[None, :]
        left_out[each, partner] = False
    right = scores[each, partner]
    everyone = scores.masked_fill(left_out, -torch.inf)
    return (torch.logsumexp(everyone, dim=1) - right).mean()


def vicreg_loss(first, second, similar: float = 25.0, varied: float = 25.0, apart: float = 1.0):
    """Return the loss of VICReg: views alike, every number varied, no two numbers redundant.

    Parameters
    ----------
    first, second : torch.Tensor, shape (n, d)
        Row i of both comes from image i.
    similar, varied, apart : float
        Weights of the three parts: mean squared difference of the views, how far each number's
        standard deviation falls short of 1, and squared covariances of different numbers.

    Returns
    -------
    torch.Tensor
        A scalar.
    """
    from torch.nn.functional import mse_loss, relu

    loss = similar * mse_loss(first, second)
    for part in (first, second):
        centred = part - part.mean(dim=0)
        loss = loss + varied / 2 * relu(1 - (centred.var(dim=0) + 1e-4).sqrt()).mean()
        covariance = centred.T @ centred / (len(part) - 1)
        squares = covariance.square()
        loss = loss + apart * (squares.sum() - squares.diagonal().sum()) / part.shape[1]
    return loss
