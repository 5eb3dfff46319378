import numpy as np


def pooled_features(images, filters):
    (n, h, w), (f, a, b) = images.shape, filters.shape
    out = []
    for image in images:
        row = []
        for kernel in filters:
            total, places = 0.0, 0
            for y in range(h - a + 1):
                for x in range(w - b + 1):
                    total += max(0.0, float(np.sum(image[y : y + a, x : x + b] * kernel)))
                    places += 1
            row.append(total / places)
        out.append(row)
    return out
