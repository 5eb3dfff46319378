def read_table(names, ami, chance, nuisances):
    rows = []
    for i in range(len(names)):
        if ami[i] > chance[i]:
            rows.append((ami[i], names[i]))
    rows.sort(reverse=True)
    said = "nothing"
    for _, name in rows:
        if name == "diagnosis":
            said = "diagnosis"
            break
        if name in nuisances:
            said = "nuisance"
            break
    return [name for _, name in rows], said
