"""How far outside of its bounds what is wrong must be to be certain after few draws.

The bounds follow the largest of the draws' movements, which are normal. A right number is so far outside
after few of them only if all of these were small by chance.
"""

LARGEST = 8.0
"""Standard deviations that a movement exceeds with a probability of 1e-15."""
BY_CHANCE = 1e-12


def certain(draws: int) -> float:
    """What is so many bounds away after so many draws stays outside.

    Formula: (0.8 LARGEST / ratio)^draws = BY_CHANCE: each was below LARGEST / ratio deviations
    """
    return float(0.8 * LARGEST * BY_CHANCE ** (-1 / draws))


def certain_with_coarse(draws: int, coarse: int) -> float:
    """The same of the bounds of so many coarse draws, for what the others have moved and left as far outside.

    Formula: (1/2)^draws (0.6 / ratio)^coarse = BY_CHANCE: a right number is off by 1.5 deviations σ at most.
             So each draw was below 0.75 σ / ratio, or on the grid, which one of two may be, and each coarse
             one was below 0.75 σ / ratio
    """
    both = 0.6 * (BY_CHANCE * 2.0**draws) ** (-1 / coarse)
    return min(certain(coarse), max(certain(draws), both))
