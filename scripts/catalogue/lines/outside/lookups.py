"""Words, graphs, pairs of views and states of a decoder, in numpy: what is looked up or attended to."""

import numpy as np
import torch
import torch.nn.functional as F


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def cbow_forward(context, center, W_in, W_out):
    h = np.mean(W_in[context], axis=0)
    u = np.dot(W_out, h)
    y_pred = softmax(u)
    return -np.log(y_pred[center]), (context, center, h, y_pred, W_in, W_out)


def cbow_backward(cache, dloss):
    context, center, h, y_pred, W_in, W_out = cache
    e = y_pred.copy()
    e[center] -= 1
    e *= dloss
    dW_out = np.outer(e, h)
    dh = np.dot(W_out.T, e)
    dW_in = np.zeros_like(W_in)
    for c in context:
        dW_in[c] += dh / len(context)
    return None, None, dW_in, dW_out


def ntxent_forward(z1, z2, tau=0.5):
    n1 = np.linalg.norm(z1, axis=1, keepdims=True)
    n2 = np.linalg.norm(z2, axis=1, keepdims=True)
    u1, u2 = z1 / n1, z2 / n2
    logits = u1 @ u2.T / tau
    P = softmax(logits)
    return -np.mean(np.log(np.diag(P))), (n1, n2, u1, u2, P, tau)


def ntxent_backward(cache, dloss):
    n1, n2, u1, u2, P, tau = cache
    N = len(P)
    dlogits = (P - np.eye(N)) / N * dloss
    du1 = dlogits @ u2 / tau
    du2 = dlogits.T @ u1 / tau
    dz1 = (du1 - u1 * np.sum(du1 * u1, axis=1, keepdims=True)) / n1
    dz2 = (du2 - u2 * np.sum(du2 * u2, axis=1, keepdims=True)) / n2
    return dz1, dz2


def addatt_forward(hs, W_att, v_att):
    u = [np.tanh(W_att @ h) for h in hs]
    scores = np.array([v_att @ x for x in u])
    alphas = softmax(scores)
    context = np.sum(alphas[:, None] * hs, axis=0)
    return context, (hs, u, alphas, W_att, v_att)


def addatt_backward(cache, dcontext):
    hs, u_list, alphas, W_att, v_att = cache
    T = len(hs)
    dhs = np.zeros_like(hs)
    dW_att = np.zeros_like(W_att)
    dv_att = np.zeros_like(v_att)
    d_alpha = np.zeros(T)
    for t in range(T):
        d_alpha[t] = np.dot(dcontext, hs[t])
        dhs[t] += alphas[t] * dcontext
    sum_dalpha_alpha = np.sum(d_alpha * alphas)
    dscores = np.zeros(T)
    for t in range(T):
        dscores[t] = alphas[t] * (d_alpha[t] - sum_dalpha_alpha)
    for t in range(T):
        u_t = u_list[t]
        ds_t = dscores[t]
        dv_att += ds_t * u_t
        du_t = ds_t * v_att
        da_t = du_t * (1.0 - u_t**2)
        dW_att += da_t[:, None] @ hs[t][None, :]
        dhs[t] += W_att.T @ da_t
    return dhs, dW_att, dv_att


def gcn_forward(A, X, Y, W0, W1):
    AX = A @ X
    Z0 = AX @ W0
    H = np.maximum(Z0, 0)
    AH = A @ H
    P = softmax(AH @ W1)
    return -np.sum(Y * np.log(P)) / len(X), (A, AX, Z0, AH, P, Y, W1)


def gcn_backward(cache, dloss):
    A, AX, Z0, AH, P, Y, W1 = cache
    N = len(P)
    dlogits = (P - Y) / N * dloss
    dW1 = AH.T @ dlogits
    dAH = dlogits @ W1.T
    dH = A.T @ dAH
    dZ0 = dH * (Z0 > 0)
    dW0 = AX.T @ dZ0
    return None, None, None, dW0, dW1


def fm_forward(X, y, w0, w, V):
    XV = X @ V
    inter = 0.5 * np.sum(XV**2 - (X**2) @ (V**2), axis=1)
    y_hat = w0 + X @ w + inter
    err = y_hat - y
    return np.mean(err**2), (X, V, XV, err)


def fm_backward(cache, dloss):
    X, V, XV, err = cache
    n = len(err)
    derr = 2 * err / n * dloss
    dw0 = derr.sum()
    dw = X.T @ derr
    dV = X.T @ (derr[:, None] * XV) - V * ((X**2).T @ derr)[:, None]
    return None, None, dw0, dw, dV


def reinforce_forward(states, theta, actions, G):
    loss = 0
    for s, a, g in zip(states, actions, G):
        probs = softmax(s @ theta)
        loss -= g * np.log(probs[a])
    return loss, (states, theta, actions, G)


def reinforce_backward(cache, dloss):
    states, theta, actions, G = cache
    grads = np.zeros_like(theta)
    for t in range(len(states)):
        probs = softmax(states[t] @ theta)
        SM = probs.reshape(-1, 1)
        jac = np.diagflat(SM) - np.dot(SM, SM.T)
        dsoftmax = jac[actions[t], :]
        dlog = dsoftmax / probs[actions[t]]
        grad = states[t][:, None] @ dlog[None, :]
        grads -= grad * G[t]
    return None, grads * dloss, None, None


R = torch.randn

SUBJECTS = {
    "cbow": lambda: (
        (cbow_forward, cbow_backward),
        lambda c, t, Wi, Wo: F.cross_entropy((Wo @ Wi[c].mean(0))[None], t[None]),
        (torch.tensor([1, 4, 1, 0]), torch.tensor(2), R(6, 4), R(6, 4)),
    ),
    "ntxent": lambda: (
        (ntxent_forward, ntxent_backward),
        lambda a, b: F.cross_entropy(F.normalize(a) @ F.normalize(b).T / 0.5, torch.arange(len(a))),
        (R(5, 4), R(5, 4)),
    ),
    "addatt": lambda: (
        (addatt_forward, addatt_backward),
        lambda h, W, v: torch.softmax(torch.tanh(h @ W.T) @ v, 0) @ h,
        (R(5, 4), R(3, 4), R(3)),
    ),
    "gcn": lambda: (
        (gcn_forward, gcn_backward),
        lambda A, X, Y, W0, W1: -(Y * F.log_softmax(A @ torch.relu(A @ X @ W0) @ W1, -1)).sum() / len(X),
        (torch.rand(5, 5), R(5, 4), F.one_hot(torch.tensor([0, 2, 1, 1, 0]), 3).double(), R(4, 6), R(6, 3)),
        [3, 4],
    ),
    "fm": lambda: (
        (fm_forward, fm_backward),
        lambda X, y, w0, w, V: ((w0 + X @ w + 0.5 * ((X @ V) ** 2 - X**2 @ V**2).sum(1) - y) ** 2).mean(),
        (R(6, 4), R(6), R(()), R(4), R(4, 3)),
        [2, 3, 4],
    ),
    "reinforce": lambda: (
        (reinforce_forward, reinforce_backward),
        lambda s, th, a, G: -(F.log_softmax(s @ th, -1)[torch.arange(len(a)), a] * G).sum(),
        (R(4, 3), R(3, 5), torch.tensor([0, 2, 4, 1]), R(4)),
        [1],
    ),
}
