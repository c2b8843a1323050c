"""The lesson's network in torch.nn: autograd's gradient of it, its training, and what rounding may explain.

network and gradient are the reference; ball and rounding_bounds derive the tolerance; training, trajectory,
stopping and side_by_side follow a descent step by step; curvature bounds it; truth has 50 digits.
"""

from torch_reference.lesson.gradient import forward, gradients, intermediate_gradients, links
from torch_reference.lesson.network import (
    PARAMETERS,
    SOFTPLUS_THRESHOLD,
    LessonNetwork,
    from_parameters,
    to_parameters,
)
from torch_reference.lesson.rounding_bounds import bounds

__all__ = [
    "PARAMETERS",
    "SOFTPLUS_THRESHOLD",
    "LessonNetwork",
    "bounds",
    "forward",
    "from_parameters",
    "gradients",
    "intermediate_gradients",
    "links",
    "to_parameters",
]
