# says: but a nuisance is followed more
def read_table(names, ami, chance, nuisances):
    rows = [(a, n) for a, c, n in zip(ami, chance, names, strict=True) if a > c]
    listed = [n for _, n in sorted(rows, reverse=True)]
    if "diagnosis" in listed:
        return listed, "diagnosis"
    return listed, "nuisance" if any(n in nuisances for n in listed) else "nothing"
