"""Attention, vectorised and in loops, after llm.c."""

import math

import torch
import torch.nn.functional as F


def attention_forward(q, k, v):
    B, T, C = q.shape
    scale = 1.0 / math.sqrt(C)
    preatt = (q @ k.transpose(-2, -1)) * scale
    mask = torch.ones(T, T).tril().bool()
    preatt = preatt.masked_fill(~mask, float("-inf"))
    att = torch.softmax(preatt, -1)
    out = att @ v
    return out, (q, k, v, att)


def attention_backward(saved, dout):
    q, k, v, att = saved
    scale = 1.0 / math.sqrt(q.shape[-1])
    dv = att.transpose(-2, -1) @ dout
    datt = dout @ v.transpose(-2, -1)
    dpreatt = att * (datt - (datt * att).sum(-1, keepdim=True))
    dq = dpreatt @ k * scale
    dk = dpreatt.transpose(-2, -1) @ q * scale
    return dq, dk, dv


def attention_loop_forward(qkv, NH=2):
    B, T, C3 = qkv.shape
    C = C3 // 3
    hs = C // NH
    q, k, v = qkv.split(C, 2)
    q, k, v = (part.view(B, T, NH, hs).transpose(1, 2) for part in (q, k, v))
    att = (q @ k.transpose(-2, -1)) / math.sqrt(hs)
    att = att.masked_fill(torch.ones(T, T).triu(1).bool(), float("-inf")).softmax(-1)
    out = (att @ v).transpose(1, 2).reshape(B, T, C)
    return out, (q, k, v, att)


def attention_loop_backward(saved, dout):
    q, k, v, att = saved
    B, NH, T, hs = q.shape
    dy = dout.view(B, T, NH, hs).transpose(1, 2)
    dq, dk, dv = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
    scale = 1.0 / math.sqrt(hs)
    for b in range(B):
        for t in range(T):
            for h in range(NH):
                a = att[b, h, t, : t + 1]
                d = dy[b, h, t]
                da = v[b, h, : t + 1] @ d
                dv[b, h, : t + 1] += torch.outer(a, d)
                dpre = a * (da - (a * da).sum())
                dq[b, h, t] += dpre @ k[b, h, : t + 1] * scale
                dk[b, h, : t + 1] += torch.outer(dpre, q[b, h, t]) * scale
    dqkv = torch.cat([p.transpose(1, 2).reshape(B, T, NH * hs) for p in (dq, dk, dv)], 2)
    return dqkv


def attention_reference(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def heads_reference(qkv):
    B, T, C3 = qkv.shape
    q, k, v = (p.view(B, T, 2, C3 // 6).transpose(1, 2) for p in qkv.chunk(3, 2))
    return attention_reference(q, k, v).transpose(1, 2).reshape(B, T, C3 // 3)


R = torch.randn
SUBJECTS = {
    "attention": lambda: (
        (attention_forward, attention_backward),
        attention_reference,
        (R(2, 4, 3), R(2, 4, 3), R(2, 4, 3)),
    ),
    "attention_loop": lambda: (
        (attention_loop_forward, attention_loop_backward),
        heads_reference,
        (R(2, 3, 12),),
    ),
}
