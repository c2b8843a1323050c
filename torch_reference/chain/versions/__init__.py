"""Which version of a gradient belongs to which version of its quantity, where a name is assigned again.

| file | what it is |
| --- | --- |
| alignment.py | the ways in which the versions of one name may be paired |
| in_calls.py | the names of a helper's call beside those of the call of the forward pass that belongs to it |
| choice.py | the one of them by which most of the chain follows from itself |
"""

from torch_reference.chain.versions.alignment import Aligned, Way

__all__ = ["Aligned", "Way"]
