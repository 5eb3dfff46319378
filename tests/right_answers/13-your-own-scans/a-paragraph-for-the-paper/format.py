TEXT = """Scans: {} (patients: {}). Groups: {}. {} The adjusted Rand index is {:.2f} when a fifth of
the patients is left out. {} The groups are
not diagnoses."""


def paragraph(n_scans, n_patients, k, stands_out, stability, followed):
    found = [row for row in followed if row[1] - row[2] > 0]
    found.sort(key=lambda row: row[1], reverse=True)
    parts = ["{}: AMI {:.2f} (up to {:.2f})".format(*row) for row in found]
    last = "; ".join(parts) + "." if parts else "They follow nothing."
    first = "" if stands_out else "There is no number that is best."
    return TEXT.format(n_scans, n_patients, k, first, stability, last)
