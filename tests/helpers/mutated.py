"""Damaged copies of a file: bits flipped, bytes cut, doubled, moved and put in, several times over."""

import os
import random
from collections.abc import Iterator

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")
COUNT = {"ci": 2000, "thorough": 20_000}.get(PROFILE, 60)
SEED = int(os.environ.get("MUTANTS_SEED", random.randrange(2**32) if PROFILE == "thorough" else 1))
"""Of all mutants; MUTANTS_SEED=… draws those of a failure, or others."""

ODD = (b"\0", b"\n", b"\r", b'"', b",", b";", b"#", b"-", b".", b"e", b"9" * 400, b"1e308", b"nan")
ODD += (b"\xff" * 8,)
ODD += (b"\x80", "٣".encode(), b"_", b" ", b"\t", b"{", b"}", b"(" * 300, b"'", b"\\", b"True", b"\x1f\x8b")


def mutants(original: bytes, count: int = COUNT, odd: tuple[bytes, ...] = ODD) -> Iterator[tuple[str, bytes]]:
    """So many damaged copies, each with the name by which a failure tells it."""
    for number in range(count):
        source = random.Random(f"{SEED} {number}")
        mutant = bytearray(original)
        for _ in range(source.choice((1, 1, 1, 2, 4))):
            _damage(mutant, source, odd)
        yield f"mutant {number} of MUTANTS_SEED={SEED}", bytes(mutant)


def flipped(original: bytes, count: int) -> Iterator[tuple[str, bytes]]:
    """Copies with a single bit flipped, anywhere."""
    source = random.Random(SEED)
    for _ in range(count):
        mutant, bit = bytearray(original), source.randrange(8 * len(original))
        mutant[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit}", bytes(mutant)


def _damage(mutant: bytearray, source: random.Random, others: tuple[bytes, ...]) -> None:
    """Change the bytes in one of eight ways; half of the places are near the beginning, where headers are."""
    near = source.choice((len(mutant), min(len(mutant), 200))) + 1
    first, second = sorted(source.randrange(near) for _ in range(2))
    second = min(second, first + source.choice((1, 4, 1000)))
    way = source.randrange(8)
    if way == 0 and first < len(mutant):
        mutant[first] ^= 1 << source.randrange(8)
    elif way == 1:
        del mutant[first:second]
    elif way == 2:
        del mutant[first:]
    elif way == 3:
        mutant[first:first] = mutant[first:second]
    elif way == 4:
        mutant[first:second] = bytes(second - first)
    elif way == 5:
        mutant[first:first] = source.choice(others)
    elif way == 6:
        mutant[first:second] = source.choice(others)
    else:
        mutant[first:second] = source.randbytes(second - first)
