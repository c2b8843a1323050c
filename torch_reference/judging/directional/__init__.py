"""The derivative along a direction, by no rule of a backward pass: what the third witness takes.

| file | what it takes |
| --- | --- |
| difference_quotient | values in float64, with what the quotient may be off by |
| complex_step | values of complex numbers, where no operation makes real ones of them |
| forward_mode | torch's rules for tangents, where each operation has one |
"""

from torch_reference.judging.directional.forward_mode import by_forward_mode

__all__ = ["by_forward_mode"]
