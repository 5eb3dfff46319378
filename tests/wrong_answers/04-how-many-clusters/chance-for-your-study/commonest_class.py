# says: so that one class serves twice
import numpy as np


def chance_level(labels, k, n_draws, seed):
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(n_draws):
        piles = rng.integers(0, k, size=labels.size)
        right = sum(
            np.bincount(labels[piles == pile]).max() for pile in range(k) if (piles == pile).any()
        )
        scores.append(right / labels.size)
    return float(np.mean(scores)), float(np.quantile(scores, 0.95))
