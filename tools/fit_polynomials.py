#!/usr/bin/env python3
"""Prints the polynomial coefficients of kernels/math, fitted in 60 digits.

Near-minimax by weighted interpolation at Chebyshev nodes (the last few per cent of a true
minimax fit are far below one float ulp). Needs mpmath. Run it to see where a constant comes from:

    python3 tools/fit_polynomials.py
"""
import mpmath as mp

mp.mp.dps = 60


def fit(function, low, high, degree, weight=lambda x: mp.mpf(1)):
    """Coefficients c[0..degree] of the interpolant of function on [low, high], power basis."""
    n = degree + 1
    nodes = [(low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    matrix = mp.matrix(n, n)
    right = mp.matrix(n, 1)
    for i, x in enumerate(nodes):
        for j in range(n):
            matrix[i, j] = x ** j
        right[i] = function(x)
    solution = mp.lu_solve(matrix, right)
    coefficients = [solution[i] for i in range(n)]
    worst = mp.mpf(0)
    for i in range(2001):
        x = low + (high - low) * i / 2000
        value = mp.polyval(coefficients[::-1], x)
        worst = max(worst, abs((value - function(x)) * weight(x)))
    return coefficients, worst


def show(name, coefficients, worst, digits):
    print(f"// {name}: worst fit error {mp.nstr(worst, 3)}")
    print(", ".join(mp.nstr(c, digits) for c in coefficients))


def expm1_tail(r):
    """(exp(r) - 1 - r) / r^2, analytic at 0."""
    return mp.hyp1f1(1, 3, r) / 2


def log1p_tail(f):
    """(log(1+f) - f) / f^2, analytic at 0."""
    if abs(f) < mp.mpf("1e-25"):
        return mp.mpf(-1) / 2
    return (mp.log1p(f) - f) / f ** 2


def atanh_tail(z):
    """(atanh(s)/s - 1) / s^2 with z = s^2."""
    if z < mp.mpf("1e-40"):
        return mp.mpf(1) / 3
    s = mp.sqrt(z)
    return (mp.atanh(s) / s - 1) / z


def upper_tail_scaled(x, c):
    """Q(y) exp(y^2/2) as a function of x = y / (1 + c y)."""
    y = x / (1 - c * x)
    return mp.erfc(y / mp.sqrt(2)) / 2 * mp.exp(y * y / 2)


def normal_over_x_central(w):
    """Inverse normal CDF over x, x = 1 - 2p, w = -log(1 - x^2), as a function of w."""
    x = mp.sqrt(-mp.expm1(-w)) if w > 0 else mp.mpf(0)
    if x < mp.mpf("1e-20"):
        return mp.sqrt(mp.pi / 2)
    return mp.sqrt(2) * mp.erfinv(x) / x


def normal_over_x_tail(s):
    """The same as a function of s = sqrt(w)."""
    return normal_over_x_central(s * s)


if __name__ == "__main__":
    half = mp.log(2) / 2
    show("expm1 float: r + r^2 p(r)", *fit(expm1_tail, -half, half, 5), 10)
    show("expm1 double: r + r^2 p(r)", *fit(expm1_tail, -half, half, 11), 20)
    show("exp2 float: p(r)", *fit(lambda r: mp.mpf(2) ** r, mp.mpf(-1) / 2, mp.mpf(1) / 2, 6), 10)
    root = mp.sqrt(mp.mpf(1) / 2)
    show("log1p float: f + f^2 p(f)", *fit(log1p_tail, root - 1, mp.sqrt(2) - 1, 8), 10)
    bound = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2
    show("atanh double: s + s^3 p(s^2)", *fit(atanh_tail, mp.mpf(0), bound, 7), 20)
    c = mp.mpf(9) / 32
    show("scaled upper tail float, p(x), x in [0, 12/(1 + 12 c)], c = 9/32",
         *fit(lambda x: upper_tail_scaled(x, c), mp.mpf(0), 12 / (1 + 12 * c), 8), 10)
    c = mp.mpf(1) / 4
    middle = mp.mpf(1) / 2
    show("scaled upper tail double, p(u), u = 1/2 - x/4, x in [0, 38/(1 + 38 c)], c = 1/4",
         *fit(lambda u: upper_tail_scaled((middle - u) * 4, c), middle - 38 * c / (1 + 38 * c), middle, 23), 20)
    mp.mp.dps = 40
    show("normal quantile central float, p(w - 3), w in [0, 6]",
         *fit(lambda v: normal_over_x_central(v + 3), mp.mpf(-3), mp.mpf(3), 9), 10)
    show("normal quantile tail float, p(s - 3.5), s in [sqrt 6, 4.66]",
         *fit(lambda v: normal_over_x_tail(v + mp.mpf("3.5")), mp.sqrt(6) - mp.mpf("3.5"), mp.mpf("1.16"), 8), 10)
