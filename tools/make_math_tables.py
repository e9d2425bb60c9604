#!/usr/bin/env python3
"""Writes tests/math/oracle_tables.hpp: elementary functions and normal quantiles to 40 digits.

Needs mpmath; the tests need only the header, so run it when rows change:

    python3 tools/make_math_tables.py > tests/math/oracle_tables.hpp
"""
import struct

import mpmath as mp

mp.mp.dps = 60


def as_float(x):
    """The float nearest to x, so that one row serves float and double."""
    return struct.unpack("f", struct.pack("f", x))[0]


def table(comment, name, function, arguments):
    print(f"\n/// {comment}")
    print(f"inline constexpr OracleRow {name}[] = {{")
    for x in arguments:
        x = as_float(x)
        print(f"    {{{x.hex()}, {mp.nstr(function(mp.mpf(x)), 40, min_fixed=0, max_fixed=0)}L}},")
    print("};")


def upper_tail(y):
    return mp.erfc(y / mp.sqrt(2)) / 2


def black76(k, s):
    """Call over the forward."""
    d1 = s / 2 - k / s
    call = upper_tail(-d1) - mp.exp(k) * upper_tail(s - d1)
    return call if call > mp.mpf("1e-300") else mp.mpf(0)


def quantile(word):
    """Inverse normal CDF at (word + 1/2) / 2^32."""
    p = (mp.mpf(word) + mp.mpf(1) / 2) / 2 ** 32
    if p == mp.mpf(1) / 2:
        return mp.mpf(0)
    return -mp.sqrt(2) * mp.erfinv(1 - 2 * p)


def main():
    print("// Made by tools/make_math_tables.py with mpmath, 60 digits of working precision. Do not edit.")
    print("#pragma once\n\n#include <cstdint>\n\nnamespace tailmargin::test {")
    print("\n/// A function's argument, exact in float, and its value to 40 digits.")
    print("struct OracleRow {\n  double x;\n  long double value;\n};")
    print("\n/// A random word and its normal quantile to 40 digits.")
    print("struct QuantileRow {\n  std::uint32_t word;\n  long double value;\n};")
    print("\n/// Black-76 call over its forward, to 40 digits.")
    print("struct Black76Row {\n  double log_moneyness, total_vol;\n  long double call;\n};")

    steps = [-87.25, -60.1, -33.3, -10.5, -3.7, -1.1, -0.5, -0.34657359, -0.1, -1e-3, -1e-6, -1e-9, 0.0, 1e-9, 1e-6,
             1e-3, 0.1, 0.34657359, 0.5, 1.1, 3.7, 10.5, 33.3, 60.1, 87.9]
    table("e^x", "exp_table", mp.exp, steps)
    table("e^x - 1", "expm1_table", mp.expm1, steps)
    table("Natural logarithm", "log_table", mp.log,
          [1.1754943508222875e-38, 1e-30, 1e-10, 0.01, 0.3, 0.5, 0.70710677, 0.70710683, 0.9, 0.999, 0.99999994, 1.0,
           1.0000001, 1.001, 1.1, 1.4142135, 1.4142137, 2.0, 2.718281828, 10.0, 12345.678, 1e10, 1e30, 3.4e38])
    table("P(Z > y)", "upper_tail_table", upper_tail,
          [0.0, 1e-6, 1e-3, 0.1, 0.25, 0.5, 0.67448975, 1.0, 1.2815516, 1.6448536, 2.0, 2.3263479, 3.0, 3.5, 4.0, 5.0,
           6.0, 7.0, 7.07, 7.0710683, 7.5, 8.0, 9.0, 10.0, 11.0, 12.0, 12.9])

    words = [0, 1, 2, 3, 10, 100, 1000, 0xffff, 0x10000, 0x00ffffff, 0x01000000, 0x01000001, 0x028f5c28, 0x06d2a64d,
             0x10000000, 0x20000000, 0x28a2f7c6, 0x40000000, 0x60000000, 0x70000000, 0x7f000000, 0x7fff0000,
             0x7fffff00, 0x7ffffffe, 0x7fffffff]
    words += [0xffffffff ^ w for w in reversed(words)]
    print("\n/// Normal quantile at (word + 1/2) / 2^32")
    print("inline constexpr QuantileRow quantile_table[] = {")
    for word in words:
        print(f"    {{0x{word:08x}u, {mp.nstr(quantile(word), 40, min_fixed=0, max_fixed=0)}L}},")
    print("};")

    print("\n/// Black-76 call over the forward")
    print("inline constexpr Black76Row black76_table[] = {")
    for k in [-3.0, -1.0, -0.25, -0.03125, 0.0, 0.03125, 0.25, 1.0, 3.0]:
        for s in [2.0 ** -13, 2.0 ** -8, 0.03125, 0.125, 0.5, 1.0, 2.0, 4.0]:
            value = black76(mp.mpf(k), mp.mpf(s))
            print(f"    {{{k.hex()}, {s.hex()}, {mp.nstr(value, 40, min_fixed=0, max_fixed=0)}L}},")
    print("};\n\n}  // namespace tailmargin::test")


if __name__ == "__main__":
    main()
