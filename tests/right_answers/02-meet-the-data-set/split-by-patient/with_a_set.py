import random


def split_patients(patients, test_size, seed):
    names = sorted(set(str(p) for p in patients))
    random.Random(seed).shuffle(names)
    n = int(round(len(names) * test_size))
    n = min(max(n, 1), len(names) - 1)
    test = set(names[:n])
    return [str(p) in test for p in patients]
