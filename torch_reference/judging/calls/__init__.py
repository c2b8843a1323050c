"""What a call is made of: arguments and results in any nest, points by name, and code that may raise.

| file | what it holds |
| --- | --- |
| nests | the leaves of any nest, by names that say where they are |
| nested_inputs | a module's arguments in any nest, flat and back |
| arguments | the arguments of a call: tensors by name, everything else as it was given |
| pasteable | values as Python that can be pasted |
| points | the names that a point holds, and the random numbers of a call |
| plain_numbers | Python's and numpy's numbers as tensors |
| quiet | what a call prints and warns of, kept back in one thread |
| raised_errors | what the user's code raises, in one line |
"""

from torch_reference.judging.calls.arguments import Arguments, Tensors
from torch_reference.judging.calls.plain_numbers import as_tensors
from torch_reference.judging.calls.raised_errors import UserCodeError

__all__ = ["Arguments", "Tensors", "UserCodeError", "as_tensors"]
