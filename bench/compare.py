#!/usr/bin/env python3
"""Compares two results of `tailmargin bench --json`, or two files of bench/record, and says what really changed.

    bench/compare.py BEFORE.json AFTER.json [--across-devices] [--other-answers]

A change of a time is real if all of this holds, else it is noise:
  * both sides have at least 3 runs (with fewer there is no spread to judge by: "too few runs");
  * the medians differ by more than twice the larger of the two spreads (slowest less fastest run);
  * the medians differ by more than 2 %, for what moves all runs of one process alike: where memory lay, the clock.
If the noise is normal, the second rule alone calls one comparison in 180 real that is not with three runs a side, one in
40,000 with five (tests/bench/scripts_test.py draws them).

Refused: another case, backend, size, seed or model; a stage that only one side has; another device (--across-devices
allows it); other margins, which are other work or a wrong answer (--other-answers allows it).

Exit code: 0 nothing got really slower; 1 something did; 2 the two cannot be compared.
"""
import argparse
import json
import pathlib
import sys

SPREADS = 2.0
LEAST_CHANGE = 0.02
LEAST_RUNS = 3


class CannotCompare(Exception):
    pass


def load(path):
    """The bench's own JSON, out of a file of bench/record too."""
    try:
        result = json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError) as error:
        raise CannotCompare(f"{path}: {error}") from error
    if isinstance(result, dict):
        result = result.get("result", result)
    if not isinstance(result, dict) or "case" not in result or "stages" not in result:
        raise CannotCompare(f"{path} is no result of one case of tailmargin bench --json")
    return result


def check_same_work(before, after, across_devices=False, other_answers=False):
    for key in ("case", "backend", "book", "seed", "model"):
        if before.get(key) != after.get(key):
            raise CannotCompare(f"{key}: {before.get(key)} is not {after.get(key)}")
    if before["device"] != after["device"] and not across_devices:
        raise CannotCompare(f"device: {before['device']} is not {after['device']} (--across-devices to compare anyway)")
    if before["margins_sha256"] != after["margins_sha256"] and not other_answers:
        raise CannotCompare("the margins differ: a changed result or a wrong one (--other-answers to compare anyway)")
    for group in ("stages", "other_stages"):
        one_side = sorted(set(before.get(group, {})) ^ set(after.get(group, {})))
        if one_side:
            raise CannotCompare(f"only one side has the stage {one_side[0]}")


def times_of(result):
    """Everything timed, by name: dictionaries with seconds, low, high, runs."""
    times = dict(result["stages"])
    times.update(result.get("other_stages", {}))
    for name in ("run", "total"):
        if name in result:
            times[name] = result[name]
    return times


def judge(before, after):
    """'slower', 'faster', 'noise' or 'too few runs'."""
    if min(before["runs"], after["runs"]) < LEAST_RUNS:
        return "too few runs"
    change = after["seconds"] - before["seconds"]
    noise = SPREADS * max(before["high"] - before["low"], after["high"] - after["low"])
    if abs(change) <= max(noise, LEAST_CHANGE * before["seconds"]):
        return "noise"
    return "slower" if change > 0 else "faster"


def compare(before, after, **allowed):
    """Rows (name, seconds before, seconds after, verdict). @raises CannotCompare"""
    check_same_work(before, after, **allowed)
    old, new = times_of(before), times_of(after)
    missing = sorted(set(old) ^ set(new))
    if missing:
        raise CannotCompare(f"only one side has {missing[0]}")
    return [(name, old[name]["seconds"], new[name]["seconds"], judge(old[name], new[name])) for name in old]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--across-devices", action="store_true")
    parser.add_argument("--other-answers", action="store_true")
    options = parser.parse_args(arguments)
    try:
        rows = compare(load(options.before), load(options.after), across_devices=options.across_devices,
                       other_answers=options.other_answers)
    except CannotCompare as reason:
        print(f"cannot compare: {reason}", file=sys.stderr)
        return 2
    for name, old, new, verdict in rows:
        ratio = f"{new / old:8.3f} x" if old > 0 else " " * 10
        print(f"{name:12} {old:11.4g} s {new:11.4g} s {ratio}  {verdict}")
    return 1 if any(row[3] == "slower" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
