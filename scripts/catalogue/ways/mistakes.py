"""Each mistake that only one way of calling shows, with the way, the right function and inputs."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_gradtrackingtensor
from torch.nn.functional import cross_entropy

from catalogue.ways.functions import (
    Remembers,
    adds_only_one,
    counts_all_targets,
    flushed,
    function,
    has_zeros,
    is_row_sliced,
    is_small,
    leaves_out,
    not_for_parameters,
    not_in_training,
    of_the_norm,
    overwrites,
    same_rows,
    saves_a_scale,
    saves_targets,
    saving,
    scales_itself,
    sine,
    times_five,
    unused_is_none,
    w,
    wrong_for_inputs,
    wrong_if,
    x,
)
from catalogue.ways.newer import BatchedInBoth, BatchedWrongly, ForwardsWrongly

images = torch.randn(2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
z = torch.complex(x, w)
by_5: Callable[[Tensor], Tensor] = lambda x: 5 * x  # noqa: E731
GATHER = overwrites(x, torch.tensor([0, 2, 1]))
MASK = torch.tensor([[True, False, True]])

MISTAKES: dict[str, tuple[str, Any, Callable[..., Any], tuple[Any, ...]]] = {
    "takes gaps for numbers": ("spread", wrong_if(lambda g: g.ndim == 2 and g.stride(-1) == 2), by_5, (x,)),
    "inputs with gaps": ("spread", wrong_for_inputs(lambda x: x.ndim == 2 and x.stride(-1) == 2), by_5, (x,)),
    "g.view(-1)": ("transposed", times_five(lambda g: (g.view(-1) * 5).view(g.shape)), by_5, (x,)),
    "inputs by columns": ("transposed", wrong_for_inputs(lambda x: x.stride(0) == 1), by_5, (x,)),
    "images by channel": (
        "channels last",
        wrong_if(lambda g: g.is_contiguous(memory_format=torch.channels_last)),
        by_5,
        (images,),
    ),
    "rows apart": ("sliced rows", wrong_if(is_row_sliced), by_5, (x,)),
    "input rows apart": ("sliced rows", wrong_for_inputs(is_row_sliced), by_5, (x,)),
    "begins at address zero": ("offset", wrong_if(lambda g: g.storage_offset() > 0), by_5, (x,)),
    "an input's address": ("offset", wrong_for_inputs(lambda x: x.storage_offset() > 0), by_5, (x,)),
    "a negated view": ("negative views", wrong_if(lambda g: g.is_neg()), by_5, (x,)),
    "a conjugated view": ("conjugate views", wrong_for_inputs(lambda z: z.is_conj()), by_5, (z,)),
    "divides by the upstream": ("zero upstream", times_five(lambda g: g * (5 * g / g)), by_5, (x,)),
    "counts an expanded one twice": (
        "expanded upstream",
        wrong_if(lambda g: g.stride() == (0, 0)),
        by_5,
        (x,),
    ),
    "rows that are one": (
        "expanded upstream",
        wrong_if(lambda g: g.stride(0) == 0 != g.stride(1)),
        by_5,
        (x,),
    ),
    "an unused output": (
        "missing upstream",
        function(unused_is_none, lambda ctx, a, b: a * 2 + b * 3),
        lambda x: (x * 2, x * 3),
        (x,),
    ),
    "overflows": ("scaled upstream", times_five(lambda g: g.clamp(-1e6, 1e6) * 5), by_5, (x,)),
    "flushes to zero": (
        "scaled upstream",
        times_five(flushed),
        by_5,
        (x,),
    ),
    "needs_input_grad": ("each input alone", function(saves_a_scale, leaves_out), torch.mul, (x, w)),
    "a parameter": (
        "kinds of inputs",
        not_for_parameters,
        by_5,
        (x,),
    ),
    "no leaf": ("kinds of inputs", lambda x: by_5(x if x.is_leaf else x.detach()), by_5, (x,)),
    "one tensor twice": ("one tensor twice", function(saves_a_scale, adds_only_one), torch.mul, (x, w)),
    "state on the class": ("two forwards", Remembers, torch.square, (x,)),
    "changes what it saved": ("backward twice", function(sine, scales_itself), torch.sin, (x,)),
    "another value in evaluation": ("without grad", not_in_training, by_5, (x,)),
    "a vmap rule": ("vmap", BatchedWrongly, by_5, (x,)),
    "a vmap rule for batches of both": ("vmap", BatchedInBoth, torch.mul, (x, w)),
    "a jvp": ("jvp", ForwardsWrongly, by_5, (x,)),
    "a wrapped tensor": (
        "torch.func",
        lambda x: x * (6 if is_gradtrackingtensor(x) else 5),
        by_5,
        (x,),
    ),
    "a slope that is written in": ("redrawn", wrong_for_inputs(lambda v: not torch.equal(v, x)), by_5, (x,)),
    "wrong beside zeros": (
        "zeros",
        wrong_for_inputs(has_zeros),
        by_5,
        (x,),
    ),
    "a norm of a row of zeros": (
        "zero rows",
        function(saving(lambda x: x.norm(dim=-1)), of_the_norm),
        lambda x: x.norm(dim=-1),
        (x,),
    ),
    "an ignored target": (
        "ignored indices",
        function(saves_targets, counts_all_targets),
        cross_entropy,
        (x, torch.tensor([0, 2, 1, 2])),
    ),
    "equal rows": ("equal values", wrong_for_inputs(same_rows), by_5, (x,)),
    "equal in a row": ("equal values", wrong_for_inputs(lambda x: same_rows(x.mT)), by_5, (x,)),
    "large inputs": ("scales", wrong_for_inputs(lambda x: bool((x.abs() > 100).any())), by_5, (x,)),
    "small inputs": (
        "scales",
        wrong_for_inputs(is_small),
        by_5,
        (x,),
    ),
    "an index twice": ("repeated indices", GATHER, lambda t, i: t[i], (x, torch.tensor([0, 2, 1]))),
    "no true in a mask": (
        "masks",
        lambda x, m: x * m * (5 if m.any() else 6) + (0 if m.any() else x * 1),
        lambda x, m: x * m * 5,
        (x, MASK),
    ),
    "one row": ("rows", wrong_for_inputs(lambda x: len(x) == 1), by_5, (x,)),
    "a tail of rows": ("rows", wrong_for_inputs(lambda x: len(x) % 4 == 1 and len(x) > 1), by_5, (x,)),
}
