"""What numpy's ufuncs, and scipy.special's, are in torch; steps have no graph, and are not here."""

from collections.abc import Callable

import torch
from torch import Tensor

SAME = (
    *("add", "subtract", "multiply", "matmul", "square", "reciprocal", "sqrt", "maximum", "minimum"),
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp"),
    *("sin", "cos", "tan", "sinh", "cosh", "tanh"),
)
UFUNCS: dict[str, Callable[..., Tensor]] = {
    **{name: getattr(torch, name) for name in SAME},
    "divide": torch.true_divide,
    "true_divide": torch.true_divide,
    "negative": torch.neg,
    "positive": torch.clone,
    "absolute": torch.abs,
    "fabs": torch.abs,
    "power": torch.pow,
    "float_power": torch.pow,
    "arctan": torch.atan,
    "arcsin": torch.asin,
    "arccos": torch.acos,
    "arctanh": torch.atanh,
    "arcsinh": torch.asinh,
    "arctan2": torch.atan2,
    "hypot": torch.hypot,
    **{name: getattr(torch.special, name) for name in ("expit", "logit", "erf", "erfc", "ndtr", "log_ndtr")},
    **{name: getattr(torch.special, name) for name in ("xlogy", "xlog1py", "gammaln", "psi")},
}
