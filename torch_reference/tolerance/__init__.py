"""What rounding explains, where no bound is derived by hand: Monte Carlo arithmetic on any torch code.

rounding/ is the model of rounding; movement.py makes bounds of it; gradient_sums.py and kinks.py say what
else is compared, verdicts.py what is said of numbers; agreement.py is the rule for two witnesses in one line.
"""

from torch_reference.tolerance.agreement import Disagreement, disagreements
from torch_reference.tolerance.verdicts import Tolerance

__all__ = ["Disagreement", "Tolerance", "disagreements"]
