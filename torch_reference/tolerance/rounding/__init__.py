"""The model of rounding: torch code run exactly, or with each result moved by a rounding of its own dtype.

operations.py knows each operation, fused.py takes apart those that hide others (normalisations.py,
softmaxes.py), local_sums.py knows what a sum loses on its way (further_sums.py: pools, folds,
Fourier transforms), moved_arguments.py what a solution does; exact_run.py and moved_run.py are the two ways
to run, half_run.py is the second with a half of the operations moved, and closures.py lets a closure's own
numbers take part in the first.
"""

from torch_reference.tolerance.rounding.exact_run import ExactRun
from torch_reference.tolerance.rounding.moved_run import MovedRun

__all__ = ["ExactRun", "MovedRun"]
