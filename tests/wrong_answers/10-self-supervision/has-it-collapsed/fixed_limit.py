# says: The limit is always 0.02
import numpy as np


def spread(embeddings):
    rows = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    n = len(rows)
    return 1 - ((rows @ rows.T).sum() - n) / (n * (n - 1))


def has_collapsed(embeddings, limit=0.02):
    return bool(spread(embeddings) < 0.02)
