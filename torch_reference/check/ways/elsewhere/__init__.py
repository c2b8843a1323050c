"""Calls of another kind than the given one: groups without a member, a batch of it, memory with NaN in it.

| file | what it holds |
| --- | --- |
| partitions | integers that part what other tensors hold: the sizes of groups, where sequences begin |
| indices | indices, groups and masks |
| broadcast | one number for all columns, or one for each |
| dimensions | a dimension more |
| options | flags the other way, and other numbers than 0 and 1 |
| unsaid | options that a call leaves at their defaults |
| in_place_of_none | what is tried for an option that is None |
| fitting | inputs of half a size, for an option that needs it |
| resizing | inputs of other lengths, and which go together |
| lengths | each dimension longer than a small block |
| domain | where a reference has one derivative |
| apart | what is tried in a process of its own, which it may end |
| own_process | such a process |
| foreign | whether a function calls what is neither Python's nor torch's |
| unwritten | what is read before it is written |
"""

from torch_reference.check.ways.elsewhere.partitions import parted

__all__ = ["parted"]
