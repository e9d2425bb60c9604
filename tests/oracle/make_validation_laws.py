#!/usr/bin/env python3
"""Writes docs/validation_laws.md from a run of tests/laws: our numbers beside those from outside.

    laws_test --gtest_output=json:laws.json && python3 tests/oracle/make_validation_laws.py laws.json
"""
import json
import pathlib
import re
import sys

OUT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "validation_laws.md"

# Part, test, model, which of its numbers to show (pattern of the check's name; all are tested).
ROWS = [
    ("Regimes", "RegimeLaw.CharacteristicFunctionIsTheProductOfStepMatrices", "vols 0.4, 0.9, 2.0; 12 steps of 4 h; E exp(i u1 x(day 1) + i u2 x(day 2))", r"\((15, 15|40, 20)\)|E\["),
    ("Regimes", "RegimeLaw.TwoDayTailIsThatOfTheMixture", "the same, two days", r": (VaR|ES)$"),
    ("Regimes", "RegimeLaw.ChainOfADailyMatrixInHourlySteps", "matrix for 24 h, steps of 1 h", r"regime 2 after (7|24|48) h"),
    ("Regimes", "RegimeLaw.DailyTransitionsAreTheGivenOnes", "matrix for 24 h, steps of 6 h", r"(0 to 1|2 to 1), day 2"),
    ("Regimes", "RegimeLaw.StationaryStartStaysStationary", "the same, stationary start", r"regime 2, time 3"),
    ("Regimes", "RegimeLaw.DriftOfTheLogPrice", "vol 0.9, two days", ""),
    ("Fat tails", "TailLaw.DayOfFourStepsIsStudentT", "tail index 4, one block of four steps", r": (VaR|ES)$"),
    ("Fat tails", "TailLaw.EachCoinHasItsOwnTailIndex", "tail indices 3, 6, none, 6 in one model", r"^[a-z0-9]*: (VaR$|ES|Kolm|above.*0\.0010)"),
    ("Fat tails", "TailLaw.EachRegimeHasItsOwnTailIndex", "tail index 3, none, 6 by regime", ""),
    ("Fat tails", "TailLaw.LargestScaleIsACut", "tail index 4, max_scale 1.5", ""),
    ("Fat tails", "TailLaw.TwoBlocks", "tail index 4, two blocks; persistence 0 and near 1", r": (VaR|ES)$"),
    ("Fat tails", "TailLaw.PersistenceIsTheCorrelationOfScores", "tail index 4, three blocks, persistence 0.6", r"blocks|variance"),
    ("Fat tails", "TailLaw/TailDependence.MeetsTheBivariateLaw/normal", "two coins, correlation 0.5: P(both beyond their u quantile) / u", "up"),
    ("Fat tails", "TailLaw/TailDependence.MeetsTheBivariateLaw/t4", "the same, tail index 4", "up"),
    ("Fat tails", "TailLaw/TailDependence.MeetsTheBivariateLaw/t4_uncorrelated", "correlation 0, tail index 4", "up"),
    ("Fat tails", "TailLaw/TailDependence.MeetsTheBivariateLaw/t3_with_t6", "correlation 0.5, tail indices 3 and 6", "up"),
    ("Jumps", "JumpsLaw.MertonTails", "vol 0.6, 200 a year of N(-0.03, 0.04^2), one day", r": (VaR|ES)$|E\["),
    ("Jumps", "Haug/MertonCalls.MeetHaugsTable/0", "Merton calls, 1 jump a year, gamma 0.25", r"K (100|120)"),
    ("Jumps", "Haug/MertonCalls.MeetHaugsTable/1", "10 jumps a year, gamma 0.25", r"K 100"),
    ("Jumps", "Haug/MertonCalls.MeetHaugsTable/2", "5 jumps a year, gamma 0.5", r"K 120"),
    ("Jumps", "Haug/MertonCalls.MeetHaugsTable/3", "1 jump a year, gamma 0.75", r"K (80|120)"),
    *(("Jumps", f"JumpsLaw/SizeLaws.PricesKeepTheirMeans/{law}", f"size {law.replace('_cut', ', cut by max')}; 300 a year", "")
      for law in ("fixed", "fixed_cut", "normal", "normal_cut", "lognormal", "lognormal_cut", "exponential", "exponential_cut")),
    ("Jumps", "JumpsLaw.SizesHaveTheMomentsOfTheirLaw", "compound sums of 700 a year", r"third"),
    ("Jumps", "JumpsLaw.CountsArePoisson", "0.95 a step, four steps", r"(mean|variance|3).*day"),
    ("Jumps", "JumpsLaw.ProcessesKeepTheirOwnRates", "three processes: 0.2, 0.5, 1.1 a day", r"2 mean|2 with [01]$"),
    ("Jumps", "JumpsLaw.MarketJumpsAreCommonAndEachJumpsAreNot", "0.7 a day, N(0.1, 0.2^2), two coins", r"covariance|neither"),
    ("Jumps", "JumpsLaw.RatesAreThoseOfTheRegime", "rate 0 in one regime, 1.5 a day in the other", r"P\((1|3)|step"),
    ("Jumps", "JumpsLaw.DriftZeroLeavesTheJumpsMean", "drift zero, exponential falls", ""),
    ("Rare jumps", "Multiples/RareJumps.WeightedExpectationsAreThoseOfTheLaw/sampled_1", "0.365 falls a year of 0.4 exp(0.3 Z), vol 0.6; sampled as it happens", r"jump|E\[|P\(|: (VaR|ES)$"),
    ("Rare jumps", "Multiples/RareJumps.WeightedExpectationsAreThoseOfTheLaw/sampled_50", "the same, sampled 50 times as often", r"weight|jump|E\[|P\(|: (VaR|ES)$"),
    ("Rare jumps", "RareJumps.SamplingMoreReducesTheVarianceOfTheTail", "the same", ""),
    ("Rare jumps", "RareJumps.WeightsWithRegimesAndSeveralProcesses", "two regimes, multiples 20, 5, 1", ""),
    ("Means", "Martingale.PricesKeepTheirMeansWithEverythingAtOnce", "two regimes, tails, persistence, three kinds of jump, weights", ""),
    ("Means", "Martingale.VolLevelsKeepTheirMeans", "the same, vol level", ""),
    ("Means", "Martingale.PricesKeepTheirMeansOnWildDays", "tail index 3, vol 2.5; E[(exp(x) - 1) 1{wild}]", ""),
    ("Reversion", "ReversionLaw.MomentsOfVolAndCarry", "half lives 24 h and 36 h, levels 0.2 and -0.05, steps of 6 h", r"after 16 steps: (mean|.*with (4|16))"),
    ("Reversion", "ReversionLaw.MomentsWithFatTails", "tail index 12, persistence 0.5", r"after 16 steps.*with 16"),
    ("Reversion", "ReversionLaw.MomentsWithRegimes", "three regimes, half life 24 h", r"48 h"),
    ("Reversion", "ReversionLaw.JumpsDecay", "peg with exponential falls, half life 12 h", r"after 16 steps: (mean|.*with (4|16))"),
    ("Correlations", "CorrelationLaw.SampleHasTheCorrelationsOfThePlan", "kinds times underlyings: matrix (regime 0); common + block + own (regime 1)", r"correlation (1, 0|2, 0|2, 1|4, 3)"),
]

SOURCES = {
    "Regimes": "product of step matrices; exact mixture over the steps spent in each regime (checked by inversion of the characteristic function); scipy `logm`, `expm`, `null_space`.",
    "Fat tails": "`scipy.stats.t`; quadrature for sums and joint laws, checked by characteristic functions and `scipy.stats.multivariate_t`; A&S 26.7 for the Kolmogorov-Smirnov statistic.",
    "Jumps": "Poisson mixture of normals; Merton's series (Haug's printed values agree to 0.012); moments of compound Poisson sums.",
    "Rare jumps": "mixture over the number of jumps, quadrature over their sizes.",
    "Means": "1, or 0 for differences: the definition.",
    "Reversion": "moments of the autoregression; with regimes the recursion of moments within each.",
    "Correlations": "products written by hand. One-step covariances are also tested exactly, to 1e-12, and repaired matrices against Higham's (2002) and Rebonato and Jaeckel's (1999) to 1e-8.",
}


def main():
    report = json.loads(pathlib.Path(sys.argv[1]).read_text())
    tests = {f"{s['name']}.{t['name']}": t for s in report["testsuites"] for t in s["testsuite"]}
    lines = ["# Validation of scenario laws", "",
             "Made by `tests/oracle/make_validation_laws.py` from a run of `tests/laws`; do not edit. Our number is an estimate over",
             "up to 1,000,000 simulated paths with its standard error, the outside one is exact. A test fails beyond 4 standard",
             "errors; with some 430 comparisons the largest is expected near 3. Only some numbers of each test are shown.", ""]
    part = None
    deviations = []
    for test in tests.values():
        for value in test.values():
            if isinstance(value, str) and value.count(" | ") == 3:
                ours, outside, se, _ = map(float, value.split(" | "))
                if se > 0:
                    deviations.append((ours - outside) / se)
    for group, name, model, pattern in ROWS:
        if group != part:
            part = group
            lines += ["", f"## {group}", "", "Outside: " + SOURCES[group], "",
                      "| check | model | our number | outside | s.e. | off by (s.e.) | test |", "| --- | --- | --- | --- | --- | --- | --- |"]
        for check, value in tests[name].items():
            if not isinstance(value, str) or not re.search(pattern, check):
                continue
            if value.count(" | ") == 3:
                ours, outside, se, _ = value.split(" | ")
                off = f"{(float(ours) - float(outside)) / float(se):+.1f}" if float(se) else "0"
                lines.append(f"| {check} | {model} | {ours} | {outside} | {se} | {off} | {name} |")
            elif ": Kolmogorov" in check:
                lines.append(f"| {check} | {model} | {float(value):.3f} | below 1.95 (once in 1000) | | | {name} |")
            elif check.startswith("variance of P(x"):
                lines.append(f"| {check} | {model} | {float(value):.1f} | above 5; at most 47.6 = 50 exp(-0.049) | | | {name} |")
    square = sum(d * d for d in deviations) / len(deviations)
    lines += ["", "## All of them", "",
              f"{len(deviations)} comparisons; mean square of the deviations {square:.2f} standard errors squared (1 is right), largest "
              f"{max(map(abs, deviations)):.1f}.", ""]
    text = "\n".join(lines).replace("\n\n\n", "\n\n")
    OUT.write_text(text)
    print(OUT, sum(line.startswith("| ") for line in lines))


main()
