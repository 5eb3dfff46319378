# The paragraph for the paper
# Chapter 13 · 6 minutes · 6 points
# Write your code where it says TODO, then run:  octlessons check a-paragraph-for-the-paper
# Stuck?  octlessons hint a-paragraph-for-the-paper   A wrong number?  octlessons check a-paragraph-for-the-paper --show
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
    # TODO: one sentence for each thing that must be said; names beyond chance, strongest first
    raise NotImplementedError("`paragraph` is still to be written.")
