"""What the code that is judged tells of itself, when it runs once more.

own_run.py runs it; own_roundings.py: moved by its own roundings, where those of the reference do not explain
how far off it is, or, unseen (foreign.py), in other_precision.py; own_formula.py: in float64 (in_float64.py),
where 16 bits hide what its formula is, and was returned (returned.py); aside.py: beside all kinks;
own_draws.py: what both draw; second_run.py: one after the other.
"""

from torch_reference.tolerance.own_code.own_draws import OwnDraws

__all__ = ["OwnDraws"]
