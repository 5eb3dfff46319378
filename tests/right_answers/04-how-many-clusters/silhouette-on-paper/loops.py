import math


def silhouette_of(points, labels, i):
    means = {}
    for j, (point, label) in enumerate(zip(points, labels)):
        if j != i:
            means.setdefault(int(label), []).append(math.dist(point, points[i]))
    own = means.pop(int(labels[i]), None)
    if own is None:
        return 0
    a = sum(own) / len(own)
    b = min(sum(d) / len(d) for d in means.values())
    return (b - a) / a if a > b else (b - a) / b
