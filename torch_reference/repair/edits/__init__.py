"""The single edits of a line, each a piece of text in place of another.

| file | what it is |
| --- | --- |
| source_text.py | a file as text, at the places of its syntax tree |
| edits_in_order.py | the edits of all suspect lines, the likeliest first |
| source_edits.py | every single edit of a line |
| term_edits.py | a factor, a term, a sign or a sum that was forgotten |
| rarer_edits.py | an axis, an index, a size, a slope |
| whole_line_edits.py | of all that a line computes: a factor, a matrix or a term more |
| called_functions.py | another function of the user's in the place of one that is called |
| control_edits.py | what a loop runs over |
"""

from torch_reference.repair.edits.source_text import Source, TextEdit

__all__ = ["Source", "TextEdit"]
