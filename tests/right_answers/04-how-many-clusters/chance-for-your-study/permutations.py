from itertools import permutations
import random
import statistics


def chance_level(labels, k, n_draws, seed):
    draw = random.Random(seed)
    labels = [int(label) for label in labels]
    values = []
    for _ in range(n_draws):
        table = [[0] * k for _ in range(k)]
        for label in labels:
            table[draw.randrange(k)][label] += 1
        best = max(sum(table[i][p] for i, p in enumerate(order)) for order in permutations(range(k)))
        values.append(best / len(labels))
    values.sort()
    place = 0.95 * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return statistics.mean(values), values[low] + (place - low) * (values[high] - values[low])
