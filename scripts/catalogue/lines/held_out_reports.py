"""Mistakes of kinds that people report, written down before the check had seen any of them: layers, networks.

A line with # says where the kind was reported; it holds for the mistakes below it.
"""

TABLE = """
# https://github.com/open-lm-engine/accelerated-model-architectures/pull/249
scratch:gru | missing factor | dh_prev = dh_prev + r * dhr | dh_prev = dh_prev + dhr
scratch:gru | missing factor | dWhh = (r * h_prev).T @ dt | dWhh = h_prev.T @ dt
# https://github.com/ooples/AiDotNet/pull/722 (which gate goes with which state)
scratch:gru | name | dr = dhr * h_prev | dr = dhr * r
# https://github.com/mindspore-ai/mindspore/issues/149 (z for 1 − z)
scratch:gru | another function | dh_hat = dh_next * z | dh_hat = dh_next * (1 - z)
# https://github.com/rsokl/MyGrad/pull/4
scratch:gru | sign | dz = dh_next * h_hat - dh_next * h_prev | dz = dh_next * h_prev - dh_next * h_hat
# https://github.com/itskonrad/miniMNIST-c/issues/7 and https://github.com/zou-group/textgrad/pull/200
scratch:gru | extra term | dx = dx + dtz @ Wxz.T | dx = dx + dx + dtz @ Wxz.T
# https://github.com/CaptainE/RNN-LSTM-in-numpy/pull/2
recurrent:lstm_step | missing factor | daf = df * f * (1 - f) | daf = df * f
# https://lzwjava.github.io/notes/2025-09-06-lstm-bugs-fixes-en
recurrent:lstm_step | another function | dag = dg * (1 - g**2) | dag = dg * torch.tanh(g)
homework:elman | number | dW += s[t - 1].T @ da | dW += s[t].T @ da
kernels:scan | number | da[t] = dh * hs[t - 1] | da[t] = dh * hs[t]
# https://community.deeplearning.ai/t/lstm-backward-wrong-output/67533
recurrent:lstm_step | missing factor | dnext_h * o * (1 - tanh_c**2) | dnext_h * (1 - tanh_c**2)
# https://github.com/mratsim/Arraymancer/pull/237 (accumulate over time)
homework:elman | overwritten | dU += x[:, t].T @ da | dU = x[:, t].T @ da
# https://github.com/proger/accelerated-scan/pull/15
kernels:scan | extra factor | dh = dhs[t] + carry | dh = dhs[t] * a[t] + carry
kernels:scan | missing factor | carry = a[t] * dh | carry = dh.clone()
# https://datascience.stackexchange.com/questions/64746 and https://ai.stackexchange.com/questions/35741
scratch:weighted | another function | ds = a * (da - (da * a).sum(1, keepdim=True)) | ds = da * a * (1 - a)
# https://github.com/fla-org/flash-linear-attention/pull/863
scratch:weighted | missing term | dhs = dhs0 + dhs1 | dhs = dhs0
# forum threads on padding: labels that are ignored count in the mean, or have a gradient
scratch:time_softmax | name | dx = dx / mask.sum() | dx = dx / (N * T)
scratch:time_softmax | mask | dx = dx * mask[:, None] | dx = dx.clone()
# threads on np.add.at: rows of a table that occur twice
scratch:negative | overwritten | dW.index_add_(0 | dW.index_copy_(0
scratch:negative | sign | dout = (y - t) * dloss | dout = (t - y) * dloss
# https://github.com/rust0258/Deeplearning.ai-Natural-Language-Processing-Specialization/issues/64
homework:cbow | extra factor | * l1.sum(1, keepdim=True) | * (l1 @ x.T).sum(1, keepdim=True)
homework:cbow | missing factor | l1 = l1 * (z1 > 0) | l1 = l1.clone()
# https://github.com/kvfrans/notes/issues/5
homework:cbow | sum or mean | * l1.sum(1, keepdim=True) | * l1.mean(1, keepdim=True)
# https://github.com/rasbt/stat453-deep-learning-ss21/issues/5
homework:regression | axis | -torch.sum(onehot - probas, dim=0) | -torch.sum(onehot - probas)
# https://github.com/benoitfragit/libBrain/issues/78
homework:hidden | another function | l1_error * (l1 * (1 - l1)) | l1_error * l1.sigmoid() * (1 - l1.sigmoid())
# https://github.com/louisjc/mnist-neural-network/issues/1
homework:hidden | missing factor | l2_delta = l2_error * (l2 * (1 - l2)) | l2_delta = l2_error.clone()
homework:hidden | missing factor | l2_delta = l2_error * (l2 * (1 - l2)) | l2_delta = l2_error * l2
# a report on code of many tutorials: the error of the layer above for its delta
homework:hidden | name | l1_error = l2_delta @ w2.T | l1_error = l2_error @ w2.T
# https://github.com/udacity/deep-learning-v2-pytorch/pull/158 (a number of rows that is written in)
homework:line | number | b_grad = 2 * error.mean() | b_grad = 2 * error.sum() / 4
# https://github.com/dvgodoy/PyTorchStepByStep/issues/21
homework:line | sign | error = yhat - y | error = y - yhat
# threads on tied weights: one use is forgotten
homework:tied | missing term | dW = x.T @ da + dout.T @ h | dW = x.T @ da
# https://github.com/tracel-ai/burn/issues/5604 and https://github.com/deeplearning4j/deeplearning4j/pull/1951
frameworks:avg_pool | missing factor | dx = dx / (k * k) | dx = dx / k
frameworks:avg_pool | missing factor | dx = dx / (k * k) | dx = dx.clone()
# https://github.com/devitocodes/joey/pull/5 (windows that overlap)
frameworks:depthwise | overwritten | dxp[:, :, j : j + T] += dy | dxp[:, :, j : j + T] = dy
# https://github.com/KeKsBoTer/torch-dwt/issues/2 (the filter in the wrong direction)
frameworks:depthwise | number | dy * w[:, j][:, None] | dy * w[:, K - 1 - j][:, None]
# a padding that is cut off at the wrong end
frameworks:depthwise | number | dx = dxp[:, :, K - 1 :] | dx = dxp[:, :, :T]
# https://github.com/llvm/torch-mlir/pull/655 (the weight's gradient)
frameworks:im2col | transpose | dw = dcol_w.T.reshape(K, C, FH, FW) | dw = dcol_w.reshape(K, C, FH, FW)
# threads on reshape where a transpose is meant
frameworks:im2col | order | dout.permute(0, 2, 3, 1).reshape(-1, K) | dout.reshape(-1, K)
# https://github.com/denizyuret/Knet.jl/issues/288
frameworks:bn_paper | missing factor | d_x_hat = dy * gamma | d_x_hat = dy.clone()
# https://github.com/flagos-ai/FlagGems/issues/5222
frameworks:bn_eval | another function | * gamma * inv_std | * gamma * inv_std.rsqrt()
# threads on the equations of batch norm
frameworks:bn_paper | power | -0.5 * std_inv**3 | -0.5 * std_inv**2
frameworks:bn_paper | missing factor | + d_mean / m | + d_mean
frameworks:bn_paper | missing factor | d_var * 2 * (x - mean) / m | d_var * (x - mean) / m
frameworks:bn_paper | missing sum | -0.5 * std_inv**3).sum(0) | -0.5 * std_inv**3)
frameworks:bn_eval | missing factor | grad_x = grad_out * gamma * inv_std | grad_x = grad_out * inv_std
frameworks:instance | axis | s1 = dxh.mean((2, 3), keepdim=True) | s1 = dxh.mean((0, 2, 3), keepdim=True)
# https://github.com/pytorch/pytorch/issues/137284 and https://github.com/pytorch/pytorch/issues/18825
algebra:cholesky | missing factor | gA = 0.5 * (gA + gA.T) | gA = gA + gA.T
algebra:cholesky | missing term | gA = 0.5 * (gA + gA.T) | gA = gA.clone()
algebra:cholesky | missing term | phi = phi - 0.5 * torch.diag(phi.diagonal()) | phi = phi.clone()
# https://github.com/pytorch/pytorch/pull/197010 (the order of the factors)
algebra:solve | transpose | gA = -gB @ X.T | gA = -X @ gB.T
# https://github.com/jiangtaoxie/fast-MPN-COV/issues/28 (a transpose too few or too many)
algebra:solve | transpose | gB = torch.linalg.solve(A.T, gX) | gB = torch.linalg.solve(A, gX)
# https://github.com/pytorch/pytorch/issues/13669 (what was broadcast is not summed)
algebra:mahalanobis | missing sum | gm = -gd.sum(0) | gm = -gd
# 2 S x, for a matrix that is not symmetric
algebra:mahalanobis | transpose | (d @ (S + S.T)) | (d @ (S + S))
"""
