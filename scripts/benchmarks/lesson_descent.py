"""A thousand steps of the lesson's descent on w3, w4 and b3: against the loop that everybody writes."""

import torch
from torch import Tensor

from benchmarks.contest import Contest, Contestant
from benchmarks.lesson_gradient import ALL, Network, data
from manual_backprop import lesson
from manual_backprop.fast.quick_descent import descend as quick
from manual_backprop.lesson.descent import descend

STEPS = 1000


def contest(observations: int, dtype: torch.dtype, device: torch.device, quick_run: bool) -> Contest:
    """Both take the same steps; of many observations the loop takes a few, and its time is scaled."""
    inputs, observed = data(observations, dtype, device)
    parameters = {name: value.to(device) for name, value in lesson.start(dtype).items()}
    rate = 0.01 * 3 / observations  # the SSR grows with n, and so does its curvature
    steps = STEPS if observations == 3 else 2 if quick_run else 10

    def loop() -> dict[str, Tensor]:
        network = Network(parameters, ALL[3])
        optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=rate)
        for _ in range(steps):
            optimizer.zero_grad()
            ((observed - network(inputs)) ** 2).sum().backward()
            optimizer.step()
        return {name: value.detach() for name, value in network.named_parameters()}

    def ours(max_steps: int = STEPS) -> dict[str, Tensor]:
        rules = {"learning_rate": rate, "max_steps": max_steps, "min_step_size": 0.0}
        return dict(quick(parameters, inputs, observed, **rules).parameters)

    def plain() -> None:
        descend(parameters, inputs, observed, learning_rate=rate, max_steps=steps, min_step_size=0.0)

    def check() -> None:
        """The same point after the same steps: each step rounds a few times, relative to terms of order 1."""
        mine, theirs = ours(steps), loop()
        allowed = 64 * steps * torch.finfo(dtype).eps
        for name in ALL[3]:
            assert abs(mine[name][-1].item() - theirs[name].item()) <= allowed, f"{name} went elsewhere"

    share = steps / STEPS
    return Contest(
        name=f"descent-of-{observations}",
        title=f"1000 descent steps, {observations:,} observations",
        size=observations,
        ours=Contestant("manual_backprop.fast.quick_descent", ours),
        peers=[
            Contestant("plain derivation", plain, share),
            Contestant("torch.optim.SGD loop", loop, share),
        ],
        goals={"torch.optim.SGD loop": 30.0 if observations == 3 else 1000.0},
        check=check,
    )
