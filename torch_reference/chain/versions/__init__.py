"""Which version of a gradient belongs to which version of its quantity, where a name is assigned again.

| file | what it is |
| --- | --- |
| alignment.py | the ways in which the versions of one name may be paired |
| in_calls.py | the versions of the backward pass, call by call |
| in_scripts.py | the pairs of a flat script, and what each of its lines added |
| call_groups.py | the names of a helper's call beside those of its call in the forward pass |
| choice.py | the one of them by which most of the chain follows from itself |
| another_loss.py | local gradients of n times the loss |
"""

from torch_reference.chain.versions.alignment import Aligned, Way

__all__ = ["Aligned", "Way"]
