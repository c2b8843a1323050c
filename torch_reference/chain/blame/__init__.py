"""Which of the links that are not autograd's may be blamed: no right one is, for what is only unusual.

| file | what is unusual |
| --- | --- |
| broadcast.py | a gradient that is summed, or reshaped, later |
| parts.py | d_x1 and d_x2 for two uses of x, each judged by itself |
| two_names.py | two variables that are named like the gradient of one tensor |
| confirmation.py | a name that may mean something else, or one of several versions |
"""

from torch_reference.chain.blame.parts import stem_of_a_part

__all__ = ["stem_of_a_part"]
