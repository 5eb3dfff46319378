# says: standard deviation
import numpy as np


def spread(embeddings):
    return min(2.0, float(np.std(embeddings, axis=0).mean()))


def has_collapsed(embeddings, limit=0.02):
    return spread(embeddings) < limit
