import random


def best_by_chance(n_scans, n_attempts, n_repeats, seed):
    coin = random.Random(seed)
    total = 0.0
    for _ in range(n_repeats):
        best = 0
        for _ in range(n_attempts):
            best = max(best, bin(coin.getrandbits(n_scans)).count("1"))
        total += best / n_scans
    return total / n_repeats
