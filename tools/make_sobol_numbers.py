#!/usr/bin/env python3
"""Writes host/prepare/sobol_numbers.hpp: initial direction numbers of Sobol sequences, and points to check them by.

    tools/make_sobol_numbers.py        needs scipy, which carries the file new-joe-kuo-6.21201 of Joe and Kuo

S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30
(2008). Their numbers are free to use with that reference (BSD license, web.maths.unsw.edu.au/~fkuo/sobol).
The test's points come from scipy.stats.qmc.Sobol, unscrambled.
"""
import pathlib

import numpy
import scipy
from scipy.stats import qmc

ROOT = pathlib.Path(__file__).resolve().parent.parent
AXES = 64
CHECKED_POINTS = (1, 2, 3, 4, 5, 7, 12, 100, 1023, 16383)


def rows(values, width=110):
    lines, line = [], "   "
    for value in values:
        if len(line) + len(value) + 2 > width:
            lines.append(line)
            line = "   "
        line += f" {value},"
    return "\n".join([*lines, line])


def write_numbers():
    data = numpy.load(pathlib.Path(scipy.__file__).parent / "stats" / "_sobol_direction_numbers.npz")
    entries = []
    for axis in range(AXES):
        polynomial = int(data["poly"][axis])
        degree = polynomial.bit_length() - 1
        initial = [int(m) for m in data["vinit"][axis][:max(degree, 1)]]
        entries.append("{%d, {%s}}" % (polynomial, ", ".join(map(str, initial))))
    (ROOT / "host" / "prepare" / "sobol_numbers.hpp").write_text(f"""\
// Made by tools/make_sobol_numbers.py. Do not edit.
// Numbers of S. Joe and F. Y. Kuo, file new-joe-kuo-6.21201 (SIAM J. Sci. Comput. 30, 2635-2654, 2008; BSD license).
#pragma once

#include <cstdint>

namespace tailmargin {{

/// Primitive polynomial of an axis (all its bits, the constant first; 1 on axis 0, which has none) and as many initial
/// numbers as its degree.
struct SobolNumbers {{
  std::uint32_t polynomial;
  std::uint32_t initial[9];
}};

// clang-format off
inline constexpr SobolNumbers sobol_numbers[] = {{
{rows(entries)}
}};
// clang-format on

}}  // namespace tailmargin
""")


def write_points():
    sequence = qmc.Sobol(AXES, scramble=False, bits=32).random(1 << 14)
    lines = []
    for number in CHECKED_POINTS:
        gray = number ^ (number >> 1)  # scipy counts in Gray code: its point n is the point with number gray(n)
        words = [f"{int(x * 2**32)}u" for x in sequence[number]]
        lines.append(f"    {{{gray},\n     {{{rows(words).strip().rstrip(',')}}}}},")
    (ROOT / "tests" / "prepare" / "sobol_points.hpp").write_text(f"""\
// Made by tools/make_sobol_numbers.py with scipy {scipy.__version__}. Do not edit.
#pragma once

#include <cstdint>

namespace tailmargin::test {{

/// A point of the sequence, coordinates times 2^32.
struct SobolPoint {{
  std::uint32_t number;
  std::uint32_t word[{AXES}];
}};

// clang-format off
inline constexpr SobolPoint sobol_points[] = {{
{chr(10).join(lines)}
}};
// clang-format on

}}  // namespace tailmargin::test
""")


if __name__ == "__main__":
    write_numbers()
    write_points()
