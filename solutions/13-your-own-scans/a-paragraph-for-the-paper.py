"""Write the paragraph on a clustering for a paper, from its numbers.

Three to five sentences of your own, in which a reader finds: how many scans of how many patients
were put into how many groups; whether a number stands out (if none does, the words *no number*);
how well the groups agree when patients are left out; what they follow more than by chance, and
what chance reaches; and that groups are *not diagnoses*.
"""


def paragraph(n_scans, n_patients, k, stands_out, stability, followed):
    """Return the paragraph as a text.

    Parameters
    ----------
    n_scans, n_patients, k : int
        Scans, patients and groups; as digits in the text, without separators.
    stands_out : bool
        Whether a number of groups stands out. If not, the text says *no number*; if so, it must
        not.
    stability : float
        Agreement (ARI) with patients left out; with two decimals in the text.
    followed : list of tuple of (str, float, float)
        Name, AMI, and the AMI that chance reaches. Those beyond chance come into the text,
        strongest first, each with its AMI and chance in two decimals; the others are not named.
        If there is none, the text says *nothing*; else it must not.

    Returns
    -------
    str
        With the words *not diagnoses* in it.

    Examples
    --------
    >>> text = paragraph(90, 31, 4, False, 0.5, [("site", 0.25, 0.125), ("tilt", 0.03, 0.11)])
    >>> [part in text.lower() for part in ("90", "31", "no number", "0.50", "site", "0.25", "tilt")]
    [True, True, True, True, True, True, False]
    """
    # solution: one sentence for each thing that must be said; names beyond chance, strongest first
    beyond = sorted((row for row in followed if row[1] > row[2]), key=lambda row: -row[1])
    told = [f"{name} (AMI {ami:.2f}, chance {chance:.2f})" for name, ami, chance in beyond]
    follow = "they follow " + ", then ".join(told) if told else "they follow nothing"
    chosen = "That number stands out." if stands_out else "No number of groups stands out."
    return (
        f"{n_scans} scans of {n_patients} patients were put into {k} groups. {chosen} With "
        f"patients left out, the groups agree by ARI {stability:.2f}. Of what is known, {follow} "
        "more than by chance. Groups are not diagnoses."
    )
    # end of solution
