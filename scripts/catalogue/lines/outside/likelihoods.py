"""Likelihoods and policies in numpy, as courses and projects derive them: a pair returns the loss."""

import numpy as np
import torch
import torch.nn.functional as F


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def vae_forward(x, W_e, W_mu, W_sig, W_d, eps):
    h = np.tanh(x @ W_e)
    mu = h @ W_mu
    log_sigma = h @ W_sig
    sigma = np.exp(log_sigma)
    z = mu + sigma * eps
    y = sigmoid(z @ W_d)
    rec = -np.sum(x * np.log(y) + (1 - x) * np.log(1 - y))
    kl = -0.5 * np.sum(1 + 2 * log_sigma - mu**2 - sigma**2)
    return (rec + kl) / len(x), (x, W_e, W_mu, W_sig, W_d, eps, h, mu, log_sigma, sigma, z, y)


def vae_backward(cache, dloss):
    x, W_e, W_mu, W_sig, W_d, eps, h, mu, log_sigma, sigma, z, y = cache
    N = len(x)
    da_y = (y - x) / N * dloss
    dW_d = z.T @ da_y
    dz = da_y @ W_d.T
    dmu = dz + mu / N * dloss
    dlog_sigma = dz * eps * sigma + (sigma**2 - 1) / N * dloss
    dW_mu = h.T @ dmu
    dW_sig = h.T @ dlog_sigma
    dh = dmu @ W_mu.T + dlog_sigma @ W_sig.T
    dh_raw = dh * (1 - h**2)
    dW_e = x.T @ dh_raw
    return None, dW_e, dW_mu, dW_sig, dW_d, None


def vae_reference(x, W_e, W_mu, W_sig, W_d, eps):
    h = torch.tanh(x @ W_e)
    mu, ls = h @ W_mu, h @ W_sig
    rec = F.binary_cross_entropy_with_logits((mu + ls.exp() * eps) @ W_d, x, reduction="sum")
    return (rec - 0.5 * (1 + 2 * ls - mu**2 - (2 * ls).exp()).sum()) / len(x)


def mdn_forward(pi_logits, mu, log_sig, t):
    pi = softmax(pi_logits)
    sig = np.exp(log_sig)
    d = (t[:, None] - mu) / sig
    comp = pi * np.exp(-0.5 * d**2) / (sig * np.sqrt(2 * np.pi))
    total = comp.sum(axis=1, keepdims=True)
    return -np.mean(np.log(total)), (pi, mu, sig, d, comp / total)


def mdn_backward(cache, dloss):
    pi, mu, sig, d, gamma = cache
    n = len(pi)
    g = dloss / n
    dpi_logits = (pi - gamma) * g
    dmu = -gamma * d / sig * g
    dlog_sig = -gamma * (d**2 - 1) * g
    dt = (gamma * d / sig).sum(axis=1) * g
    return dpi_logits, dmu, dlog_sig, dt


def mdn_reference(pi_logits, mu, log_sig, t):
    c = torch.distributions.Normal(mu, log_sig.exp()).log_prob(t[:, None])
    return -torch.logsumexp(F.log_softmax(pi_logits, -1) + c, 1).mean()


def kalman_forward(x, P, F_, Q, H, R_, z):
    xp = F_ @ x
    Pp = F_ @ P @ F_.T + Q
    y = z - H @ xp
    S = H @ Pp @ H.T + R_
    Sinv = np.linalg.inv(S)
    nll = 0.5 * (y @ Sinv @ y + np.log(np.linalg.det(S)))
    return nll, (x, P, F_, Q, H, R_, xp, Pp, y, S, Sinv)


def kalman_backward(cache, dnll):
    x, P, F_, Q, H, R_, xp, Pp, y, S, Sinv = cache
    v = Sinv @ y
    dy = v * dnll
    dS = 0.5 * (Sinv - np.outer(v, v)) * dnll
    dPp = H.T @ dS @ H
    dxp = -H.T @ dy
    dH = 2 * dS @ H @ Pp - np.outer(dy, xp)
    dF = 2 * dPp @ F_ @ P + np.outer(dxp, x)
    dx = F_.T @ dxp
    dP = F_.T @ dPp @ F_
    return dx, dP, dF, dPp, dH, dS, dy


def kalman_reference(x, P, F_, Q, H, R_, z):
    P, Q, R_ = (P + P.T) / 2, (Q + Q.T) / 2, (R_ + R_.T) / 2
    y = z - H @ F_ @ x
    S = H @ (F_ @ P @ F_.T + Q) @ H.T + R_
    return 0.5 * (y @ torch.linalg.solve(S, y) + torch.logdet(S))


def ac_forward(s, W_mu, w_v, log_std, a, adv, ret):
    mu = s @ W_mu
    std = np.exp(log_std)
    logp = np.sum(-0.5 * ((a - mu) / std) ** 2 - log_std - 0.5 * np.log(2 * np.pi), axis=1)
    v = s @ w_v
    entropy = np.sum(log_std + 0.5 * np.log(2 * np.pi * np.e))
    loss = -np.mean(logp * adv) + 0.5 * np.mean((v - ret) ** 2) - 0.01 * entropy
    return loss, (s, W_mu, w_v, mu, std, v, a, adv, ret)


def ac_backward(cache, dloss):
    s, W_mu, w_v, mu, std, v, a, adv, ret = cache
    N = len(s)
    dlogp = -adv[:, None] / N * dloss
    dmu = dlogp * (a - mu) / std**2
    dlog_std = np.sum(dlogp * (((a - mu) / std) ** 2 - 1), axis=0) - 0.01 * dloss
    dv = (v - ret) / N * dloss
    dW_mu = s.T @ dmu
    dw_v = s.T @ dv
    ds = dmu @ W_mu.T + np.outer(dv, w_v)
    return ds, dW_mu, dw_v, dlog_std, None, None, None


def ac_reference(s, W_mu, w_v, log_std, a, adv, ret):
    d = torch.distributions.Normal(s @ W_mu, log_std.exp())
    return (
        -(d.log_prob(a).sum(1) * adv).mean()
        + 0.5 * ((s @ w_v - ret) ** 2).mean()
        - 0.01 * d.entropy()[0].sum()
    )


R = torch.randn


def spd(n):
    a = R(n, n)
    return a @ a.T + n * torch.eye(n)


SUBJECTS = {
    "vae": lambda: (
        (vae_forward, vae_backward),
        vae_reference,
        (torch.rand(5, 4), R(4, 6), R(6, 2), 0.3 * R(6, 2), R(2, 4), R(5, 2)),
        [1, 2, 3, 4],
    ),
    "mdn": lambda: ((mdn_forward, mdn_backward), mdn_reference, (R(5, 3), R(5, 3), R(5, 3), R(5))),
    "kalman": lambda: (
        (kalman_forward, kalman_backward),
        kalman_reference,
        (R(3), spd(3), R(3, 3), spd(3), R(2, 3), spd(2), R(2)),
        [0, 1, 2, 3, 4, 5, 6],
    ),
    "ac": lambda: (
        (ac_forward, ac_backward),
        ac_reference,
        (R(6, 4), R(4, 2), R(4), R(2), R(6, 2), R(6), R(6)),
        [0, 1, 2, 3],
    ),
}
