"""What a function is compared with where its user gives nothing, or more than one thing.

| file | what it holds |
| --- | --- |
| right | the reference, a surrogate's gradient, or the function itself |
| stand_in | a function's own forward, run with a stand-in for ctx |
| differences | a function that is differentiated by difference quotients |
| coarse | whether it works in float32 inside |
| batched | a function at many points at once |
| straight_through | what is no derivative, and may be meant |
| modules | modules with their parameters, and their submodules |
| sparse_inputs | a function of sparse tensors as one of their values |
| signatures | the options that a function names |
| constants | inputs of which no gradient is wanted, though nobody said so |
| further_points | the points that its user gives besides the first |
"""

from torch_reference.check.references.right import Right, what_is_right

__all__ = ["Right", "what_is_right"]
