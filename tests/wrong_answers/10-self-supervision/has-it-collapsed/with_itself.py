# says: a row with itself
import numpy as np


def spread(embeddings):
    rows = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    return 1 - (rows @ rows.T).mean()


def has_collapsed(embeddings, limit=0.02):
    return bool(spread(embeddings) < limit)
