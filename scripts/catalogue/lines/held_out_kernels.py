"""Mistakes of kinds that people report, written down before the check had seen any of them: kernels, losses.

A line with # says where the kind was reported; it holds for the mistakes below it.
"""

TABLE = """
# https://github.com/NVIDIA/Megatron-LM/pull/6859 (the weight twice)
kernels:gemma_norm | extra factor | (r**3 / n) * (m * x) | (r**3 / n) * (1.0 + weight) * (m * x)
# https://github.com/karpathy/llm.c/pull/763 (no weight at all)
kernels:gemma_norm | missing factor | m = dy * (1.0 + weight) | m = dy.clone()
# https://github.com/linkedin/Liger-Kernel/issues/74 (the offset)
kernels:gemma_norm | missing term | m = dy * (1.0 + weight) | m = dy * weight
# https://github.com/flagos-ai/FlagGems/issues/5392 (the number of columns)
kernels:gemma_norm | number | n = x.shape[-1] | n = x.shape[0]
# https://github.com/Dao-AILab/quack/pull/53
kernels:add_norm | extra term | wdy = dout * weight | wdy = (dout + ds_out) * weight
kernels:add_norm | missing term | ds = ds + ds_out | ds = ds.clone()
# https://github.com/tenstorrent/tt-metal/issues/53204 (the mean subtracted twice)
kernels:gated_norm | extra factor | (x_hat * c1 + c2) | (x_hat * c1 + 2 * c2)
# https://github.com/fla-org/flash-linear-attention/pull/1071 (the value before the gate)
kernels:gated_norm | name | dw = (dy_norm * x_hat).sum(0) | dw = (dy * x_hat).sum(0)
# https://github.com/fla-org/flash-linear-attention/issues/155 (dx for dz)
kernels:gated_norm | name | return dx, dw, db, dz | return dx, dw, db, dx
# https://github.com/flagos-ai/FlagGems/pull/59 (a sum over all)
kernels:gated_norm | axis | c2 = wdy.mean(-1, keepdim=True) | c2 = wdy.mean()
# silu taken for sigmoid: its second term is forgotten
kernels:gated_norm | missing term | z_sig * (1 + z * (1 - z_sig)) | z_sig * (1 - z_sig)
# https://github.com/PaddlePaddle/Paddle/pull/74716 and https://github.com/NVIDIA/apex/pull/1750
fused:rope | sign | dx2 = dy2 * cos - dy1 * sin | dx2 = dy2 * cos + dy1 * sin
fused:rope | name | dx1 = dy1 * cos + dy2 * sin | dx1 = dy1 * sin + dy2 * cos
# https://github.com/marin-community/levanter/pull/449 (heads that share keys are summed)
kernels:grouped | missing term | dk = dkr.reshape(B, H // ctx.G, ctx.G, T, D).sum(2) | dk = dkr[:, :: ctx.G]
# https://github.com/XunhaoLai/native-sparse-attention-triton/issues/27 (the wrong group of heads)
kernels:grouped | order | dvr.reshape(B, H // ctx.G, ctx.G, T, D).sum(2) | dvr.reshape(B, ctx.G, 2, T, D).sum(1)
# https://github.com/unslothai/unsloth-zoo/pull/1277 (a soft cap of the scores)
kernels:grouped | missing factor | ds = ds * (1 - t * t) | ds = ds.clone()
kernels:grouped | power | ds = ds * (1 - t * t) | ds = ds * (1 - t)
# https://github.com/zzhhjjj/gemma-triton-flash-attn/issues/6
kernels:grouped | missing factor | dq = ds @ kr * ctx.scale | dq = ds @ kr
# https://github.com/lucidrains/CoLT5-attention/issues/8 (a sum is left out)
kernels:grouped | missing sum | delta = (dp * p).sum(-1, keepdim=True) | delta = dp * p
# https://github.com/sony/nnabla/pull/690 and https://github.com/neoml-lib/neoml/pull/787
engines:erf_gelu | missing term | dY * (cdf + x * pdf) | dY * cdf
engines:erf_gelu | missing factor | dY * (cdf + x * pdf) | dY * (cdf + pdf)
engines:erf_gelu | missing factor | torch.exp(-0.5 * x * x) | torch.exp(-x * x)
kernels:geglu | power | (1 - tanh_sq) | (1 - tanh_result)
kernels:geglu | missing factor | (1 + 3 * 0.044715 * a * a) | (1 + 0.044715 * a * a)
kernels:geglu | name | db = dc * geglu_a | db = dc * a
# https://github.com/NVlabs/tiny-cuda-nn/pull/130 and https://github.com/zserge/nanonn/issues/4
engines:softplus | sign | 1 / (1 + torch.exp(-scaled)) | 1 / (1 + torch.exp(scaled))
engines:softplus | another function | 1 / (1 + torch.exp(-scaled)) | 1 - torch.exp(-scaled)
engines:softplus | missing factor | scaled = beta * x | scaled = x.clone()
# https://github.com/mlpack/mlpack/pull/1540
engines:elu | name | y + ctx.alpha | x + ctx.alpha
engines:elu | missing term | y + ctx.alpha | y
# https://github.com/tinygrad/tinygrad/issues/25 and https://github.com/tinygrad/tinygrad/issues/155
engines:pow | missing term | x ** (y - 1.0) | x**y
engines:pow | missing factor | grad_output * out * torch.log(x) | grad_output * out
engines:sqrt | missing factor | grad_output / (ctx.ret * 2.0) | grad_output / ctx.ret
# https://github.com/apache/mxnet/pull/4316 (the input for the output)
engines:sqrt | power | grad_output / (ctx.ret * 2.0) | grad_output / (ctx.ret**2 * 2.0)
# https://github.com/apache/tvm/pull/1512
engines:div | power | x / (y * y) | x / y
# https://github.com/jax-ml/jax/issues/3213 and https://github.com/jax-ml/jax/pull/13367
engines:div | sign | grad_y = -grad_output * x | grad_y = grad_output * x
# https://github.com/deeplearning4j/deeplearning4j/issues/5978
engines:div | upstream | grad_x = grad_output / y | grad_x = torch.ones_like(grad_output) / y
# https://github.com/k2-fsa/k2/issues/341
engines:logsumexp | upstream | return g.unsqueeze(-1) * p | return p.clone()
# https://github.com/TrenTorch/TrenTorch/pull/58
engines:max | upstream | return max_is_1s / div * grad_output | return max_is_1s / div
# https://github.com/chainer/chainer/issues/4523 and https://github.com/pytorch/pytorch/pull/1122
engines:cumsum | order | g.flip(1).cumsum(1).flip(1) | g.cumsum(1)
engines:cumsum | order | g.flip(1).cumsum(1).flip(1) | g.flip(1).cumsum(1)
# https://github.com/Theano/Theano/pull/5317 and https://github.com/deeplearning4j/deeplearning4j/issues/5871
engines:cumprod | name | gx = gs / x | gx = gs / y
engines:cumprod | missing term | gs = total - gz.cumsum(1) + gz | gs = total - gz.cumsum(1)
# a slope's own gradient without its mask
engines:prelu | name | gw = (masked * x).sum(0) | gw = (gy * x).sum(0)
# https://github.com/linkedin/Liger-Kernel/pull/680 (one upstream number for all)
metrics:huber | upstream | gx = gy[:, None] * gx | gx = gy[0] * gx
metrics:huber | missing factor | ctx.delta * diff.sign() | diff.sign()
# https://github.com/linkedin/Liger-Kernel/pull/198 (label smoothing, ignored labels)
metrics:smooth | missing factor | eps = ctx.smoothing / V | eps = ctx.smoothing
metrics:smooth | missing term | -= 1 - ctx.smoothing | -= 1
metrics:smooth | name | valid[:, None] / ctx.n | valid[:, None] / len(x)
metrics:smooth | mask | dx = dx * valid[:, None] / ctx.n | dx = dx / ctx.n
# https://github.com/linkedin/Liger-Kernel/pull/234 (the penalty's square)
metrics:smooth | missing factor | dz = 2 * ctx.z_scale * lse | dz = ctx.z_scale * lse
# https://github.com/unsky/focal-loss/issues/1 and https://github.com/jhwjhw0123/Imbalance-XGBoost/issues/1
metrics:soft_focal | missing factor | gamma * pt * torch.log(pt) | gamma * torch.log(pt)
metrics:soft_focal | missing term | ** (gamma - 1) | ** gamma
# https://github.com/jsboige/CoursIA/pull/16165
metrics:soft_focal | sign | focus * (onehot - p) | focus * (p - onehot)
# threads on Caffe's layers of contrastive and triplet loss
metrics:contrastive | missing factor | (mdist / dist)[:, None] | mdist[:, None]
metrics:contrastive | sign | dissimilar = -(1 - y) | dissimilar = (1 - y)
metrics:contrastive | mask | similar = y[:, None] * diff | similar = diff.clone()
metrics:triplet | sign | alpha * (negative - positive) | alpha * (positive - negative)
metrics:triplet | mask | gy * 2 / N * (hinge > 0)[:, None] | gy * 2 / N
metrics:triplet | name | g_negative = alpha * (anchor - negative) | g_negative = alpha * (anchor - positive)
# https://github.com/huggingface/trl/pull/3043 and https://github.com/modelscope/ms-swift/pull/10213
divergences:jsd | another function | dX = (1 - ctx.beta) * Q | dX = ctx.beta * Q
divergences:jsd | name | P * (Y - log_M) | P * (X - log_M)
# threads on distillation: the temperature
divergences:distil | missing factor | d_student = grad * d_scaled / ctx.T | d_student = grad * d_scaled
divergences:distil | missing factor | ctx.T**2 * (q - p) | (q - p)
# threads on the dice loss
divergences:dice | missing term | d_inter[:, None] * y + d_union[:, None] | d_inter[:, None] * y
divergences:dice | power | inter / union**2 | inter / union
"""
