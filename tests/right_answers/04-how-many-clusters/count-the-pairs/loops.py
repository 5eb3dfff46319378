def pair_counts(a, b):
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for i in range(len(a)):
        for j in range(i):
            counts[bool(a[i] == a[j]), bool(b[i] == b[j])] += 1
    return list(counts.values())


def ari(a, b):
    n11, n10, n01, n00 = pair_counts(a, b)
    pairs = n11 + n10 + n01 + n00
    expected = (n11 + n10) * (n11 + n01) / pairs
    most = (2 * n11 + n10 + n01) / 2
    return (n11 - expected) / (most - expected)
