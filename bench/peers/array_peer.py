"""The stages of a case in array operations. NumPy, CuPy and PyTorch peers share them; each brings an object `xp` with
the names that differ:

    array(x), zeros(shape), index(x)     arrays of float32 and of integers where the peer computes
    exp, sqrt, ndtr, at_least(x, low)    functions of one array
    normals(shape), uniforms(count), where(mask)
    sparse(values, columns, offsets, shape), worst(x, count)     CSR matrix; smallest `count` of each row
    mean(x), numpy(x), finish()          mean of each row in double; to NumPy; wait for the device
    paths_at_a_time                      of revaluation: what keeps its temporaries in cache, or all
"""
import numpy as np


class Chain:
    """Options that read the same rows: parameters as columns, to be spread over paths."""

    def __init__(self, case, members, xp):
        def column(values):
            return xp.array(np.asarray(values, np.float32)[:, None])

        option = {name: values[members] for name, values in case.option.items()}
        self.columns = xp.index(option["column"])
        self.return_row, self.growth_row = int(option["return"][0]), int(option["growth"][0])
        self.smile, self.inverse = int(option["smile"][0]), bool(option["inverse"][0])
        moneyness = option["strike"] / option["forward_now"]
        self.moneyness, self.log_moneyness = column(moneyness), column(np.log(moneyness))
        self.sign, self.residual = column(option["sign"]), column(option["residual"])
        self.size, self.value_now = column(option["size_usd"]), column(option["value_now"])


def make_chains(case, xp):
    keys = np.stack([case.option[name] for name in ("return", "growth", "smile", "inverse", "forward_now")], axis=1)
    chain_of = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    return [Chain(case, np.flatnonzero(chain_of == c), xp) for c in range(chain_of.max() + 1)]


class ArrayPeer:
    """One case, its arrays where `xp` computes."""

    def __init__(self, case, xp):
        self.case, self.xp = case, xp
        self.loading, self.drift = xp.array(case.loading), xp.array(case.drift)
        self.start_bounds = xp.array(np.cumsum(case.start).astype(np.float32)[:-1])
        self.bounds = xp.array(np.cumsum(case.transition, axis=1).astype(np.float32)[:, :-1])
        self.log_return, self.growth = xp.array(case.log_return), xp.array(case.growth)
        self.smile = xp.array(case.smile)
        self.chains = make_chains(case, xp)
        self.cube = xp.zeros((case.columns, case.paths))
        self.cube[xp.index(case.product_column)] = xp.array(case.product)
        self.positions = xp.sparse(xp.array(case.quantity), xp.index(case.position_column), xp.index(case.offsets),
                                   (case.accounts, case.columns))

    def stages(self):
        return [("simulate", self.simulate), ("revalue", self.revalue), ("pnl", self.pnl), ("tail", self.tail)]

    def simulate(self):
        xp, case = self.xp, self.case
        x = xp.zeros((case.paths, case.factors))
        for step in range(case.steps):
            bounds = self.start_bounds if step == 0 else self.bounds[regime]  # noqa: F821, of the step before
            regime = (xp.uniforms(case.paths)[:, None] >= bounds).sum(axis=1)
            z = xp.normals((case.paths, case.draws))
            for r in range(case.regimes):
                rows = xp.where(regime == r)
                x[rows] += self.drift[r] + z[rows] @ self.loading[r].T
        self.factors = x
        xp.finish()

    def chain_pnl(self, chain, paths):
        """[option][path] P&L of one contract: Black-76 over the forward, with the smile of the path."""
        xp = self.xp
        log_return = self.log_return[chain.return_row, paths]
        level, phi, rho = self.smile[chain.smile, :, paths]
        k = chain.log_moneyness - log_return
        y = phi * k
        z = y + rho
        shape = xp.sqrt(1.0 + rho * y + xp.sqrt(z * z + (1.0 - rho * rho)))
        total_vol = xp.at_least(level * (shape + chain.residual), 1e-4)
        d1 = 0.5 * total_vol - k / total_vol
        in_the_money = xp.ndtr(chain.sign * d1)
        exercised = chain.moneyness * xp.exp(-log_return) * xp.ndtr(chain.sign * (d1 - total_vol))
        value = chain.sign * (in_the_money - exercised)
        if not chain.inverse:
            value = value * xp.exp(log_return)
        return chain.size * self.growth[chain.growth_row, paths] * (value - chain.value_now)

    def revalue(self):
        for first in range(0, self.case.paths, self.xp.paths_at_a_time):
            paths = slice(first, min(first + self.xp.paths_at_a_time, self.case.paths))
            for chain in self.chains:
                self.cube[chain.columns, paths] = self.chain_pnl(chain, paths)
        self.xp.finish()

    def pnl(self):
        self.pnls = self.positions @ self.cube
        self.xp.finish()

    def tail(self):
        """Mean of the worst losses of each account."""
        self.es = -self.xp.mean(self.xp.worst(self.pnls, self.case.tail_paths))
        self.xp.finish()

    def results(self):
        """Expected shortfalls, and factors at the horizon [path][factor]."""
        return self.xp.numpy(self.es), self.xp.numpy(self.factors)
