"""Lets autograd do the homework."""

import torch


def by_hand(p, inputs, observed):
    leaves = {name: value.clone().requires_grad_() for name, value in p.items()}
    y1 = torch.nn.functional.softplus(leaves["w1"] * inputs + leaves["b1"])
    y2 = torch.nn.functional.softplus(leaves["w2"] * inputs + leaves["b2"])
    predicted = leaves["w3"] * y1 + leaves["w4"] * y2 + leaves["b3"]
    ((observed - predicted) ** 2).sum().backward()
    return {name: leaves[name].grad for name in ("w3", "w4", "b3")}
