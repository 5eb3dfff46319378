# says: Chance was left out
def read_table(names, ami, chance, nuisances):
    rows = sorted(((a, n) for a, n in zip(ami, names, strict=True) if a > 0), reverse=True)
    listed = [n for _, n in rows]
    for name in listed:
        if name == "diagnosis":
            return listed, "diagnosis"
        if name in nuisances:
            return listed, "nuisance"
    return listed, "nothing"
