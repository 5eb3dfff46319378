import numpy as np


def spread(embeddings):
    values = []
    for i in range(len(embeddings)):
        for j in range(i):
            a, b = embeddings[i], embeddings[j]
            values.append(1 - a @ b / (np.sqrt(a @ a) * np.sqrt(b @ b)))
    return sum(values) / len(values)


def has_collapsed(embeddings, limit=0.02):
    return spread(embeddings) < limit
