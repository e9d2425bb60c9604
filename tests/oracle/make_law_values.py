#!/usr/bin/env python3
"""Writes tests/laws/law_values.hpp: exact numbers of scenario laws, for tests/laws.

    python3 tests/oracle/make_law_values.py && clang-format -i tests/laws/law_values.hpp

Needs numpy, scipy and mpmath. Nothing here reads the project's code: every law is written down again, and every
number that has two ways to be computed is computed both ways and compared before it is written.
"""
import pathlib
import textwrap

import mpmath as mp
import numpy as np
from scipy import integrate, linalg, optimize, special, stats

OUT = pathlib.Path(__file__).resolve().parent.parent / "laws" / "law_values.hpp"
HOURS = 8760.0  # of a year
N = stats.norm
lines = []


def emit(comment, name, value):
    if comment:
        lines.append("// " + comment)
    lines.append(f"inline constexpr double {name} = {float(value):.15g};")


def rows(comment, struct, fields, name, table):
    lines.extend(["", *textwrap.wrap(comment, 120, initial_indent="// ", subsequent_indent="// ")])
    lines.append(f"struct {struct} {{\n  double {', '.join(fields)};\n}};")
    lines.append(f"inline constexpr {struct} {name}[] = {{")
    for row in table:
        lines.append("    {" + ", ".join(f"{float(v):.15g}" for v in row) + "},")
    lines.append("};")


def agree(a, b, tolerance):
    assert abs(a - b) <= tolerance, (a, b)
    return a


def root(f, low, high):
    return optimize.brentq(f, low, high, xtol=1e-15, rtol=1e-15)


def mixture_tail(weights, means, sds, side, alpha):
    """VaR and ES of the loss -side x, x a mixture of normals; sds may hold zeros nowhere."""
    w, m, s = (np.asarray(v, float) for v in (weights, means, sds))
    m = -side * m
    beyond = lambda q: float(np.dot(w, N.sf((q - m) / s)))
    excess = lambda q: float(np.dot(w, s * N.pdf((q - m) / s) + (m - q) * N.sf((q - m) / s)))
    var = root(lambda q: beyond(q) - alpha, -5.0, 5.0)
    return var, var + excess(var) / alpha


# ---- 1. Regimes: log return over 12 steps of 4 hours, its characteristic function and its tail.
SIGMA = np.array([0.4, 0.9, 2.0])
P4 = np.array([[0.92, 0.06, 0.02], [0.10, 0.85, 0.05], [0.08, 0.12, 0.80]])
START = np.array([0.6, 0.3, 0.1])
DT = 4 / HOURS
MU = -0.5 * SIGMA**2


def regime_phi(us):
    """E exp(i sum u_t r_t) over the steps: product of step matrices; the first step is in the start's regime."""
    row = START.astype(complex)
    for t, u in enumerate(us):
        if t:
            row = row @ P4
        row = row * np.exp(1j * u * MU * DT - 0.5 * u * u * SIGMA**2 * DT)
    return row.sum()


def regime_counts(steps):
    """Probabilities of the numbers of steps spent in each regime."""
    state = {}
    for k in range(3):
        state[k, tuple(int(j == k) for j in range(3))] = START[k]
    for _ in range(steps - 1):
        new = {}
        for (k, n), p in state.items():
            for j in range(3):
                m = tuple(c + (i == j) for i, c in enumerate(n))
                new[j, m] = new.get((j, m), 0.0) + p * P4[k, j]
        state = new
    counts = {}
    for (_, n), p in state.items():
        counts[n] = counts.get(n, 0.0) + p
    return counts


counts = regime_counts(12)
n = np.array(list(counts))
w = np.array([counts[tuple(c)] for c in n])
regime_sd = np.sqrt(n @ (SIGMA**2 * DT))
regime_mean = n @ (MU * DT)
for u in (5.0, 40.0):
    by_counts = np.dot(w, np.exp(1j * u * regime_mean - 0.5 * u * u * regime_sd**2))
    assert abs(by_counts - regime_phi([u] * 12)) < 1e-13
lines.append("// Regimes: vols 0.4, 0.9, 2.0, martingale drift, 12 steps of 4 hours. phi(u) as the product of step matrices;")
lines.append("// the tail from the exact mixture over the numbers of steps in each regime, checked by inversion of phi.")
rows("", "PhiRow", ["u_first_day", "u_second_day", "real", "imaginary"], "regime_phi",
     [(a, b, z.real, z.imag) for a, b in [(5, 5), (15, 15), (40, 40), (80, 80), (30, 0), (0, 30), (25, -25), (40, 20), (-60, 60)]
      for z in [regime_phi([a] * 6 + [b] * 6)]])
for name, side in (("long", 1), ("short", -1)):
    var, es = mixture_tail(w, regime_mean, regime_sd, side, 0.01)
    # Gil-Pelaez: P(x <= y) = 1/2 - 1/pi int_0^inf Im(e^{-iuy} phi(u)) / u du
    y = -side * var
    below = 0.5 - integrate.quad(lambda u: (np.exp(-1j * u * y) * regime_phi([u] * 12)).imag / u, 1e-12, 600, limit=2000,
                                 epsabs=1e-12)[0] / np.pi
    agree(below if side == 1 else 1 - below, 0.01, 1e-8)
    emit("", f"regime_var99_{name}", var)
    emit("", f"regime_es99_{name}", es)

# ---- 6. A daily matrix and its hourly root.
P24 = np.array([[0.97, 0.02, 0.01], [0.10, 0.85, 0.05], [0.05, 0.15, 0.80]])
rates = linalg.logm(P24)
assert all(rates[i, j] > 0 for i in range(3) for j in range(3) if i != j)
hour = linalg.expm(rates / 24)
assert np.abs(np.linalg.matrix_power(hour, 24) - P24).max() < 1e-13
pi = linalg.null_space((P24 - np.eye(3)).T)[:, 0]
pi /= pi.sum()
rows("Occupancy of the chain with the daily matrix of regimes_test.cpp, after a number of hours started with probabilities 0.2, 0.5, 0.3: scipy logm, expm.",
     "OccupancyRow", ["hours", "first", "second", "third"], "occupancies",
     [(h, *(np.array([0.2, 0.5, 0.3]) @ linalg.expm(rates * h / 24))) for h in (0, 1, 7, 23, 24, 36, 48)])
rows("Its stationary law: scipy null_space.", "StationaryRow", ["first", "second", "third"], "stationary_law", [pi])
# The 48-hour variance of a factor that reverts with half life 24 h, in steps of 6 hours, deviations by regime.
quarter = linalg.expm(rates / 4)


def reverting_moments(sd, drift, keep, steps, start):
    """Mean and variance of x' = keep x + drift_k + sd_k Z with a chain: by the moments within each regime."""
    sd, drift = np.asarray(sd), np.asarray(drift)
    p = np.asarray(start, float)
    m1, m2 = np.zeros(3), np.zeros(3)
    for t in range(steps):
        if t:
            p, m1, m2 = p @ quarter, m1 @ quarter, m2 @ quarter
        m1, m2 = keep * m1 + drift * p, keep**2 * m2 + 2 * keep * drift * m1 + (drift**2 + sd**2) * p
    return m1.sum(), m2.sum() - m1.sum() ** 2


DT6 = 6 / HOURS
keep = 0.5 ** (6 / 24)
carry_sd = np.array([0.3, 1.0, 2.5]) * np.sqrt(DT6)
vol_sd = np.array([0.8, 1.5, 3.0]) * np.sqrt(DT6)
start = [0.2, 0.5, 0.3]
table = []
for steps in (1, 4, 8):
    table.append((6 * steps, *reverting_moments(carry_sd, np.full(3, (1 - keep) * 0.05), keep, steps, start),
                  *reverting_moments(vol_sd, (1 - keep) * 0.2 - 0.5 * vol_sd**2, keep, steps, start)))
rows("Reversion with regimes (that chain, steps of 6 hours, half life 24 hours; carry: level 0.05, vols 0.3, 1.0, 2.5; vol: level 0.2, vols 0.8, 1.5, 3.0): recursion of the moments within each regime.",
     "ReversionRow", ["hours", "carry_mean", "carry_variance", "vol_mean", "vol_variance"], "regime_reversion", table)

# ---- 2. Merton: normal plus compound Poisson of normals, one day.
lam, jm, jd, sig = 200 / 365, -0.03, 0.04, 0.6 / np.sqrt(365)
k = np.arange(60)
pk = stats.poisson.pmf(k, lam)
mixture = (pk, jm * k, np.sqrt(sig**2 + jd**2 * k))
lines.append("")
lines.append("// Merton: vol 0.6 and 200 jumps a year of N(-0.03, 0.04^2), one day, no drift: Poisson mixture of normals.")
for side, name in ((1, "long"), (-1, "short")):
    for alpha, level in ((0.01, "99"), (0.001, "999")):
        var, es = mixture_tail(*mixture, side, alpha)
        emit("", f"merton_var{level}_{name}", var)
        emit("", f"merton_es{level}_{name}", es)


def black(s, kk, sd):
    d = np.log(s / kk) / sd + 0.5 * sd
    return s * N.cdf(d) - kk * N.cdf(d - sd)


def merton_call(strike, t, v, lam_, gamma):
    """Merton (1976) with mean-one jumps: delta^2 = gamma v^2 / lambda; S = 100, r = 8 %."""
    kk, total = strike * np.exp(-0.08 * t), 0.0
    for j, p in enumerate(stats.poisson.pmf(np.arange(200), lam_ * t)):
        total += p * black(100.0, kk, np.sqrt((1 - gamma) * v * v * t + gamma * v * v / lam_ * j))
    return total


# Haug, The Complete Guide to Option Pricing Formulas (1998), p. 9, as corrected in QuantLib's test-suite/jumpdiffusion.cpp.
HAUG = {
    (1, 0.25): {80: (20.67, 21.74, 23.63), 90: (11.00, 12.74, 15.40), 100: (3.42, 5.88, 8.95), 110: (0.55, 2.11, 4.67), 120: (0.10, 0.64, 2.23)},
    (10, 0.25): {80: (20.64, 21.70, 23.61), 90: (10.98, 12.75, 15.42), 100: (3.53, 5.97, 9.03), 110: (0.56, 2.17, 4.74), 120: (0.05, 0.62, 2.25)},
    (5, 0.50): {80: (20.66, 21.73, 23.63), 90: (11.02, 12.76, 15.41), 100: (3.39, 5.87, 8.96), 110: (0.58, 2.11, 4.67), 120: (0.10, 0.66, 2.23)},
    (1, 0.75): {80: (20.79, 21.96, 23.86), 90: (11.11, 12.75, 15.30), 100: (2.70, 5.08, 8.24), 110: (0.54, 1.69, 3.99), 120: (0.29, 0.84, 2.09)},
}
table = []
for (intensity, gamma), by_strike in HAUG.items():
    for strike, printed in by_strike.items():
        for t, price in zip((0.1, 0.25, 0.5), printed):
            exact = merton_call(strike, t, 0.25, intensity, gamma)
            agree(exact, price, 0.012)
            table.append((intensity, gamma, strike, t, price, exact))
rows("Merton (1976) calls on S = 100, r = 8 %, vol 25 %: printed by Haug (1998, p. 9; corrected in QuantLib's tests), and the series.",
     "MertonRow", ["per_year", "gamma", "strike", "years", "printed", "series"], "merton_calls", table)


# ---- Mean growth E[exp(a Y)] of the laws of jump size, cut to [-max, max].
def growth(law, location, scale, cut, a):
    mp.mp.dps = 30
    location, scale, cut, a = (mp.mpf(repr(v)) for v in (location, scale, cut, a))
    clamp = lambda y: max(-cut, min(cut, y))
    phi = lambda z: mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)
    if law == 0:
        return mp.exp(a * clamp(location))
    if law == 1:
        kinks = [(-cut - location) / scale, (cut - location) / scale]
        size = lambda z: location + scale * z
    if law == 2:
        kinks = [mp.log(cut / location) / scale]
        size = lambda z: location * mp.exp(scale * z)
    if law == 3:
        inside = mp.quad(lambda y: mp.exp(a * y - y / location) / location, mp.linspace(0, cut, 9))
        return inside + mp.exp(a * cut - cut / location)
    points = sorted([mp.mpf(-12), mp.mpf(12)] + [z for z in kinks if -12 < z < 12] + list(range(-11, 12, 2)))
    return mp.quad(lambda z: mp.exp(a * clamp(size(z))) * phi(z), points)


table = []
for law, location, scale in ((0, 0.08, 0), (0, -0.4, 0), (1, 0.02, 0.1), (1, -0.3, 0.5), (2, 0.05, 0.8), (2, 0.4, 0.3), (3, 0.06, 0), (3, 0.5, 0)):
    for cut in (0.05, 0.12, 0.7, 3.0):
        for a in (-1.0, 0.5, 2.0, 1e-9):
            table.append((law, location, scale, cut, a, growth(law, location, scale, cut, a) - 1))
rows("E[exp(a Y)] - 1 for sizes cut to [-max, max]: mpmath, 30 digits, quadrature split at the cuts.",
     "GrowthRow", ["law", "location", "scale", "max", "change", "growth"], "mean_growths", table)

# ---- 3. Student t at the horizon.
def t_tail(nu, alpha):
    q = stats.t.isf(alpha, nu)
    return q, stats.t.pdf(q, nu) / alpha * (nu + q * q) / (nu - 1)


lines.append("")
lines.append("// Student t in units of its own scale: scipy.stats.t; ES = f(q) (nu + q^2) / ((nu - 1) alpha).")
for nu in (3, 4, 6):
    var, es = t_tail(nu, 0.01)
    emit("", f"t{nu}_var99", var)
    emit("", f"t{nu}_es99", es)
agree(t_tail(4, 0.01)[0], 3.746947, 1e-6)
agree(t_tail(4, 0.01)[1], 5.220584, 1e-6)
rows("Upper quantiles of Student t.", "TQuantileRow", ["probability", "t3", "t4", "t6"], "t_quantiles",
     [(p, *(stats.t.isf(p, nu) for nu in (3, 4, 6))) for p in (0.4, 0.25, 0.1, 0.05, 0.025, 0.01, 0.001, 0.0001)])


def t_sum(nu):
    """Tail of the sum of two independent t: P(X + Y > q) by quadrature, and by characteristic functions."""
    f = lambda x: stats.t.pdf(x, nu)
    beyond = lambda q: integrate.quad(lambda x: f(x) * stats.t.sf(q - x, nu), -np.inf, np.inf, epsabs=1e-13, limit=500)[0]
    # E[(Y - c)^+] of one t: f(c) (nu + c^2) / (nu - 1) - c P(Y > c)
    one = lambda c: f(c) * (nu + c * c) / (nu - 1) - c * stats.t.sf(c, nu)
    excess = lambda q: integrate.quad(lambda x: f(x) * one(q - x), -np.inf, np.inf, epsabs=1e-13, limit=500)[0]
    var = root(lambda q: beyond(q) - 0.01, 1, 20)
    phi = lambda u: (2 ** (1 - nu / 2) / special.gamma(nu / 2) * (np.sqrt(nu) * u) ** (nu / 2) * special.kv(nu / 2, np.sqrt(nu) * u)) ** 2
    agree(0.5 - integrate.quad(lambda u: np.sin(u * var) * phi(u) / u, 1e-14, 40, limit=500, epsabs=1e-12)[0] / np.pi, 0.01, 1e-9)
    return var, var + excess(var) / 0.01


lines.append("")
lines.append("// The sum of two independent t4, in units of the scale of one: quadrature, checked by inversion of the product of")
lines.append("// characteristic functions.")
var, es = t_sum(4)
emit("", "t4_sum_var99", var)
emit("", "t4_sum_es99", es)


def scale_of_score(nu, score):
    """G = sqrt((nu - 2) / c), P(chi2 <= c) = P(Z > score)."""
    c = np.where(score > 0, stats.chi2.ppf(N.sf(score), nu), stats.chi2.isf(N.cdf(score), nu))
    return np.sqrt((nu - 2) / c)


def both_exceed(nu, rho, q):
    """P(|r1| > q, |r2| > q), r_i = G(s_i) z_i, corr(s1, s2) = rho, in standard deviations of r: Simpson's rule."""
    s = np.linspace(-9, 9, 3601)
    h = 2 * N.sf(q / scale_of_score(nu, s))
    d = s[1] - s[0]
    weight = np.full(s.size, 2.0)
    weight[1::2] = 4.0
    weight[[0, -1]] = 1.0
    weight *= d / 3 * N.pdf(s) * h
    total = 0.0
    for wi, si in zip(weight, s):
        # h averaged over s2 given s1
        total += wi * np.dot(np.interp(rho * si + np.sqrt(1 - rho * rho) * s, s, h, left=h[0], right=h[-1]), N.pdf(s)) * d
    return total


q = stats.t.isf(0.02, 4) / np.sqrt(2)  # of |r|: 4 %
agree(both_exceed(4, 0.0, q), 0.04**2, 1e-6)
s2 = np.linspace(-9, 9, 3601)
agree(np.sum(N.pdf(s2) * (2 * N.sf(q / scale_of_score(4, s2))) ** 2) * (s2[1] - s2[0]), both_exceed(4, 0.999999, q), 2e-5)
rows("P(|r1| > q and |r2| > q) for the returns of two blocks, t4, whose scores have a correlation; q: exceeded by each with 4 %. Quadrature over both scores.",
     "BlockRow", ["correlation", "quantile", "probability"], "block_exceedances",
     [(rho, q, both_exceed(4, rho, q)) for rho in (0.0, 0.36, 0.6, 0.999999)])

# ---- 7. Tail dependence at finite levels.
def t_joint(nu, rho, u):
    """P(Y <= q | X <= q), bivariate t: given x, Y is t with nu + 1 degrees of freedom."""
    q = stats.t.ppf(u, nu)
    inner = lambda x: stats.t.pdf(x, nu) * stats.t.cdf((q - rho * x) / np.sqrt((1 - rho**2) * (nu + x * x) / (nu + 1)), nu + 1)
    value = integrate.quad(inner, -np.inf, q, epsabs=1e-15, epsrel=1e-12, limit=500)[0] / u
    check = stats.multivariate_t(shape=[[1, rho], [rho, 1]], df=nu).cdf([q, q], maxpts=2_000_000, random_state=1)
    agree(value, check / u, 2e-3)
    return value


def normal_joint(rho, u):
    q = N.ppf(u)
    return integrate.quad(lambda x: N.pdf(x) * N.cdf((q - rho * x) / np.sqrt(1 - rho**2)), -np.inf, q, epsabs=1e-15,
                          epsrel=1e-12)[0] / u


def mixed_joint(nu1, nu2, rho, u):
    """Two t of one score: normals of correlation rho times G_nu1(s), G_nu2(s)."""
    a, b = (-stats.t.isf(u, nu) * np.sqrt((nu - 2) / nu) for nu in (nu1, nu2))

    def given(s):
        x, y = a / scale_of_score(nu1, s), b / scale_of_score(nu2, s)
        return N.pdf(s) * integrate.quad(lambda z: N.pdf(z) * N.cdf((y - rho * z) / np.sqrt(1 - rho**2)), -np.inf, x,
                                         epsabs=1e-14)[0]

    return integrate.quad(given, -8.5, 8.5, epsabs=1e-12, limit=300)[0] / u


agree(mixed_joint(4, 4, 0.5, 0.01), t_joint(4, 0.5, 0.01), 1e-7)
rows("P(second <= its u quantile | first <= its): correlation 0.5, and 0 for t4_uncorrelated. Quadrature over the conditional law; bivariate t checked with scipy.stats.multivariate_t, t3 with t6 over the score.",
     "DependenceRow", ["u", "normal", "t4", "t4_uncorrelated", "t3_with_t6"], "tail_dependences",
     [(u, normal_joint(0.5, u), t_joint(4, 0.5, u), t_joint(4, 0.0, u), mixed_joint(3, 6, 0.5, u)) for u in (0.05, 0.01, 0.001)])

# ---- 8. A rare jump: 0.365 a year, size lognormal with median 0.4 and log sd 0.3, taken off the log price; vol 0.6; one day.
sig, lam = 0.6 / np.sqrt(365), 0.365 / 365
z = np.linspace(-8, 8, 1601)
pz = N.pdf(z) * (z[1] - z[0])
pz /= pz.sum()
y = 0.4 * np.exp(0.3 * z)
pmf = stats.poisson.pmf(np.arange(3), lam)
pairs = np.add.outer(y[::8], y[::8]).ravel()
pp = np.outer(pz[::8], pz[::8]).ravel()
pp /= pp.sum()
weights = np.concatenate([[pmf[0]], pmf[1] * pz, pmf[2] * pp])
means = np.concatenate([[0.0], -y, -pairs])
sds = np.full(means.size, sig)
lines.append("")
lines.append("// A jump on one day in a thousand: vol 0.6, 0.365 jumps a year of -0.4 exp(0.3 Z), one day, no drift. Mixture over")
lines.append("// the number of jumps (to two) and quadrature over their sizes.")
emit("", "rare_frequency", 1 - np.exp(-lam))
emit("", "rare_mean", -lam * 0.4 * np.exp(0.045))
emit("", "rare_below_02", np.dot(weights, N.cdf((-0.2 - means) / sds)))
emit("", "rare_below_03", np.dot(weights, N.cdf((-0.3 - means) / sds)))
var, es = mixture_tail(weights, means, sds, 1, 0.001)
emit("", "rare_var999", var)
emit("", "rare_es999", es)

text = """// Made by tests/oracle/make_law_values.py with scipy and mpmath. Do not edit.
#pragma once

namespace tailmargin::test {

""" + "\n".join(lines) + "\n\n}  // namespace tailmargin::test\n"
OUT.write_text(text)
print(OUT)
