import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import PolynomialFeatures


def bump_left(line, degree):
    x = np.linspace(0, 1, len(line))[:, None]
    table = PolynomialFeatures(degree).fit_transform(x)
    curve = LinearRegression().fit(table, line).predict(table)
    return max(abs(a - b) for a, b in zip(curve, line))
