# says: It names something that chance explains
def paragraph(n_scans, n_patients, k, stands_out, stability, followed):
    rows = sorted(followed, key=lambda row: -row[1])
    told = ", ".join(f"{n} {a:.2f} ({c:.2f})" for n, a, c in rows) or "nothing"
    chosen = "It stands out." if stands_out else "No number stands out."
    return (
        f"{n_scans} scans of {n_patients} patients in {k} groups. {chosen} ARI {stability:.2f}. "
        f"They follow {told}. Groups are not diagnoses."
    )
