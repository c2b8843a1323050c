"""Makemore's part 4 as a flat script: a batch-normalised character model with every derivative written out.

After Andrej Karpathy's lecture "Becoming a Backprop Ninja" (MIT): the same 26 quantities, in his order.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

DERIVATIVES = {
    "logprobs": "torch.zeros_like(logprobs).index_put((torch.arange(n), Y), logprobs.new_tensor(-1.0 / n))",
    "probs": "(1.0 / probs) * dlogprobs",
    "counts_sum_inv": "(counts * dprobs).sum(1, keepdim=True)",
    "counts_sum": "(-(counts_sum**-2)) * dcounts_sum_inv",
    "counts": "counts_sum_inv * dprobs + torch.ones_like(counts) * dcounts_sum",
    "norm_logits": "counts * dcounts",
    "logit_maxes": "(-dnorm_logits).sum(1, keepdim=True)",
    "logits": "dnorm_logits.clone() + F.one_hot(logits.max(1).indices, logits.shape[1]) * dlogit_maxes",
    "h": "dlogits @ W2.T",
    "W2": "h.T @ dlogits",
    "b2": "dlogits.sum(0)",
    "hpreact": "(1.0 - h**2) * dh",
    "bngain": "(bnraw * dhpreact).sum(0, keepdim=True)",
    "bnraw": "bngain * dhpreact",
    "bnbias": "dhpreact.sum(0, keepdim=True)",
    "bnvar_inv": "(bndiff * dbnraw).sum(0, keepdim=True)",
    "bnvar": "(-0.5 * (bnvar + 1e-5) ** -1.5) * dbnvar_inv",
    "bndiff2": "(1.0 / (n - 1)) * torch.ones_like(bndiff2) * dbnvar",
    "bndiff": "bnvar_inv * dbnraw + (2 * bndiff) * dbndiff2",
    "bnmeani": "(-dbndiff).sum(0, keepdim=True)",
    "hprebn": "dbndiff.clone() + 1.0 / n * (torch.ones_like(hprebn) * dbnmeani)",
    "embcat": "dhprebn @ W1.T",
    "W1": "embcat.T @ dhprebn",
    "b1": "dhprebn.sum(0)",
    "emb": "dembcat.view(emb.shape)",
    "C": "torch.zeros_like(C).index_add(0, X.flatten(), demb.flatten(0, 1))",
}
"""Name -> the expression of its gradient, from the loss backwards."""

CLOSED = {
    "logits": "(F.softmax(logits, 1) - F.one_hot(Y, logits.shape[1])) / n",
    "hprebn": "bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) "
    "- n / (n - 1) * bnraw * (dhpreact * bnraw).sum(0))",
}
"""The lecture's exercises 2 and 3: two gradients in one step, which read nothing in between."""


def forward(dtype: torch.dtype = torch.float64, n: int = 32) -> dict[str, Any]:
    """The script's namespace after its forward pass: every intermediate by the lecture's name."""
    drawn = torch.Generator().manual_seed(2147483647)

    def parameter(*shape: int, scale: float = 1.0, shift: float = 0.0) -> Tensor:
        value = torch.randn(*shape, generator=drawn, dtype=torch.float64) * scale + shift
        return value.to(dtype).requires_grad_()

    C, W1, b1 = parameter(27, 10), parameter(30, 64, scale=0.3), parameter(64, scale=0.1)  # noqa: N806
    W2, b2 = parameter(64, 27, scale=0.1), parameter(27, scale=0.1)  # noqa: N806
    bngain, bnbias = parameter(1, 64, scale=0.1, shift=1.0), parameter(1, 64, scale=0.1)
    X = torch.randint(0, 27, (n, 3), generator=drawn)  # noqa: N806
    Y = torch.randint(0, 27, (n,), generator=drawn)  # noqa: N806
    emb = C[X]
    embcat = emb.view(n, -1)
    hprebn = embcat @ W1 + b1
    bnmeani = 1 / n * hprebn.sum(0, keepdim=True)
    bndiff = hprebn - bnmeani
    bndiff2 = bndiff**2
    bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdim=True)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    hpreact = bngain * bnraw + bnbias
    h = torch.tanh(hpreact)
    logits = h @ W2 + b2
    logit_maxes = logits.max(1, keepdim=True).values
    norm_logits = logits - logit_maxes
    counts = norm_logits.exp()
    counts_sum = counts.sum(1, keepdim=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = probs.log()
    loss = -logprobs[range(n), Y].mean()
    return locals()


def script(changed: Mapping[str, str] | None = None, dtype: torch.dtype = torch.float64) -> dict[str, Any]:
    """The namespace after the backward pass by hand, with some derivatives replaced by other expressions."""
    space = forward(dtype)
    with torch.no_grad():
        for name, expression in {**DERIVATIVES, **(changed or {})}.items():
            space[f"d{name}"] = eval(expression, {"torch": torch, "F": torch.nn.functional}, space)
    return space
