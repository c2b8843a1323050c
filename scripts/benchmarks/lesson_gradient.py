"""The gradient of the lesson's network, on 3 observations and on any number: against all that derives."""

import functools
import importlib.util
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

import manual_backprop
import torch_reference
from benchmarks.contest import Contest, Contestant
from manual_backprop import LESSON_WRT, lesson
from manual_backprop.fast import lesson_gradient as fast
from manual_backprop.fast.seven_parameters import SEVEN

THRESHOLD = torch_reference.SOFTPLUS_THRESHOLD
ALL = {3: LESSON_WRT, 7: SEVEN}
GOALS = {
    "small": {"autograd eager": 6.0, "JAX jit": 1.0},
    "large": {"autograd eager": 2.5, "torch.compile": 1.2, "JAX jit": 1.2},
}


class Network(nn.Module):
    """The network as a user of autograd writes it, with the lesson's names."""

    def __init__(self, parameters: dict[str, Tensor], wrt: Sequence[str]) -> None:
        super().__init__()
        for name, value in parameters.items():
            self.register_parameter(name, nn.Parameter(value.clone(), requires_grad=name in wrt))

    def forward(self, inputs: Tensor) -> Tensor:
        return predicted(dict(self.named_parameters()), inputs)

    def gradients(self) -> dict[str, Tensor]:
        """What backward left."""
        return {name: value.grad for name, value in self.named_parameters() if value.grad is not None}


def predicted(p: dict[str, Tensor], inputs: Tensor) -> Tensor:
    """The forward pass."""
    y1 = nn.functional.softplus(p["w1"] * inputs + p["b1"], threshold=THRESHOLD)
    y2 = nn.functional.softplus(p["w2"] * inputs + p["b2"], threshold=THRESHOLD)
    return p["w3"] * y1 + p["w4"] * y2 + p["b3"]


def data(observations: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """The lesson's three observations, or as many random ones."""
    if observations == 3:
        inputs, observed = lesson.data(dtype)
    else:
        generator = torch.Generator().manual_seed(0)
        inputs, observed = torch.rand(2, observations, dtype=dtype, generator=generator).unbind()
    return inputs.to(device), observed.to(device)


def contest(observations: int, free: int, dtype: torch.dtype, device: torch.device, quick: bool) -> Contest:
    """The gradient with respect to w3, w4 and b3, or to all seven parameters."""
    wrt = ALL[free]
    inputs, observed = data(observations, dtype, device)
    parameters = {name: value.to(device) for name, value in lesson.start(dtype).items()}
    case = (parameters, inputs, observed)
    network = Network(parameters, wrt)

    def autograd() -> dict[str, Tensor]:
        network.zero_grad()
        ((observed - network(inputs)) ** 2).sum().backward()
        return network.gradients()

    still = {name: value for name, value in parameters.items() if name not in wrt}
    moving = {name: parameters[name] for name in wrt}

    def ssr(free: dict[str, Tensor], inputs: Tensor, observed: Tensor) -> Tensor:
        return ((observed - predicted({**still, **free}, inputs)) ** 2).sum()

    functional = torch.func.grad(ssr)
    peers = [
        Contestant("plain derivation", lambda: manual_backprop.gradients(*case, wrt)),
        Contestant("autograd eager", autograd),
        Contestant("torch.func.grad", lambda: functional(moving, inputs, observed)),
    ]
    missing: list[str] = []
    makers: dict[str, Callable[[], Callable[[], Any]]] = {
        "torch.compile": lambda: functools.partial(_compiled(functional), moving, inputs, observed),
        "JAX jit": lambda: _jax(case, wrt),
    }
    if quick:
        del makers["torch.compile"]  # it compiles for half a minute
    if device.type != "cpu" or not importlib.util.find_spec("jax"):
        del makers["JAX jit"]
        missing.append("JAX jit")
    for name, make in makers.items():
        start = time.perf_counter()
        run = make()
        run()
        peers.append(Contestant(name, run, prepared_in=time.perf_counter() - start))
    ours = Contestant("manual_backprop.fast.lesson_gradient", lambda: fast.gradients(*case, wrt))
    names = {name for peer in peers for name in (peer.name, *missing)}
    goals = GOALS["small" if observations == 3 else "large"]
    how_many = "3 observations" if observations == 3 else f"{observations:,} observations"
    return Contest(
        name=f"gradient-{free}-of-{observations}",
        title=f"gradient of {', '.join(wrt) if free == 3 else 'all seven'}, {how_many}",
        size=observations,
        ours=ours,
        peers=peers,
        goals={name: goal for name, goal in goals.items() if name in names},
        check=lambda: _check(case, wrt, ours, peers),
        missing=missing,
    )


def _check(case: Any, wrt: Sequence[str], ours: Contestant, peers: Sequence[Contestant]) -> None:
    """Every peer within the derived bound of ours."""
    bounds = {name: bound.cpu() for name, bound in torch_reference.bounds(*case).items()}
    mine = {name: value.cpu() for name, value in ours.run().items()}
    for peer in peers:
        theirs = {name: torch.as_tensor(value).cpu() for name, value in _plain(peer.run()).items()}
        rows = torch_reference.compare(mine, {name: theirs[name] for name in wrt}, bounds)
        assert all(row.agrees for row in rows), f"{peer.name} computes something else: {rows}"


def _plain(result: dict[str, Any]) -> dict[str, Any]:
    """JAX's arrays as numbers of numpy, which torch reads."""
    return {
        name: value if isinstance(value, Tensor) else torch.tensor(value.__array__())
        for name, value in result.items()
    }


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    torch.compiler.reset()
    return torch.compile(function, dynamic=False)


def _jax(case: tuple[dict[str, Tensor], Tensor, Tensor], wrt: Sequence[str]) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    parameters, inputs, observed = case
    given = {name: jnp.asarray(value.numpy()) for name, value in parameters.items()}
    still = {name: value for name, value in given.items() if name not in wrt}
    moving = {name: given[name] for name in wrt}
    arrays = jnp.asarray(inputs.numpy()), jnp.asarray(observed.numpy())

    def ssr(free: Any, still: Any, inputs: Any, observed: Any) -> Any:
        p = {**still, **free}
        y1 = jax.nn.softplus(p["w1"] * inputs + p["b1"])
        y2 = jax.nn.softplus(p["w2"] * inputs + p["b2"])
        return jnp.sum((observed - (p["w3"] * y1 + p["w4"] * y2 + p["b3"])) ** 2)

    gradient = jax.jit(jax.grad(ssr))
    return lambda: jax.block_until_ready(gradient(moving, still, *arrays))
