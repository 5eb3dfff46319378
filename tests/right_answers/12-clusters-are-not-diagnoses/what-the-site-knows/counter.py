from collections import Counter


def site_share(labels, sites):
    counts = {}
    for label, site in zip(labels, sites):
        counts.setdefault(str(site), Counter())[int(label)] += 1
    return sum(c.most_common(1)[0][1] for c in counts.values()) / len(labels)
