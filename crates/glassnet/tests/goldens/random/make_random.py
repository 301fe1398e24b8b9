"""Writes streams.json: glassnet's own seeded streams, from a second implementation in plain Python integers.

    python make_random.py

The file must never change: a seed gives the same numbers in every version.
"""

import json
import math
import pathlib
import struct

CASES = [(0, 0, 0), (0, 1, 0), (0, 1, 1), (42, 2**32, 17), (2**64 - 1, 2**64 - 1, 2**64 - 1)]
FOLDER = pathlib.Path(__file__).resolve().parent
LOW32 = 0xFFFFFFFF


def quarter_round(x, a, b, c, d):
    for target, other, mixed, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[target] = (x[target] + x[other]) & LOW32
        x[mixed] ^= x[target]
        x[mixed] = (x[mixed] << turn | x[mixed] >> (32 - turn)) & LOW32


def chacha8_block(key: bytes, nonce: int, counter: int) -> list:
    state = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key))
    state += [counter & LOW32, counter >> 32, nonce & LOW32, nonce >> 32]
    x = list(state)
    for _ in range(4):
        for column in range(4):
            quarter_round(x, column, column + 4, column + 8, column + 12)
        for column in range(4):
            quarter_round(x, column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return [(left + right) & LOW32 for left, right in zip(x, state)]


class Stream:
    def __init__(self, seed, stream, step, position=0):
        self.key = struct.pack("<QQ", seed, step) + b"glassnet stream1"
        self.stream = stream
        self.position = position

    def u32(self):
        word = chacha8_block(self.key, self.stream, self.position // 16)[self.position % 16]
        self.position += 1
        return word

    def u64(self):
        low = self.u32()
        return low | self.u32() << 32

    def uniform_f32(self):
        return (self.u32() >> 8) / 2**24

    def uniform_f64(self):
        return (self.u64() >> 11) / 2**53

    def normal(self):
        height = self.uniform_f64()
        turn = self.uniform_f64()
        return math.sqrt(-2 * math.log1p(-height)) * math.cos(math.tau * turn)

    def below(self, bound):
        if bound <= 1:
            return 0
        bits, draw = (32, self.u32) if bound < 2**32 else (64, self.u64)
        while True:
            product = draw() * bound
            if product % 2**bits >= 2**bits % bound:
                return product >> bits

    def permutation(self, n):
        order = list(range(n))
        for last in range(n - 1, 0, -1):
            chosen = self.below(last + 1)
            order[last], order[chosen] = order[chosen], order[last]
        return order

    def mask(self, n, p):
        threshold = round(p * 2**32)
        return [int(self.u32() >= threshold) for _ in range(n)]


BOUNDS = [1, 2, 3, 10, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, 2**63 + 1, 2**64 - 1]


def case(seed, stream, step):
    def fresh(position=0):
        return Stream(seed, stream, step, position)

    words, far, bounded, normals = fresh(), fresh(2**40 + 13), fresh(), fresh()
    singles, doubles = fresh(), fresh()
    return {
        "seed": seed,
        "stream": stream,
        "step": step,
        "words": [words.u32() for _ in range(20)],
        "words_at_2_40_plus_13": [far.u32() for _ in range(5)],
        "uniform_f32": [singles.uniform_f32() for _ in range(5)],
        "uniform_f64": [doubles.uniform_f64() for _ in range(5)],
        "normal": [normals.normal() for _ in range(20)],
        "below": [[bound, bounded.below(bound)] for bound in BOUNDS for _ in range(3)],
        "below_position": bounded.position,
        "permutation": fresh().permutation(50),
        "kept_at_p_0_3": fresh().mask(40, 0.3),
    }


if __name__ == "__main__":
    cases = ",\n".join(json.dumps(case(*names)) for names in CASES)
    (FOLDER / "streams.json").write_text(f'{{"cases": [\n{cases}\n]}}\n')
