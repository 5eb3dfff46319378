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
    # solution: scans and patients of each class
    patients = {}
    for name in names:
        kind, patient, _ = name.split("-")
        patients.setdefault(kind, []).append(patient)
    return {kind: (len(found), len(set(found))) for kind, found in patients.items()}
    # end of solution


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
    # solution: who is in more than one class?
    classes = {}
    for name in names:
        kind, patient, _ = name.split("-")
        classes.setdefault(patient, set()).add(kind)
    return [patient for patient, kinds in classes.items() if len(kinds) > 1]
    # end of solution
