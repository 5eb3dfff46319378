import math


def strangeness(features, patients, k):
    values = []
    for row, own in zip(features, patients):
        far = sorted(math.dist(row, r) for r, p in zip(features, patients) if p != own)
        values.append(sum(far[:k]) / k)
    return values


def odd_ones(features, patients, k, factor):
    values = strangeness(features, patients, k)
    middle = sorted(values)
    n = len(middle)
    median = (middle[(n - 1) // 2] + middle[n // 2]) / 2
    odd = [i for i in range(n) if values[i] / median > factor]
    return sorted(odd, key=values.__getitem__, reverse=True)
