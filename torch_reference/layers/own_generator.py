"""Random numbers of the check's own: never those that the user has drawn.

torch.manual_seed(0) begins most scripts, and torch.randn after it what they check. A generator of the seed 0
would draw the same again, and an upstream gradient that is the input itself hides what it should show: a
norm's gradient is zero there, and so is one of the wrong sign.
"""

import torch

OWN = 0x6D616E75616C
"""Added to every seed: nobody counts so far by hand."""


def own_generator(seed: int) -> torch.Generator:
    """A generator on the processor, the same one for the same seed.

    >>> torch.equal(torch.randn(3, generator=own_generator(0)), torch.randn(3, generator=own_generator(0)))
    True
    """
    return torch.Generator().manual_seed(OWN + int(seed))
