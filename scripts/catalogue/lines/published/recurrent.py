"""Recurrent layers in the style of CS231n's captioning assignment, min-char-rnn and others."""

import torch
import torch.nn.functional as F


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    a = prev_h @ Wh + x @ Wx + b
    next_h = torch.tanh(a)
    cache = (x, Wx, Wh, prev_h, next_h)
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    x, Wx, Wh, prev_h, next_h = cache
    da = (1 - next_h**2) * dnext_h
    dx = da @ Wx.T
    dprev_h = da @ Wh.T
    dWx = x.T @ da
    dWh = prev_h.T @ da
    db = da.sum(0)
    return dx, dprev_h, dWx, dWh, db


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    prev_h, caches, hs = h0, [], []
    for t in range(T):
        next_h, cache = rnn_step_forward(x[:, t], prev_h, Wx, Wh, b)
        prev_h = next_h
        caches.append(cache)
        hs.append(next_h)
    return torch.stack(hs, 1), (caches, x)


def rnn_backward(dh, cache):
    caches, x = cache
    N, T, H = dh.shape
    dx = torch.zeros_like(x)
    dprev_h = torch.zeros((N, H), dtype=x.dtype)
    dWx, dWh, db = 0, 0, 0
    for t in reversed(range(T)):
        dnext_h = dh[:, t] + dprev_h
        dx[:, t], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dnext_h, caches[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    dh0 = dprev_h
    return dx, dh0, dWx, dWh, db


def word_embedding_forward(x, W):
    out = W[x]
    return out, (x, W)


def word_embedding_backward(dout, cache):
    x, W = cache
    dW = torch.zeros_like(W)
    dW.index_add_(0, x.flatten(), dout.reshape(-1, W.shape[1]))
    return None, dW


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    a = x @ Wx + prev_h @ Wh + b
    ai, af, ao, ag = a.chunk(4, 1)
    i = torch.sigmoid(ai)
    f = torch.sigmoid(af)
    o = torch.sigmoid(ao)
    g = torch.tanh(ag)
    next_c = f * prev_c + i * g
    tanh_c = torch.tanh(next_c)
    next_h = o * tanh_c
    return (next_h, next_c), (x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c = cache
    do = dnext_h * tanh_c
    dnext_c = dnext_c + dnext_h * o * (1 - tanh_c**2)
    df = dnext_c * prev_c
    dprev_c = dnext_c * f
    di = dnext_c * g
    dg = dnext_c * i
    dai = di * i * (1 - i)
    daf = df * f * (1 - f)
    dao = do * o * (1 - o)
    dag = dg * (1 - g**2)
    da = torch.cat([dai, daf, dao, dag], 1)
    dx = da @ Wx.T
    dprev_h = da @ Wh.T
    dWx = x.T @ da
    dWh = prev_h.T @ da
    db = da.sum(0)
    return dx, dprev_h, dprev_c, dWx, dWh, db


def lstm_reference(x, h, c, Wx, Wh, b):
    i, f, o, g = (x @ Wx + h @ Wh + b).chunk(4, 1)
    new_c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * new_c.tanh(), new_c


def gru_step_forward(x, h, Wz, Wr, Wn, Uz, Ur, Un):
    z = torch.sigmoid(x @ Wz + h @ Uz)
    r = torch.sigmoid(x @ Wr + h @ Ur)
    hu = h @ Un
    n = torch.tanh(x @ Wn + r * hu)
    h_next = (1 - z) * n + z * h
    return h_next, (x, h, Wz, Wr, Wn, Uz, Ur, Un, z, r, hu, n)


def gru_step_backward(cache, dh_next):
    x, h, Wz, Wr, Wn, Uz, Ur, Un, z, r, hu, n = cache
    dz = dh_next * (h - n)
    dn = dh_next * (1 - z)
    dan = dn * (1 - n**2)
    dr = dan * hu
    dhu = dan * r
    daz = dz * z * (1 - z)
    dar = dr * r * (1 - r)
    dx = daz @ Wz.T + dar @ Wr.T + dan @ Wn.T
    dh = dh_next * z + daz @ Uz.T + dar @ Ur.T + dhu @ Un.T
    dWz, dWr, dWn = x.T @ daz, x.T @ dar, x.T @ dan
    dUz, dUr, dUn = h.T @ daz, h.T @ dar, h.T @ dhu
    return dx, dh, dWz, dWr, dWn, dUz, dUr, dUn


def gru_reference(x, h, Wz, Wr, Wn, Uz, Ur, Un):
    z, r = torch.sigmoid(x @ Wz + h @ Uz), torch.sigmoid(x @ Wr + h @ Ur)
    return (1 - z) * torch.tanh(x @ Wn + r * (h @ Un)) + z * h


def rnn_reference(x, h, Wx, Wh, b):
    hs = []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ Wx + h @ Wh + b)
        hs.append(h)
    return torch.stack(hs, 1)


R = torch.randn
SUBJECTS = {
    "rnn_step": lambda: (
        (rnn_step_forward, lambda cache, dout: rnn_step_backward(dout, cache)),
        lambda x, h, Wx, Wh, b: torch.tanh(x @ Wx + h @ Wh + b),
        (R(5, 3), R(5, 4), R(3, 4), R(4, 4), R(4)),
    ),
    "rnn": lambda: (
        (rnn_forward, lambda cache, dout: rnn_backward(dout, cache)),
        rnn_reference,
        (R(5, 4, 3), R(5, 4), R(3, 4), R(4, 4), R(4)),
    ),
    "word_embedding": lambda: (
        (word_embedding_forward, lambda cache, dout: word_embedding_backward(dout, cache)),
        lambda x, W: F.embedding(x, W),
        (torch.randint(0, 6, (4, 5)), R(6, 3)),
    ),
    "lstm_step": lambda: (
        (lstm_step_forward, lambda cache, dh, dc: lstm_step_backward(dh, dc, cache)),
        lstm_reference,
        (R(5, 3), R(5, 4), R(5, 4), R(3, 16), R(4, 16), R(16)),
    ),
    "gru_step": lambda: (
        (gru_step_forward, gru_step_backward),
        gru_reference,
        (R(5, 3), R(5, 4), *(R(3, 4) for _ in range(3)), *(R(4, 4) for _ in range(3))),
    ),
}
