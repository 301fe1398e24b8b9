"""Minimax coefficients of math/elementary: Remez exchange on a grid, in 60 digits.

Prints Rust constants, lowest power first, with the largest relative error of the rounded polynomial.
Needs mpmath. Run: python fit.py
"""

import struct
import mpmath as mp

mp.mp.dps = 60


def to_f32(value):
    return mp.mpf(struct.unpack("f", struct.pack("f", float(value)))[0])


def remez(target, weight, low, high, degree, points=1200):
    """Coefficients c minimising max |weight(x) (target(x) - sum c_i x^i)| over a Chebyshev grid."""
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    grid = [middle - half * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / points) for i in range(points)]
    values, weights = [target(x) for x in grid], [weight(x) for x in grid]
    count = degree + 2
    chosen = [round(i * (points - 1) / (count - 1)) for i in range(count)]
    for _ in range(30):
        system = mp.matrix(count, count)
        right = mp.matrix(count, 1)
        for row, index in enumerate(chosen):
            for power in range(degree + 1):
                system[row, power] = grid[index] ** power
            system[row, degree + 1] = (-1) ** row / weights[index]
            right[row] = values[index]
        solution = mp.lu_solve(system, right)
        coefficients = [solution[i] for i in range(degree + 1)]
        errors = [w * (v - mp.polyval(coefficients[::-1], x)) for x, v, w in zip(grid, values, weights)]
        level = abs(solution[degree + 1])
        peaks, start = [], 0
        for i in range(1, points + 1):
            if i == points or (errors[i] > 0) != (errors[start] > 0):
                peaks.append(max(range(start, i), key=lambda j: abs(errors[j])))
                start = i
        while len(peaks) > count:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) < count:
            break
        chosen = peaks
        if max(abs(e) for e in errors) < level * mp.mpf("1.0001"):
            break
    return coefficients, grid, values, weights


def show(name, target, weight, low, high, degree, single):
    coefficients, grid, values, weights = remez(target, weight, low, high, degree)
    rounding = to_f32 if single else lambda c: mp.mpf(float(c))
    rounded = [rounding(c) for c in coefficients]
    worst = max(abs(w * (v - mp.polyval(rounded[::-1], x))) for x, v, w in zip(grid, values, weights))
    kind = "f32" if single else "f64"
    print(f"/// Largest relative error 2^{float(mp.log(worst, 2)):.1f}.")
    print(f"const {name}: [{kind}; {degree + 1}] = [")
    for c in rounded:
        digits = repr(float(c)) if not single else mp.nstr(c, 10, min_fixed=0, max_fixed=0)
        print(f"    {digits},")
    print("];", flush=True)


def tail(function, count):
    """function minus its first count Taylor terms, safe at 0 through the series itself."""
    series = mp.taylor(function, 0, 40)

    def value(x, power):
        if abs(x) < mp.mpf("0.05"):
            return mp.fsum(series[i] * x ** (i - power) for i in range(count, 41))
        return (function(x) - mp.fsum(series[i] * x**i for i in range(count))) / x**power

    return value


exp_tail, log_tail = tail(mp.exp, 2), tail(mp.log1p, 3)
ln2 = mp.log(2)
half = ln2 / 2 * mp.mpf("1.001")
show("EXP", lambda r: exp_tail(r, 2), lambda r: r * r / mp.exp(r), -half, half, 4, True)
show("EXP_WIDE", lambda r: exp_tail(r, 2), lambda r: abs(r), -half, half, 7, False)
show("LOG", lambda f: log_tail(f, 3), lambda f: abs(f) ** 3 / abs(mp.log1p(f)) if abs(f) > 1e-9 else f * f,
     mp.sqrt(mp.mpf(1) / 2) - 1, mp.sqrt(2) - 1, 7, True)


def odd(function, bound, degree, name, single, skip):
    """function(x) = x (1 or series[1]) + ...: polynomial in s = x^2 of (function(x)/x - skipped) / s^skip."""
    series = mp.taylor(function, 0, 41)

    def value(s):
        x = mp.sqrt(s)
        if x < mp.mpf("0.1"):
            return mp.fsum(series[2 * i + 1] * s ** (i - skip) for i in range(skip, 20))
        return (function(x) / x - (series[1] if skip else 0)) / s**skip

    def weight(s):
        x = mp.sqrt(s)
        return s**skip * (x / function(x) if x > mp.mpf("1e-9") else 1 / series[1])

    show(name, value, weight, mp.mpf(0), mp.mpf(bound) ** 2, degree, single)


odd(mp.tanh, "0.56", 4, "TANH", True, 1)
odd(mp.erf, "1.001", 9, "ERF", False, 0)
odd(mp.sin, mp.pi / 4 * mp.mpf("1.001"), 4, "SIN", False, 1)


def cosine(s):
    if s < mp.mpf("0.01"):
        return mp.fsum((-1) ** (i + 2) * s**i / mp.factorial(2 * i + 4) for i in range(15))
    return (mp.cos(mp.sqrt(s)) - 1 + s / 2) / s**2


show("COS", cosine, lambda s: s * s / mp.cos(mp.sqrt(s)), mp.mpf(0), (mp.pi / 4 * mp.mpf("1.001")) ** 2, 3, False)


def erfcx_of(t, pole):
    y = pole * (1 + t) / (1 - t)
    return mp.exp(y * y) * mp.erfc(y)


p, right = mp.mpf(3), mp.mpf("10.7")
show("ERFCX", lambda t: erfcx_of(t, p), lambda t: 1 / erfcx_of(t, p), mp.mpf(-1), (right - p) / (right + p), 14, False)
