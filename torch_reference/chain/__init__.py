"""Which link of a chain is wrong, in code without modules: a flat script, a notebook, a function.

| file | what it is |
| --- | --- |
| script.py | check_links: the quantities of a script, each judged by itself |
| names.py | which name stands for the gradient of which |
| quantity.py | one link: a tensor, and the gradient that was derived for it |
| graph.py, float64.py | the graph that autograd recorded, run again in float64, cut where one likes |
| inside.py, derivations.py | the local variables of a function's or a derivation's backward as links |
| versions/ | which version of a gradient belongs to which version of its quantity |
| recording/ | both passes, run with every version of every local variable noted |
| blame/ | which of the wrong links may be blamed: none that is summed later, or a part |
| verdict.py, bounds.py | every link judged twice, within what rounding explains |
| explanation/ | the right derivative of a link, in words and as a formula |
| picture.py | the chain as a graph, in a picture file |
| report.py | the chain from the loss backwards, as text and for machines |
"""

from torch_reference.chain.picture import draw_chain
from torch_reference.chain.report import ChainReport
from torch_reference.chain.script import check_links

__all__ = ["ChainReport", "check_links", "draw_chain"]
