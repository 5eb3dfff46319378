# says: several scans in one class are not several classes
def count_classes(names):
    patients = {}
    for name in names:
        kind, patient, _ = name.split("-")
        patients.setdefault(kind, []).append(patient)
    return {kind: (len(found), len(set(found))) for kind, found in patients.items()}


def in_several_classes(names):
    people = [name.split("-")[1] for name in names]
    return sorted({person for person in people if people.count(person) > 1})
