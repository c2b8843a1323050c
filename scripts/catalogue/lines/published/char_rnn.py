"""The recurrent network of min-char-rnn: the loss, and the gradients of all its parameters."""

import torch


def char_rnn_forward(xs, hprev, Wxh, Whh, Why, bh, by):
    hs, ps, loss = {-1: hprev}, {}, 0
    targets = xs.roll(-1)
    for t in range(len(xs)):
        hs[t] = torch.tanh(Wxh[:, xs[t]] + Whh @ hs[t - 1] + bh)
        y = Why @ hs[t] + by
        ps[t] = torch.softmax(y, 0)
        loss = loss - torch.log(ps[t][targets[t]])
    return loss, (xs, targets, hs, ps, Wxh, Whh, Why)


def char_rnn_backward(saved, dloss):
    xs, targets, hs, ps, Wxh, Whh, Why = saved
    dWxh, dWhh, dWhy = torch.zeros_like(Wxh), torch.zeros_like(Whh), torch.zeros_like(Why)
    dbh, dby = torch.zeros_like(hs[0]), torch.zeros_like(ps[0])
    dhnext = torch.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dy = ps[t].clone()
        dy[targets[t]] -= 1
        dy = dy * dloss
        dWhy += torch.outer(dy, hs[t])
        dby += dy
        dh = Why.T @ dy + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh[:, xs[t]] += dhraw
        dWhh += torch.outer(dhraw, hs[t - 1])
        dhnext = Whh.T @ dhraw
    return None, dhnext, dWxh, dWhh, dWhy, dbh, dby


R = torch.randn
SUBJECTS = {
    "char_rnn": lambda: (
        (char_rnn_forward, char_rnn_backward),
        lambda *a: char_rnn_forward(*a)[0],
        (torch.randint(0, 5, (6,)), R(4), R(4, 5), R(4, 4), R(5, 4), R(4), R(5)),
    ),
}
