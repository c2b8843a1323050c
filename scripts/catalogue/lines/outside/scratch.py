"""Layers as "Deep Learning from Scratch" builds them in NumPy (MIT licence), written anew for torch."""

import torch
import torch.nn.functional as F


def gru_forward(x, h_prev, Wx, Wh):
    H = h_prev.shape[1]
    Wxz, Wxr, Wxh = Wx[:, :H], Wx[:, H : 2 * H], Wx[:, 2 * H :]
    Whz, Whr, Whh = Wh[:, :H], Wh[:, H : 2 * H], Wh[:, 2 * H :]
    z = torch.sigmoid(x @ Wxz + h_prev @ Whz)
    r = torch.sigmoid(x @ Wxr + h_prev @ Whr)
    h_hat = torch.tanh(x @ Wxh + (r * h_prev) @ Whh)
    h_next = (1 - z) * h_prev + z * h_hat
    return h_next, (x, h_prev, z, r, h_hat, Wx, Wh)


def gru_backward(cache, dh_next):
    x, h_prev, z, r, h_hat, Wx, Wh = cache
    H = h_prev.shape[1]
    Wxz, Wxr, Wxh = Wx[:, :H], Wx[:, H : 2 * H], Wx[:, 2 * H :]
    Whz, Whr, Whh = Wh[:, :H], Wh[:, H : 2 * H], Wh[:, 2 * H :]
    dh_hat = dh_next * z
    dh_prev = dh_next * (1 - z)
    dt = dh_hat * (1 - h_hat**2)
    dWhh = (r * h_prev).T @ dt
    dhr = dt @ Whh.T
    dWxh = x.T @ dt
    dx = dt @ Wxh.T
    dh_prev = dh_prev + r * dhr
    dz = dh_next * h_hat - dh_next * h_prev
    dtz = dz * z * (1 - z)
    dWhz = h_prev.T @ dtz
    dh_prev = dh_prev + dtz @ Whz.T
    dWxz = x.T @ dtz
    dx = dx + dtz @ Wxz.T
    dr = dhr * h_prev
    dtr = dr * r * (1 - r)
    dWhr = h_prev.T @ dtr
    dh_prev = dh_prev + dtr @ Whr.T
    dWxr = x.T @ dtr
    dx = dx + dtr @ Wxr.T
    dWx = torch.hstack((dWxz, dWxr, dWxh))
    dWh = torch.hstack((dWhz, dWhr, dWhh))
    return dx, dh_prev, dWx, dWh


def gru_reference(x, h, Wx, Wh):
    z = torch.sigmoid(x @ Wx[:, :3] + h @ Wh[:, :3])
    r = torch.sigmoid(x @ Wx[:, 3:6] + h @ Wh[:, 3:6])
    new = torch.tanh(x @ Wx[:, 6:] + (r * h) @ Wh[:, 6:])
    return h + z * (new - h)


class Attention:
    """Weights from a softmax of products with one state, and the weighted sum."""

    def forward(hs, h):
        N, T, H = hs.shape
        hr = h.reshape(N, 1, H)
        t = hs * hr
        s = t.sum(2)
        a = torch.softmax(s, 1)
        ar = a.reshape(N, T, 1)
        c = (hs * ar).sum(1)
        return c, (hs, hr, a, ar)

    def backward(cache, dc):
        hs, hr, a, ar = cache
        N, T, H = hs.shape
        dct = dc.reshape(N, 1, H).repeat(1, T, 1)
        dar = dct * hs
        dhs0 = dct * ar
        da = dar.sum(2)
        ds = a * (da - (da * a).sum(1, keepdim=True))
        dt = ds.reshape(N, T, 1).repeat(1, 1, H)
        dhs1 = dt * hr
        dhr = dt * hs
        dh = dhr.sum(1)
        dhs = dhs0 + dhs1
        return dhs, dh


def attention_reference(hs, h):
    weights = torch.softmax(torch.einsum("nth,nh->nt", hs, h), 1)
    return torch.einsum("nt,nth->nh", weights, hs)


class TimeSoftmaxWithLoss:
    """Cross-entropy over all steps; those of the label −1 do not count."""

    def forward(xs, ts):
        N, T, V = xs.shape
        mask = (ts != -1).reshape(N * T)
        flat = ts.reshape(N * T).clamp(min=0)
        ys = torch.softmax(xs.reshape(N * T, V), 1)
        ls = torch.log(ys[torch.arange(N * T), flat]) * mask
        loss = -ls.sum() / mask.sum()
        return loss, (flat, ys, mask, (N, T, V))

    def backward(cache, dout):
        ts, ys, mask, (N, T, V) = cache
        dx = ys.clone()
        dx[torch.arange(N * T), ts] -= 1
        dx = dx * dout
        dx = dx / mask.sum()
        dx = dx * mask[:, None]
        dxs = dx.reshape(N, T, V)
        return dxs, None


class NegativeSampling:
    """The dot product of a hidden vector with rows of a table, and a logistic loss of it."""

    def forward(h, W, idx, t):
        target_W = W[idx]
        out = (target_W * h[:, None]).sum(2)
        y = torch.sigmoid(out)
        loss = -(t * y.log() + (1 - t) * (1 - y).log()).sum(1).mean()
        return loss, (h, W, idx, t, target_W, y)

    def backward(cache, dloss):
        h, W, idx, t, target_W, y = cache
        batch = h.shape[0]
        dout = (y - t) * dloss / batch
        dtarget_W = dout[:, :, None] * h[:, None]
        dW = torch.zeros_like(W)
        dW.index_add_(0, idx.reshape(-1), dtarget_W.reshape(-1, W.shape[1]))
        dh = (dout[:, :, None] * target_W).sum(1)
        return dh, dW, None, None


def negative_reference(h, W, idx, t):
    scores = torch.einsum("nkd,nd->nk", W[idx], h)
    return F.binary_cross_entropy_with_logits(scores, t, reduction="none").sum(1).mean()


class BiAffine:
    """Both directions of a sequence through one affine map: y = [x W, flip(x) W]."""

    def forward(xs, W, b):
        N, T, D = xs.shape
        rx = xs.reshape(N * T, D)
        forth = (rx @ W + b).reshape(N, T, -1)
        back = (xs.flip(1).reshape(N * T, D) @ W + b).reshape(N, T, -1).flip(1)
        return torch.cat((forth, back * 0.5), 2), (xs, W)

    def backward(cache, dhs):
        xs, W = cache
        N, T, D = xs.shape
        H = dhs.shape[2] // 2
        do1 = dhs[:, :, :H].reshape(N * T, H)
        do2 = 0.5 * dhs[:, :, H:].reshape(N * T, H)
        rx = xs.reshape(N * T, D)
        db = do1.sum(0) + do2.sum(0)
        dW = rx.T @ do1 + rx.T @ do2
        dxs1 = do1 @ W.T
        dxs2 = do2 @ W.T
        dxs = (dxs1 + dxs2).reshape(N, T, D)
        return dxs, dW, db


R = torch.randn
SUBJECTS = {
    "gru": lambda: (
        (gru_forward, gru_backward),
        gru_reference,
        (R(4, 2), R(4, 3), R(2, 9), R(3, 9)),
    ),
    "weighted": lambda: (
        (Attention.forward, Attention.backward),
        attention_reference,
        (R(3, 4, 2), R(3, 2)),
    ),
    "time_softmax": lambda: (
        (TimeSoftmaxWithLoss.forward, TimeSoftmaxWithLoss.backward),
        lambda x, t: F.cross_entropy(x.flatten(0, 1), t.flatten(), ignore_index=-1),
        (R(3, 4, 5), torch.tensor([[1, 4, -1, 0], [2, -1, 3, 3], [0, 1, 2, -1]])),
    ),
    "negative": lambda: (
        (NegativeSampling.forward, NegativeSampling.backward),
        negative_reference,
        (R(4, 3), R(6, 3), torch.tensor([[0, 5], [2, 0], [5, 5], [3, 1]]), (R(4, 2) > 0).double()),
        [0, 1],
    ),
    "bi_affine": lambda: (
        (BiAffine.forward, BiAffine.backward),
        lambda x, W, b: torch.cat((x @ W + b, 0.5 * (x @ W + b)), 2),
        (R(3, 2, 4), R(4, 3), R(3)),
    ),
}
