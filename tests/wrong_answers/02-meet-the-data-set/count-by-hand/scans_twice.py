# says: a patient with two scans counts once
def count_classes(names):
    counts = {}
    for name in names:
        kind = name.split("-")[0]
        n = counts.get(kind, (0, 0))[0] + 1
        counts[kind] = (n, n)
    return counts


def in_several_classes(names):
    return []
