# says: one with scans in two classes counts in each
def count_classes(names):
    seen, found = set(), {}
    for name in names:
        kind, patient, _ = name.split("-")
        scans, people = found.get(kind, (0, 0))
        found[kind] = (scans + 1, people + (patient not in seen))
        seen.add(patient)
    return found


def in_several_classes(names):
    pairs = {tuple(name.split("-")[:2]) for name in names}
    people = [patient for _, patient in pairs]
    return [patient for patient in set(people) if people.count(patient) > 1]
