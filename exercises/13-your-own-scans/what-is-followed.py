# What do the groups follow?
# Chapter 13 · 7 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check what-is-followed
# Stuck?  octlessons hint what-is-followed   A wrong number?  octlessons check what-is-followed --show
"""Read the table of a report: what do the groups follow?

Each row has a name, an AMI, and the AMI that chance reaches. List what the groups follow more than
by chance, strongest first. Then decide: does the table let you speak of the diagnosis, or does a
nuisance explain the groups as well or better?
"""

import numpy as np


def read_table(names, ami, chance, nuisances):
    """Return what is followed, and what the groups may be said to show.

    Parameters
    ----------
    names : list of str
        What each row is about; one of them is ``"diagnosis"``.
    ami : ndarray of float, shape (n,)
        Agreement of the groups with it; NaN where it could not be asked.
    chance : ndarray of float, shape (n,)
        What chance reaches in this row. Things with many values reach more by chance.
    nuisances : list of str
        The rows that would be bad news, such as ``"white side"``. Others, such as thickness, may
        be part of a disease: they are listed, and decide nothing.

    Returns
    -------
    tuple of list of str and str
        The rows with more than chance, strongest first; and ``"diagnosis"`` if it is among them
        and no nuisance among them has a larger AMI, else ``"nuisance"`` if a nuisance is among
        them, else ``"nothing"``.

    Examples
    --------
    >>> table = ["diagnosis", "site", "tilt"], np.array([0.3, 0.5, 0.1]), np.array([0.1, 0.1, 0.1])
    >>> read_table(*table, ["site", "tilt"])
    (['site', 'diagnosis'], 'nuisance')
    """
    # TODO: rows beyond chance, sorted; then compare the diagnosis with the nuisances among them
    raise NotImplementedError("`read_table` is still to be written.")
