"""A user's forward and backward pass, run once with every version of every local variable noted.

| file | what it is |
| --- | --- |
| calls.py | which call of a backward belongs to which call of a forward |
| passes.py | a Function's or a pair's two passes |
| placing.py | how inputs are named and passed on |
| plain_context.py | what a Function calls ctx, without a graph behind it |
| raw_memory.py | whether code reads memory by address, so that no other text of it may run |
| recomputed.py | what the backward pass makes again, and otherwise |
| same_gradients.py | whether a recorded forward pass may be judged by |
| tracing.py | the local variables, version by version, each with the line that made it |
| values.py | what of them is looked at, and whose code it is |
"""

from torch_reference.chain.recording.passes import Passes
from torch_reference.chain.recording.tracing import Made, Recorder

__all__ = ["Made", "Passes", "Recorder"]
