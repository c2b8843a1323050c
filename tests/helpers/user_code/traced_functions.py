"""Functions as people write them, with their references: no registration, no names of ours."""

LAYER_NORM = """
class LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gamma, beta):
        mean = x.mean(-1, keepdim=True)
        xc = x - mean
        var = (xc ** 2).mean(-1, keepdim=True)
        rstd = 1 / (var + 1e-5).sqrt()
        xhat = xc * rstd
        y = xhat * gamma + beta
        ctx.save_for_backward(xc, rstd, xhat, gamma)
        return y

    @staticmethod
    def backward(ctx, dy):
        xc, rstd, xhat, gamma = ctx.saved_tensors
        n = xc.shape[-1]
        dbeta = dy.sum(0)
        dgamma = (dy * xhat).sum(0)
        dxhat = dy * gamma
        drstd = (dxhat * xc).sum(-1, keepdim=True)
        dvar = drstd * -0.5 * rstd ** 3
        dxc = dxhat * rstd + dvar * 2 * xc / n
        dmean = -dxc.sum(-1, keepdim=True)
        dx = dxc + dmean / n
        return dx, dgamma, dbeta


function = LayerNorm
reference = lambda x, gamma, beta: F.layer_norm(x, (5,), gamma, beta)
"""

RECURRENT = """
def forward(x, W, U):
    h = torch.zeros(x.shape[1], U.shape[0], dtype=x.dtype)
    hs = [h]
    for t in range(len(x)):
        a = x[t] @ W + h @ U
        h = torch.tanh(a)
        hs.append(h)
    return h, (x, W, U, hs)


def backward(saved, d_out):
    x, W, U, hs = saved
    dx, dW, dU = torch.zeros_like(x), torch.zeros_like(W), torch.zeros_like(U)
    dh = d_out
    for t in reversed(range(len(x))):
        da = dh * (1 - hs[t + 1] ** 2)
        dx[t] = da @ W.T
        dW += x[t].T @ da
        dU += hs[t].T @ da
        dh = da @ U.T
    return dx, dW, dU


def reference(x, W, U):
    h = torch.zeros(x.shape[1], U.shape[0], dtype=x.dtype)
    for t in range(len(x)):
        h = torch.tanh(x[t] @ W + h @ U)
    return h


function = (forward, backward)
"""

HELPERS = """
def affine_forward(x, w, b):
    out = x @ w + b
    return out, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.sum(0)
    return dx, dw, db


def relu_forward(x):
    out = x.clamp(min=0)
    return out, x


def relu_backward(dout, cache):
    dx = dout * (cache > 0)
    return dx


def forward(x, w1, b1, w2, b2):
    a, c1 = affine_forward(x, w1, b1)
    h, c2 = relu_forward(a)
    scores, c3 = affine_forward(h, w2, b2)
    return scores, (c1, c2, c3)


def backward(caches, dscores):
    c1, c2, c3 = caches
    dh, dw2, db2 = affine_backward(dscores, c3)
    da = relu_backward(dh, c2)
    dx, dw1, db1 = affine_backward(da, c1)
    return dx, dw1, db1, dw2, db2


function = (forward, backward)
reference = lambda x, w1, b1, w2, b2: (x @ w1 + b1).relu() @ w2 + b2
"""

IN_PLACE = """
class Gelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        inner = 0.7978845608028654 * (x + 0.044715 * x ** 3)
        t = inner.tanh()
        ctx.x, ctx.t = x, t
        y = t + 1
        y *= x
        y *= 0.5
        return y

    @staticmethod
    def backward(ctx, grad_y):
        x, t = ctx.x, ctx.t
        grad_t = 0.5 * x * grad_y
        grad_inner = grad_t * (1 - t ** 2)
        grad_x = 0.5 * (1 + t) * grad_y
        grad_x += grad_inner * 0.7978845608028654 * (1 + 3 * 0.044715 * x ** 2)
        return grad_x


function = Gelu
reference = lambda x: F.gelu(x, approximate="tanh")
"""

NUMPY = """
class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        e = np.exp(x.detach().numpy() - x.detach().numpy().max(-1, keepdims=True))
        ctx.p = e / e.sum(-1, keepdims=True)
        return torch.from_numpy(ctx.p)

    @staticmethod
    def backward(ctx, dp):
        p = torch.from_numpy(ctx.p)
        ds = -(dp * p).sum(-1, keepdim=True)
        dx = p * (dp + ds)
        return dx


function = Softmax


def reference(x):
    s = x.exp().sum(-1, keepdim=True).log()
    p = (x - s).exp()
    return p
"""

TWICE = """
def forward(x, w):
    z = x @ w
    mask = z > 0
    x = z * mask
    x = x * x
    return x, (z, mask, w)


def backward(saved, dx):
    z, mask, w = saved
    dx = dx * 2 * (z * mask)
    dz = dx * mask
    dw = None
    return dz @ w.T, dw


function = (forward, backward)
reference = lambda x, w: (x @ w).relu() ** 2
"""
