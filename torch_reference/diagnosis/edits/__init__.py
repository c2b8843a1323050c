"""The reference with a mistake in one call of its forward pass: its value stays, its derivative is wrong.

| file | what it is |
| --- | --- |
| edited_reference.py | what a derivation with such a mistake would return |
| recorded_graph.py, random_direction.py, moving_call.py | most are told off by a number |
| reference_edits.py, further_edits.py | the mistakes that each call may have |
| wrong_derivatives.py, wrong_factors.py, wrong_groups.py, other_functions.py | their derivatives |
| written_by_hand.py, wrong_forward.py | those that are tried in small networks only |
| naming.py | what to call a tensor of the forward pass |
| taken_apart.py | softmax, norms and losses in plain calls, so that a part of them may be wrong |
"""

from torch_reference.diagnosis.edits.editor import Call, Edit

__all__ = ["Call", "Edit"]
