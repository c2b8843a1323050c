"""Calls of another kind than the given one: groups without a member, a batch of it, memory with NaN in it.

| file | what it holds |
| --- | --- |
| partitions | what adds up to a whole: the sizes of groups, where sequences begin, shares |
| indices | indices, groups and masks |
| broadcast | one number for all columns, or one for each |
| dimensions | a dimension more |
| options | flags the other way, other numbers, something for None |
| resizing | inputs of other lengths, and which go together |
| lengths | each dimension longer than a small block |
| corners | rows of zeros, unit vectors, identity matrices |
| numbers | of another sign, or with a zero among them |
| ordinary | which outputs of a pair are compared there |
| domain | where a reference has one derivative |
| apart | what is tried in a process of its own, which it may end |
| own_process | such a process |
| unwritten | what is read before it is written |
"""

from torch_reference.check.ways.elsewhere.partitions import parted

__all__ = ["parted"]
