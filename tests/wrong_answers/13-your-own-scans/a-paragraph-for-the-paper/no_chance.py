# says: It gives the AMI without what chance reaches
def paragraph(n_scans, n_patients, k, stands_out, stability, followed):
    rows = sorted((row for row in followed if row[1] > row[2]), key=lambda row: -row[1])
    told = ", ".join(f"{n} (AMI {a:.2f})" for n, a, c in rows) or "nothing"
    chosen = "It stands out." if stands_out else "No number stands out."
    return (
        f"{n_scans} scans of {n_patients} patients in {k} groups. {chosen} ARI {stability:.2f}. "
        f"They follow {told}. Groups are not diagnoses."
    )
