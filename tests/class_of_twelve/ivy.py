"""Waits for a convergence that never comes."""

import torch


def by_hand(p, inputs, observed):
    y1 = torch.log(1 + torch.exp(p["w1"] * inputs + p["b1"]))
    y2 = torch.log(1 + torch.exp(p["w2"] * inputs + p["b2"]))
    predicted = p["w3"] * y1 + p["w4"] * y2 + p["b3"]
    shared = -2 * (observed - predicted)
    while shared.abs().max() > 0:
        shared = shared * 1
    return {"w3": (shared * y1).sum(), "w4": (shared * y2).sum(), "b3": shared.sum()}
