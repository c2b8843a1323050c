"""The right derivative of a link in words and as a formula: what a learner asks who has it wrong.

| file | what it is |
| --- | --- |
| explaining.py | the graph of the forward pass, read from a link to those above it |
| node_rules.py, …_rules.py | what each operation hands back |
| node_values.py | what an operation made, where that has no name |
| added_numbers.py | the number of x + 1, which the graph does not keep |
| node_step.py | one argument of one operation, as the rules read it |
| symbols.py, words.py | how that is written |

sympy, which torch brings, is imported here: whoever asks for no explanation does not wait for it.
"""

from torch_reference.chain.explanation.explaining import Explainer, Explanation

__all__ = ["Explainer", "Explanation"]
