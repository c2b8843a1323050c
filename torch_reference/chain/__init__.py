"""Which link of a chain is wrong, in code without modules: a flat script, a notebook, a function.

| file | what it is |
| --- | --- |
| script.py | check_links: the quantities of a script, each judged by itself |
| names.py | which name stands for the gradient of which |
| quantity.py | one link: a tensor, and the gradient that was derived for it |
| graph.py, float64.py | the graph that autograd recorded, run again in float64, cut where one likes |
| verdict.py, bounds.py | every link judged twice, within what rounding explains |
| picture.py | the chain as a graph, in a picture file |
| report.py | the chain from the loss backwards, as text and for machines |
"""

from torch_reference.chain.picture import draw_chain
from torch_reference.chain.report import ChainReport
from torch_reference.chain.script import check_links

__all__ = ["ChainReport", "check_links", "draw_chain"]
