import math


def calibration_error(labels, probabilities, n_bins):
    bins = {}
    for label, row in zip(labels, probabilities.tolist()):
        sure = max(row)
        bins.setdefault(math.ceil(sure * n_bins), []).append(sure - (row.index(sure) == label))
    return sum(abs(sum(gaps)) for gaps in bins.values()) / len(labels)
