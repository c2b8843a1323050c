"""Calls of another kind than the given one: groups without a member, a batch of it, memory with NaN in it.

| file | what it holds |
| --- | --- |
| partitions | integers that part what other tensors hold: the sizes of groups, where sequences begin |
| indices | indices, groups and masks |
| broadcast | one number for all columns, or one for each |
| dimensions | a dimension more |
| options | flags the other way, and other numbers than 0 and 1 |
| domain | where a reference has one derivative |
| unwritten | what is read before it is written |
"""

from torch_reference.check.ways.elsewhere.partitions import parted

__all__ = ["parted"]
