"""The sign of the shared term is lost."""

import torch


def by_hand(p, inputs, observed):
    y1 = torch.log(1 + torch.exp(p["w1"] * inputs + p["b1"]))
    y2 = torch.log(1 + torch.exp(p["w2"] * inputs + p["b2"]))
    predicted = p["w3"] * y1 + p["w4"] * y2 + p["b3"]
    shared = 2 * (observed - predicted)
    return {"predicted": shared, "w3": (shared * y1).sum(), "w4": (shared * y2).sum(), "b3": shared.sum()}
