# says: sort them by their AMI
def read_table(names, ami, chance, nuisances):
    rows = {n: a for n, a, c in zip(names, ami, chance, strict=True) if a > c}
    bad = [a for n, a in rows.items() if n in nuisances]
    if "diagnosis" in rows and rows["diagnosis"] >= max(bad, default=0):
        return list(rows), "diagnosis"
    return list(rows), "nuisance" if bad else "nothing"
