# What the site knows
# Chapter 12 · 6 minutes · 5 points
# Write your code where it says TODO, then run:  octlessons check what-the-site-knows
# Stuck?  octlessons hint what-the-site-knows   A wrong number?  octlessons check what-the-site-knows --show
"""Measure how much of the diagnosis the site gives away.

Give every scan the commonest diagnosis of its site, and return the share of scans that are right
that way. A clustering that reaches no more may have found the sites.
"""

import numpy as np


def site_share(labels, sites):
    """Return the share of scans whose diagnosis is the commonest one of their site.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Diagnosis of each scan.
    sites : ndarray of str, shape (n,)
        Where it was taken.

    Returns
    -------
    float
        Above 0, at most 1.

    Examples
    --------
    >>> float(site_share(np.array([0, 0, 1, 1, 1]), np.array(["a", "a", "a", "b", "b"])))
    0.8
    """
    # TODO: in each site count the commonest diagnosis; add up, divide by all scans
    raise NotImplementedError("`site_share` is still to be written.")
