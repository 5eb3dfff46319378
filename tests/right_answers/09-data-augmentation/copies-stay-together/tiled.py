import random


def sources(patients, copies, seed):
    names = sorted({str(p) for p in patients})
    test_names = set(random.Random(seed).sample(names, len(names) // 2))
    test = [i for i, p in enumerate(patients) if str(p) in test_names]
    train = [i for i, p in enumerate(patients) if str(p) not in test_names]
    return train * (copies + 1), test
