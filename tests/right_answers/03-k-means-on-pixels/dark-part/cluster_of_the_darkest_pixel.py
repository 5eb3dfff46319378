import numpy as np
from scipy.cluster.vq import kmeans2


def dark_share(image, k, seed):
    values = [float(v) for row in image for v in row]
    best = None
    for i in range(10):
        start = np.linspace(min(values), max(values), k) + i
        centres, labels = kmeans2(np.array(values), start, minit="matrix")
        inertia = sum((v - centres[c]) ** 2 for v, c in zip(values, labels))
        if best is None or inertia < best[0]:
            best = inertia, labels
    labels = list(best[1])
    return labels.count(labels[int(np.argmin(values))]) / len(labels)
