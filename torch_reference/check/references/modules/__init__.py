"""Modules as functions of their parameters too, and which submodule of two that should be the same differs.

| file | what it holds |
| --- | --- |
| parameters | a module as a function of its parameters |
| kept_state | what a module keeps on itself from one call to the next |
| left_out | parameters that are too many to be judged without a reference |
| other_names | what parameters and submodules are called in the other one |
| submodules | which of two modules' submodules differs first |
"""

from torch_reference.check.references.modules.other_names import other_name

__all__ = ["other_name"]
