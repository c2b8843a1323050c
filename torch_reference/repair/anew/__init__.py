"""The user's function anew, with another text of one of its lines: the user's own is left as it is.

| file | what it is |
| --- | --- |
| rebuilt.py | the function with another text |
| remade.py | whatever reaches it by name or closure, anew |
| remade_classes.py | a class whose methods are made anew: layers that are objects |
"""

from torch_reference.repair.anew.rebuilt import Original

__all__ = ["Original"]
