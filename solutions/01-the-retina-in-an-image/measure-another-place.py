"""Measure how thick the retina is around one column.

`ilm` and `rpe` give, for every column, the row of the upper and of the lower boundary of the
retina. Take the mean thickness over nine columns, four on each side of the one asked for, and
give it in micrometres. Near the edge of the scan there are fewer columns: use those that exist.
"""

import numpy as np


def thickness_at(ilm, rpe, column, axial):
    """Return the mean thickness of the retina around a column.

    Parameters
    ----------
    ilm, rpe : ndarray of float, shape (width,)
        Row of the upper and of the lower boundary in each column.
    column : int
        The middle one of nine columns.
    axial : float
        Height of a pixel in µm.

    Returns
    -------
    float
        Thickness in µm.

    Examples
    --------
    >>> ilm, rpe = np.full(20, 10.0), np.full(20, 60.0)
    >>> float(thickness_at(ilm, rpe, column=2, axial=4.0))
    200.0
    """
    # solution: the mean thickness of the columns that exist, in µm
    first, last = max(0, column - 4), column + 4
    rows = (rpe - ilm)[first : last + 1]
    return np.mean(rows) * axial
    # end of solution
