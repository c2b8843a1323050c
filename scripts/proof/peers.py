"""What other tools say of a case of the catalogue: torch's gradcheck, jax's check_grads, Karpathy's rule.

Each answer is (refused, the name that is blamed or ""). Every tool is called as its documentation shows, with
its own defaults.
"""

import importlib.util
import re
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import functional_call

from catalogue import Case

Answer = tuple[bool, str]


def torch_gradcheck(case: Case, fast_mode: bool) -> Answer:
    """torch.autograd.gradcheck of the derivation as the backward of a Function of the parameters."""
    parameters = _parameters(case)
    try:
        torch.autograd.gradcheck(_as_function(case), list(parameters.values()), fast_mode=fast_mode)
    except (RuntimeError, ValueError) as error:  # gradcheck's own error is a RuntimeError
        found = re.search(r"with respect to input (\d+)", str(error))
        return True, list(parameters)[int(found[1])] if found else ""
    return False, ""


def karpathy(case: Case) -> Answer:
    """The rule of makemore, part 4: exact where all are equal, approximate where torch.allclose holds.

    It compares every intermediate by its name, from the loss backwards, and broadcasts; what is not even
    approximate is refused.
    """
    model, loss, inputs, targets = case.network
    grads: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(_retain(name, grads)) for name, module in model.named_modules() if name
    ]
    model.zero_grad()
    loss(model(inputs), targets).backward()
    for handle in handles:
        handle.remove()
    grads |= {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
    for name, manual in case.derivation(_parameters(case), inputs, targets).items():
        right = grads[name] if name in model.state_dict() else grads[name].grad
        try:
            approximate = right is not None and bool(torch.isclose(manual, right).all())
        except RuntimeError:  # shapes that not even broadcasting brings together
            return True, name
        if not approximate:
            return True, name
    return False, ""


def jax_check_grads(case: Case) -> Answer | None:
    """jax.test_util.check_grads of the derivation as a custom_vjp; None where jax is not installed.

    The network is torch's: jax calls it back on the host, which costs time and changes no number. Its
    tolerances are its own defaults for the dtype.
    """
    if importlib.util.find_spec("jax") is None:
        return None
    import jax
    import numpy as np
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    parameters = _parameters(case)
    names = list(parameters)
    shapes = tuple(
        jax.ShapeDtypeStruct(tuple(v.shape), v.detach().numpy().dtype) for v in parameters.values()
    )
    scalar = jax.ShapeDtypeStruct((), shapes[0].dtype)

    def value(*arrays: object) -> object:
        given = dict(zip(names, (torch.tensor(np.asarray(array)) for array in arrays), strict=True))
        return np.asarray(_loss(case, given).numpy(), dtype=scalar.dtype)

    def gradients(*arrays: object) -> tuple[object, ...]:
        given = dict(zip(names, (torch.tensor(np.asarray(array)) for array in arrays), strict=True))
        found = case.derivation(given, *case.network[2:])
        return tuple(np.asarray(found[name].numpy(), dtype=scalar.dtype) for name in names)

    @jax.custom_vjp
    def function(*arrays: object) -> object:
        return jax.pure_callback(value, scalar, *arrays)

    def backward(arrays: Sequence[object], upstream: object) -> tuple[object, ...]:
        found = jax.pure_callback(gradients, shapes, *arrays)
        return tuple(upstream * gradient for gradient in found)

    function.defvjp(lambda *arrays: (function(*arrays), arrays), backward)
    try:
        arrays = [jax.numpy.asarray(value.detach().numpy()) for value in parameters.values()]
        check_grads(function, arrays, order=1, modes=["rev"])
    except Exception:  # an AssertionError, or jax's error about a shape, wrapped in one of several kinds
        return True, ""
    return False, ""


def _parameters(case: Case) -> dict[str, Tensor]:
    return {
        name: value.detach().clone().requires_grad_() for name, value in case.network[0].named_parameters()
    }


def _loss(case: Case, parameters: dict[str, Tensor]) -> Tensor:
    model, loss, inputs, targets = case.network
    with torch.no_grad():
        return loss(functional_call(model, parameters, (inputs,)), targets)


def _as_function(case: Case) -> Callable[..., Tensor]:
    names = list(_parameters(case))

    class Derived(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *values: Tensor) -> Tensor:
            ctx.save_for_backward(*values)
            return _loss(case, dict(zip(names, values, strict=True)))

        @staticmethod
        def backward(ctx, d_loss_d_loss: Tensor) -> tuple[Tensor, ...]:
            parameters = dict(zip(names, ctx.saved_tensors, strict=True))
            found = case.derivation(parameters, *case.network[2:])
            return tuple(d_loss_d_loss * found[name] for name in names)

    return Derived.apply


def _retain(name: str, grads: dict[str, Tensor]) -> Callable[..., None]:
    def keep(_module: object, _inputs: object, output: Tensor) -> None:
        output.retain_grad()
        grads[name] = output

    return keep


def quietly(call: Callable[[Case], Answer | None], case: Case) -> Answer | None:
    """Without the warnings: gradcheck warns of float32 inputs, which are the point of some cases."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(case)
