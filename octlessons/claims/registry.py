"""All published claims that the course repeats, by their names."""

from __future__ import annotations

from octlessons.claims import (
    autoencoder_mse,
    cnn_8933,
    efficientnet_clusters,
    pca_257,
    silhouette_k2,
    skin_augmentation,
)

#: Every claim by its name, in the order of the lessons.
CLAIMS = {
    module.CLAIM.id: module.CLAIM
    for module in (
        pca_257,
        silhouette_k2,
        efficientnet_clusters,
        autoencoder_mse,
        cnn_8933,
        skin_augmentation,
    )
}
