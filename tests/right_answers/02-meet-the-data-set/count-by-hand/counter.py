from collections import Counter


def _parts(names):
    return [name.removesuffix(".jpeg").split("-")[:2] for name in names]


def count_classes(names):
    scans = Counter(kind for kind, _ in _parts(names))
    people = Counter(kind for kind, _ in {tuple(pair) for pair in _parts(names)})
    return {kind: [scans[kind], people[kind]] for kind in sorted(scans)}


def in_several_classes(names):
    people = Counter(person for _, person in {tuple(pair) for pair in _parts(names)})
    return sorted(person for person, n in people.items() if n >= 2)
