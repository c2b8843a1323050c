"""What rounding explains, where no bound is derived by hand: Monte Carlo arithmetic on any torch code."""

from torch_reference.tolerance.agreement import Disagreement, disagreements

__all__ = ["Disagreement", "disagreements"]
