"""The derivation itself."""

import numpy as np


def by_hand(p, inputs, observed):
    w1, b1, w2, b2, w3, w4, b3 = (p[name].item() for name in ("w1", "b1", "w2", "b2", "w3", "w4", "b3"))
    y1 = np.log1p(np.exp(w1 * inputs.numpy() + b1))
    y2 = np.log1p(np.exp(w2 * inputs.numpy() + b2))
    shared = -2 * (observed.numpy() - (w3 * y1 + w4 * y2 + b3))
    return {"w3": (shared * y1).sum(), "w4": (shared * y2).sum(), "b3": float(shared.sum())}
