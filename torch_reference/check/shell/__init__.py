"""What a shell's programs share that check a user's code: python -m torch_reference, and the scripts.

| file | what it is |
| --- | --- |
| naming.py | package.module:attribute or a file's, and the model that three of them make |
| options.py | the same options for all |
| told_report.py | the same report and the same ends for all |
"""

from torch_reference.check.shell.naming import NamedModel

__all__ = ["NamedModel"]
