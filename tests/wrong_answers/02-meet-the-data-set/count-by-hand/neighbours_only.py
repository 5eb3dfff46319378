# says: Only scans side by side are seen as one patient
def count_classes(names):
    scans, people, last = {}, {}, {}
    for name in names:
        kind, patient, _ = name.split("-")
        scans[kind] = scans.get(kind, 0) + 1
        if last.get(kind) != patient:
            people[kind] = people.get(kind, 0) + 1
        last[kind] = patient
    return {kind: (scans[kind], people[kind]) for kind in scans}


def in_several_classes(names):
    classes = {}
    for name in names:
        kind, patient, _ = name.split("-")
        classes.setdefault(patient, set()).add(kind)
    return [patient for patient, kinds in classes.items() if len(kinds) > 1]
