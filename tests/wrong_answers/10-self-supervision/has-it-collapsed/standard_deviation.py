# says: standard deviation
import numpy as np


def spread(embeddings):
    return float(np.std(embeddings, axis=0).mean())


def has_collapsed(embeddings, limit=0.02):
    return spread(embeddings) < limit
