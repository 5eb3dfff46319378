import numpy as np
from scipy.signal import convolve


def pooled_features(images, filters):
    images = np.asarray(images, np.float32)
    columns = []
    for kernel in filters:
        turned = kernel[None, ::-1, ::-1].astype(np.float32)
        answer = convolve(images, turned, mode="valid", method="direct")
        columns.append(np.where(answer > 0, answer, 0).reshape(len(images), -1).mean(1))
    return np.stack(columns, axis=1)
