# says: A patient is there twice
def count_classes(names):
    patients = {}
    for name in names:
        kind, patient, _ = name.split("-")
        patients.setdefault(kind, []).append(patient)
    return {kind: (len(found), len(set(found))) for kind, found in patients.items()}


def in_several_classes(names):
    pairs = {tuple(name.split("-")[:2]) for name in names}
    return [a for kind, a in pairs for other, b in pairs if a == b and kind != other]
