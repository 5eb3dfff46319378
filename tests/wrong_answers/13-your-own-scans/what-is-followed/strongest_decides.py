# says: thickness is no nuisance
def read_table(names, ami, chance, nuisances):
    rows = [(a, n) for a, c, n in zip(ami, chance, names, strict=True) if a > c]
    listed = [n for _, n in sorted(rows, reverse=True)]
    if not listed:
        return listed, "nothing"
    return listed, "diagnosis" if listed[0] == "diagnosis" else "nuisance"
