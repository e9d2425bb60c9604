"""A case as peers written in Python read it, and what they print. README.md says what each array holds."""
import json
import pathlib
import statistics
import sys
import time

import numpy as np

# Largest relative difference of an expected shortfall that still counts as the same answer; report.hpp has it too.
ES_TOLERANCE = 1e-4
# Means and variances of simulated factors may differ from Tailmargin's by so many standard errors: other draws.
SIMULATION_TOLERANCE = 6.0

TYPES = {"f32": np.float32, "f64": np.float64, "u32": np.uint32}


class Case:
    """Sizes as attributes, arrays as NumPy arrays, all as in the folder."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        for line in (folder / "case.txt").read_text().splitlines():
            name, value = line.split()
            setattr(self, name, int(float(value)))
        arrays = {file.stem: np.fromfile(file, TYPES[file.suffix[1:]]) for file in folder.glob("*.[fu][0-9]*")}
        self.start, self.es, self.offsets = arrays["start"], arrays["es"], arrays["offsets"]
        self.transition = arrays["transition"].reshape(self.regimes, self.regimes)
        self.loading = arrays["loading"].reshape(self.regimes, self.factors, self.draws)
        self.drift = arrays["drift"].reshape(self.regimes, self.factors)
        self.horizon_factor = arrays["horizon_factor"]
        self.horizon = arrays["horizon"].reshape(-1, self.paths)
        self.log_return = arrays["log_return"].reshape(-1, self.paths)
        self.growth = arrays["growth"].reshape(-1, self.paths)
        self.smile = arrays["smiles"].reshape(-1, 3, self.paths)
        self.product_column = arrays["product_column"]
        self.product = arrays["products"].reshape(-1, self.paths)
        self.position_column, self.quantity = arrays["position_column"], arrays["quantity"]
        self.option = {name[len("option_"):]: values for name, values in arrays.items() if name.startswith("option_")}

    def work(self):
        """Work and unit of each stage."""
        return {
            "simulate": (self.paths * self.factors * self.steps, "factor-steps"),
            "revalue": (self.paths * self.options, "option values"),
            "pnl": (self.paths * self.positions, "position-paths"),
            "tail": (self.paths * self.accounts, "losses"),
        }


def repeat_stages(stages, repeats):
    """Calls each stage, in order, once to warm up and then `repeats` times: {name: [seconds]}. A stage returns when its
    work is done."""
    seconds = {name: [] for name, _ in stages}
    for number in range(1 + repeats):
        for name, stage in stages:
            start = time.perf_counter()
            stage()
            if number > 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def check_es(case, es):
    difference = np.max(np.abs(np.asarray(es, np.float64) - case.es) / np.abs(case.es))
    return {
        "largest_relative_es_difference": float(difference),
        "tolerance": ES_TOLERANCE,
        "es_usd": [float(x) for x in es[:3]],
        "tailmargin_es_usd": [float(x) for x in case.es[:3]],
        "passed": bool(difference <= ES_TOLERANCE),
    }


def check_simulation(case, factors):
    """Means and variances of [path][factor] at the horizon against Tailmargin's, in standard errors."""
    ours, theirs = case.horizon.astype(np.float64).T, factors[:, case.horizon_factor].astype(np.float64)
    standard_errors = 0.0

    def moments(x):
        centred = x - x.mean(axis=0)
        variance = (centred**2).mean(axis=0)
        kurtosis = (centred**4).mean(axis=0) / variance**2
        return x.mean(axis=0), variance, (kurtosis - 1.0) / len(x)

    (mean_a, var_a, error_a), (mean_b, var_b, error_b) = moments(ours), moments(theirs)
    of_means = np.abs(mean_a - mean_b) / np.sqrt(var_a / len(ours) + var_b / len(theirs))
    of_variances = np.abs(np.log(var_a / var_b)) / np.sqrt(error_a + error_b)
    standard_errors = float(max(of_means.max(), of_variances.max()))
    return {
        "largest_difference_in_standard_errors": standard_errors,
        "tolerance": SIMULATION_TOLERANCE,
        "passed": bool(standard_errors <= SIMULATION_TOLERANCE),
    }


def report(peer, versions, device, case, seconds, es, factors):
    """Prints the peer's JSON; the exit code says whether its answers are Tailmargin's."""
    stages = {}
    for name, times in seconds.items():
        work, unit = case.work()[name]
        middle = statistics.median(times)
        stages[name] = {"seconds": middle, "low": min(times), "high": max(times), "work": work, "rate": work / middle,
                        "unit": unit + "/s"}
    check, simulation = check_es(case, es), check_simulation(case, factors)
    print(json.dumps({"peer": peer, "versions": versions, "device": device, "stages": stages, "check": check,
                      "simulation_check": simulation}))
    return 0 if check["passed"] and simulation["passed"] else 1


def arguments(peer):
    """CASE [REPEATS] of the command line."""
    if len(sys.argv) not in (2, 3):
        sys.exit(f"usage: {peer}_peer.py CASE [REPEATS]")
    return Case(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 3
