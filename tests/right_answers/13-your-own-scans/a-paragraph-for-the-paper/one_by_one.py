def paragraph(n_scans, n_patients, k, stands_out, stability, followed):
    said = []
    said.append(f"We grouped {n_scans} OCT scans from {n_patients} patients; k = {k}.")
    if stands_out:
        said.append("The choice of k was clear.")
    else:
        said.append("No number of groups was better than the others, so k is arbitrary.")
    said.append(f"Leaving out patients gave a mean ARI of {round(stability, 2):.2f}.")
    rows = []
    for name, ami, chance in followed:
        if ami > chance:
            rows.append((ami, chance, name))
    rows.sort(reverse=True)
    for ami, chance, name in rows:
        said.append(f"Groups depend on {name}: {ami:.2f} against {chance:.2f} by chance.")
    if not rows:
        said.append("Nothing that we asked about is followed beyond chance.")
    said.append("These groups are NOT diagnoses.")
    return "\n".join(said)
