"""Derivations of the lesson that do what a student's code may do: fail, end the process, hang, cheat."""

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Mapping

import torch
from torch import Tensor

Gradients = dict[str, Tensor]
Parameters = Mapping[str, Tensor]


def right(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """The lesson's three derivatives, in the textbook's form."""
    y1 = torch.log(1 + torch.exp(p["w1"] * inputs + p["b1"]))
    y2 = torch.log(1 + torch.exp(p["w2"] * inputs + p["b2"]))
    d_ssr_d_predicted = -2 * (observed - (p["w3"] * y1 + p["w4"] * y2 + p["b3"]))
    return {
        "w3": (d_ssr_d_predicted * y1).sum(),
        "w4": (d_ssr_d_predicted * y2).sum(),
        "b3": d_ssr_d_predicted.sum(),
    }


def three_only(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """A loop over three observations, however many there are."""
    return right(p, inputs[:3], observed[:3])


def wrong_sign(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """Every derivative with the other sign."""
    return {name: -value for name, value in right(p, inputs, observed).items()}


def numbers(p: Parameters, inputs: Tensor, observed: Tensor) -> dict[str, float]:
    """Python numbers."""
    return {name: value.item() for name, value in right(p, inputs, observed).items()}


def raises(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """A zero in the wrong place."""
    return {"w3": inputs * (1 / 0)}


def exits(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """Once counted as agreement."""
    sys.exit(0)


def exits_at_once(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """No handler runs."""
    os._exit(0)


def crashes(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """A read of address zero."""
    return {"w3": torch.tensor(float(len(ctypes.string_at(0))))}


def is_killed(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """As by a system whose memory runs out."""
    os.kill(os.getpid(), 9)
    return {}


def leaves_a_process(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """One that is independent of its own, and would live for minutes."""
    process = os.fork()
    if not process:
        os.setsid()
        time.sleep(100)
        os._exit(0)
    return {"w3": torch.tensor(float(process))}


def is_sparse(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """A tensor without the memory of others."""
    return {"w3": inputs.to_sparse()}


def writes_to_every_file(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """The link to the judge is one of them."""
    for file in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(file, b"AGREEMENT: 3 gradients")
    return right(p, inputs, observed)


def forges_its_answer(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """JSON whose depth and whose numbers no reader expects."""
    answers = iter(
        ["[" * 100_000, '{"document": {}, "sizes": [Infinity]}', '{"document": {"names": 1}, "sizes": []}']
    )
    sys._getframe(1).f_globals["wire"].dumps = lambda *_, **__: next(answers)
    return right(p, inputs, observed)


def loops(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """For ever."""
    while True:
        time.sleep(0.001)


def eats_memory(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """More than any machine has."""
    return {"w3": torch.ones(1 << 45, dtype=torch.float64).sum()}


def changes_its_input(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """After the work is done."""
    result = right(p, inputs, observed)
    inputs.add_(1)
    return result


def returns_its_input(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """The parameter itself, and something that requires grad."""
    return {**right(p, inputs, observed), "w3": p["w3"], "b3": p["b3"].clone().requires_grad_()}


def asks_autograd(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """The answer, derived by somebody else."""
    leaves = {name: value.clone().requires_grad_() for name, value in p.items()}
    y1 = torch.nn.functional.softplus(leaves["w1"] * inputs + leaves["b1"])
    y2 = torch.nn.functional.softplus(leaves["w2"] * inputs + leaves["b2"])
    predicted = leaves["w3"] * y1 + leaves["w4"] * y2 + leaves["b3"]
    names = ("w3", "w4", "b3")
    found = torch.autograd.grad(((observed - predicted) ** 2).sum(), [leaves[name] for name in names])
    return dict(zip(names, found, strict=True))


def calls_backward(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """Another door to autograd."""
    w3 = p["w3"].clone().requires_grad_()
    (w3 * inputs).sum().backward()
    return {"w3": w3.grad}


def hides_a_module(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """The activation of torch.nn."""
    return {"w3": torch.nn.Softplus()(p["w3"])}


def nothing(p: Parameters, inputs: Tensor, observed: Tensor) -> None:
    """A forgotten return."""
    print("here I am")


class AlwaysEqual(torch.Tensor):
    """A tensor that says of any comparison that it is true."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        """Whatever is asked, the answer is yes."""
        name = getattr(function, "__name__", "")
        if name in ("eq", "__eq__", "equal", "allclose", "le", "lt"):
            return torch.tensor(True)
        return super().__torch_function__(function, types, args, kwargs or {})


def lies(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
    """Wrong numbers in a tensor that denies it, a torch that was tampered with, and another default dtype."""
    torch.equal = lambda *_: True
    torch.Tensor.__eq__ = lambda *_: True
    torch.set_default_dtype(torch.float32)
    return {name: (2 * value).as_subclass(AlwaysEqual) for name, value in right(p, inputs, observed).items()}


class Homework:
    """A derivation as a method."""

    def by_hand(self, p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
        """Of an object that the loader makes."""
        return right(p, inputs, observed)

    def without_self(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:  # noqa: N805
        """Written as outside of the class."""
        return right(p, inputs, observed)

    @staticmethod
    def static(p: Parameters, inputs: Tensor, observed: Tensor) -> Gradients:
        """Of the class itself."""
        return right(p, inputs, observed)
