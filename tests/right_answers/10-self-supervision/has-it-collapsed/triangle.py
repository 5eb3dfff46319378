import numpy as np
from sklearn.metrics.pairwise import cosine_similarity


def spread(embeddings):
    cosines = cosine_similarity(np.float32(embeddings))
    return np.clip(1 - cosines[np.triu_indices(len(cosines), 1)], 0, 2).mean()


def has_collapsed(embeddings, limit=0.02):
    return not spread(embeddings) >= limit
