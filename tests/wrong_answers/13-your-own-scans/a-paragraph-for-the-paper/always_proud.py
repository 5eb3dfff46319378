# says: It hides that no number of groups stands out
def paragraph(n_scans, n_patients, k, stands_out, stability, followed):
    rows = sorted((row for row in followed if row[1] > row[2]), key=lambda row: -row[1])
    told = ", ".join(f"{n} {a:.2f} ({c:.2f})" for n, a, c in rows) or "nothing"
    return (
        f"{n_scans} scans of {n_patients} patients in {k} groups, which stand out, ARI "
        f"{stability:.2f}. They follow {told}. Groups are not diagnoses."
    )
