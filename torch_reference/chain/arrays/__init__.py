"""A forward pass in numpy with a graph: its arrays stand for tensors, and autograd sees what it computes.

| file | what it is |
| --- | --- |
| graph_array.py | what looks like an array to numpy, and is a tensor |
| elementwise.py | what numpy's ufuncs are in torch |
| functions.py | what numpy's other functions are in torch |
| from_tensors.py | the arrays that x.numpy() makes |
| users_code.py | whose code it is that runs |
| remade_module.py | the user's functions with a numpy that makes such arrays |

Whether the graph is right is not taken for granted: its gradient is compared with the reference's.
"""

from torch_reference.chain.arrays.from_tensors import ArraysKeepGraphs
from torch_reference.chain.arrays.graph_array import GraphArray, plain, tensor_of
from torch_reference.chain.arrays.remade_module import with_graph_arrays

__all__ = ["ArraysKeepGraphs", "GraphArray", "plain", "tensor_of", "with_graph_arrays"]
