# Count by hand
# Chapter 2 · 12 minutes · 5 points · further
# Write your code where it says TODO, then run:  octlessons check count-by-hand
# Stuck?  octlessons hint count-by-hand   A wrong number?  octlessons check count-by-hand --show
"""Count scans and patients from the names of files, without the library.

Names look like ``DME-7-2.jpeg``: class, patient, number of the scan. Count scans and patients of
each class, and find the patients that appear in more than one class.
"""


def count_classes(names):
    """Count the scans and the patients of each class.

    Parameters
    ----------
    names : list of str
        File names ``CLASS-patient-number.jpeg``.

    Returns
    -------
    dict of str to tuple of int
        For each class the number of its scans and of its patients. A patient with scans in two
        classes counts in each.

    Examples
    --------
    >>> count_classes(["DME-7-1.jpeg", "DME-7-2.jpeg", "CNV-8-1.jpeg"])
    {'DME': (2, 1), 'CNV': (1, 1)}
    """
    # TODO: scans and patients of each class
    raise NotImplementedError("`count_classes` is still to be written.")


def in_several_classes(names):
    """List the patients that have scans in more than one class.

    Parameters
    ----------
    names : list of str
        As for `count_classes`.

    Returns
    -------
    list of str
        The patients, each once, in any order; a list, not a set.

    Examples
    --------
    >>> in_several_classes(["DME-7-1.jpeg", "DME-9-1.jpeg", "DRUSEN-7-3.jpeg"])
    ['7']
    """
    # TODO: who is in more than one class?
    raise NotImplementedError("`in_several_classes` is still to be written.")
