"""Whatever loss.backward() can run is taken: any callable, any nest of arguments and of outputs."""

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear, silu
from torch.utils.checkpoint import checkpoint

from autograd_functions import function, saving
from torch_reference import Report, check_function

x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
w = torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 0.5
z = torch.complex(x, w)
ROWS = torch.tensor([0, 2, 2])


class Scaled:
    """An object with a method and a call."""

    def method(self, x: Tensor, factor: float = 2.0) -> Tensor:
        """A multiple."""
        return x * factor

    __call__ = method


Both = namedtuple("Both", "first second")


@dataclass
class Output:
    """A result with names."""

    logits: Tensor
    loss: Tensor | None = None


def doubled(x: Tensor, factor: float) -> Tensor:
    """A multiple, with gradients for the tensor alone."""
    return x * factor


square = function(saving(lambda z: z * z), lambda ctx, g: 2 * g * ctx.saved_tensors[0].conj())
weighted = function(saving(lambda x, m: x * m), lambda ctx, g: (g * ctx.saved_tensors[1], None))
TAKEN: dict[str, Callable[[], Report]] = {
    "a function of torch's": lambda: check_function(silu, silu, x),
    "a lambda": lambda: check_function(lambda x: x.sin(), torch.sin, x),
    "a bound method": lambda: check_function(Scaled().method, lambda x: x + x, x),
    "an object that can be called": lambda: check_function(Scaled(), lambda x: x + x, x),
    "a partial": lambda: check_function(partial(doubled, factor=3.0), lambda x: 3 * x, x),
    "a module": lambda: check_function(nn.Softplus(threshold=40), lambda x: torch.logaddexp(x, 0 * x), x),
    "a Function's apply": lambda: check_function(square.apply, torch.square, x),
    "a number beside a tensor": lambda: check_function(
        function(
            lambda ctx, x, f: x * vars(ctx).setdefault("f", f), lambda ctx, g: (g * vars(ctx)["f"], None)
        ),
        lambda x, f: x * f,
        *(x, 3.0),
    ),
    "words, None, truth values and a dtype": lambda: check_function(
        lambda x, mode, none, keep, dtype: x.sum(-1, keepdim=keep, dtype=dtype),
        lambda x, mode, none, keep, dtype: x.sum(-1, keepdim=keep),
        *(x, "mean", None, True, torch.float64),
    ),
    "keywords": lambda: check_function(doubled, lambda x, factor: factor * x, x, factor=2.0),
    "tensors by keyword": lambda: check_function(
        linear, lambda input, weight: input @ weight.T, input=x, weight=w
    ),
    "a list of tensors": lambda: check_function(torch.cat, lambda parts: torch.concatenate(parts), [x, w]),
    "a dict in a tuple": lambda: check_function(
        lambda nest: nest[0]["a"] * nest[1], lambda nest: nest[1] * nest[0]["a"], ({"a": x, "b": [None]}, w)
    ),
    "a pair with nested gradients": lambda: check_function(
        (
            lambda nest, f: (nest[0] * nest[1] * f, (*nest, f)),
            lambda kept, g: ([g * kept[1] * kept[2], g * kept[0] * kept[2]], None),
        ),
        lambda nest, f: f * nest[0] * nest[1],
        *([x, w], 2.0),
    ),
    "a pair with one gradient for each tensor": lambda: check_function(
        (lambda x, f: (x * f, f), lambda f, g: g * f), lambda x, f: f * x, x, 2.0
    ),
    "a pair of numpy's": lambda: check_function(
        (lambda a: (np.tanh(a), np.tanh(a)), lambda y, g: np.asarray(g) * (1 - y**2)), torch.tanh, x.numpy()
    ),
    "a constant with None for its gradient": lambda: check_function(
        weighted, lambda x, m: x * m, x.clone().requires_grad_(), w
    ),
    "a bool output": lambda: check_function(lambda x: (x * 2, x > 0), lambda x: (x + x, x > 0), x),
    "indices": lambda: check_function(lambda x: x.max(-1), lambda x: (x.amax(-1), x.argmax(-1)), x),
    "None, a number and a word": lambda: check_function(
        lambda x: (x * 2, None, 3, "a"), lambda x: (x + x, None, 3, "a"), x
    ),
    "a dict as the output": lambda: check_function(lambda x: {"a": x * 2}, lambda x: OrderedDict(a=x + x), x),
    "a named tuple": lambda: check_function(lambda x: Both(x * 2, x.exp()), lambda x: (x + x, x.exp()), x),
    "a dataclass": lambda: check_function(lambda x: Output(x * 2), lambda x: Output(x + x), x),
    "a nest of outputs": lambda: check_function(
        lambda x: ([x * 2], {"k": (x,)}), lambda x: ([x + x], {"k": (x * 1,)}), x
    ),
    "a sparse gradient": lambda: check_function(
        lambda w: embedding(ROWS, w, sparse=True), lambda w: w[ROWS], w
    ),
    "a sparse output": lambda: check_function(lambda x: x.sin().to_sparse(), torch.sin, x),
    "what works with .backward() alone": lambda: check_function(
        lambda x: checkpoint(torch.sin, x, use_reentrant=True), lambda x: torch.sin(x), x
    ),
    "complex inputs": lambda: check_function(square, lambda z: z * z, z),
    "a complex output of real inputs": lambda: check_function(torch.complex, lambda a, b: a + 1j * b, x, w),
    "a view of its input": lambda: check_function(
        function(lambda ctx, x: x.view_as(x), lambda ctx, g: g), lambda x: x + 0, x
    ),
}


@pytest.mark.sample(3)
@pytest.mark.parametrize("call", TAKEN.values(), ids=TAKEN)
def test_what_is_right_agrees(call: Callable[[], Report]) -> None:
    """Each of its kind, with numbers of its own."""
    report = call()
    assert report, str(report)
    assert str(report).startswith("AGREEMENT: ")


@pytest.mark.slow
def test_what_requires_grad_chooses_unless_wrt_does() -> None:
    """By position, by keyword, or by the inputs themselves."""
    wrong_m = function(saving(lambda x, m: x * m), lambda ctx, g: (g * ctx.saved_tensors[1], -g))
    leaf = x.clone().requires_grad_()
    assert check_function(wrong_m, torch.mul, leaf, w)
    assert not check_function(wrong_m, torch.mul, leaf, w, wrt=[1])
    assert not check_function(wrong_m, torch.mul, x, w)
    names = [
        finding.name for finding in check_function(linear, linear, input=x, weight=w, wrt=["weight"]).findings
    ]
    assert names == ["outputs[0]", "inputs['weight']"]
    with pytest.raises(ValueError, match=r"expected one of 'input', 'weight'.* found 'bias'"):
        check_function(linear, linear, input=x, weight=w, wrt=["bias"])


def test_float8_is_refused_in_one_line() -> None:
    """Its numbers can hardly be told apart."""
    with pytest.raises(ValueError, match=r"inputs\[0\]: torch.float8_e4m3fn cannot be judged"):
        check_function(torch.sin, torch.sin, torch.ones(2).to(torch.float8_e4m3fn))
    quantised = lambda x: (2 * x, x.to(torch.float8_e4m3fn))  # noqa: E731
    with pytest.raises(ValueError, match=r"outputs\[1\]: torch.float8_e4m3fn cannot be judged"):
        check_function(quantised, quantised, torch.ones(2))


def test_nothing_that_depends_on_the_inputs_is_no_agreement() -> None:
    """A comparison of constants: whatever the backward returns, nothing says that it is wrong."""
    report = check_function(lambda x: x.detach() * 2, lambda x: x.detach() + x.detach(), x)
    assert not report
    assert "nothing was compared" in str(report)


@pytest.mark.slow
def test_the_users_own_gradients_are_left_alone() -> None:
    """A function that works with .backward() alone adds to its own weight's gradient: that is undone."""
    weight = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    weight.grad = torch.full_like(weight, 7.0)
    assert check_function(
        lambda x: checkpoint(torch.sin, x, use_reentrant=True) * weight, lambda x: torch.sin(x) * 1, x
    )
    assert torch.equal(weight.grad, torch.full_like(weight, 7.0))
