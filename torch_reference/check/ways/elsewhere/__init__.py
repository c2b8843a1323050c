"""Calls of another kind than the given one: groups without a member, a batch of it, memory with NaN in it.

| file | what it holds |
| --- | --- |
| partitions | integers that part what other tensors hold: the sizes of groups, where sequences begin |
| indices | indices, groups and masks |
| dimensions | a dimension more |
| unwritten | what is read before it is written |
"""

from torch_reference.check.ways.elsewhere.partitions import parted

__all__ = ["parted"]
