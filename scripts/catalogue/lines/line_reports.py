"""Mistakes of kinds that people report in forums, issues and errata, each planted in a published backward."""

TABLE = """
course:affine | missing sum | db = dout.sum(0) | db = dout
course:affine | number | db = dout.sum(0) | db = dout.sum(1)
course:batchnorm | missing factor | dvar = 0.5 * 1.0 / torch | dvar = 1.0 / torch
course:batchnorm | sign | dsqrtvar = -1.0 / (sqrtvar**2) * divar | dsqrtvar = 1.0 / (sqrtvar**2) * divar
course:batchnorm | power | dsqrtvar = -1.0 / (sqrtvar**2) * divar | dsqrtvar = -1.0 / sqrtvar * divar
course:batchnorm | missing term | dx = dx1 + dx2 | dx = dx1
course:batchnorm | sign | dmu = -1 * torch.sum(dxmu1 + dxmu2, dim=0) | dmu = torch.sum(dxmu1 + dxmu2, dim=0)
course:batchnorm | missing factor | dxmu2 = 2 * xmu * dsq | dxmu2 = xmu * dsq
course:batchnorm | missing factor | dxhat = dgammax * gamma | dxhat = dgammax
course:batchnorm | missing sum | dgamma = torch.sum(dgammax * xhat, dim=0) | dgamma = dgammax * xhat
course:batchnorm_alt | missing factor | dx = ivar / N * (N * dxhat | dx = ivar * (N * dxhat
course:batchnorm_alt | missing factor | (N * dxhat - dxhat.sum(0) | (dxhat - dxhat.sum(0)
course:batchnorm_alt | missing term | - xhat * (dxhat * xhat).sum(0)) | )
course:batchnorm_alt | sign | - xhat * (dxhat * xhat).sum(0)) | + xhat * (dxhat * xhat).sum(0))
course:layernorm | name | + dmu / D | + dmu / len(x)
course:layernorm | missing term | + dvar * 2 * (x - mu) / D + dmu / D | + dvar * 2 * (x - mu) / D
course:layernorm | number | dgamma = (dout * xn).sum(dim=0) | dgamma = (dout * xn).sum(dim=1)
course:layernorm | sign | dmu = -(dxn / std).sum | dmu = (dxn / std).sum
course:dropout | missing factor | dx = dout * mask | dx = dout
course:dropout | missing factor | dx = dout * mask | dx = dout * (mask > 0)
course:two_layer | name | da = dh * (a > 0) | da = dh * (dh > 0)
course:two_layer | missing factor | da = dh * (a > 0) | da = dh
convolution:conv | overwritten | dw += torch.einsum | dw = torch.einsum
convolution:conv | overwritten | w0 : w0 + WW] += torch | w0 : w0 + WW] = torch
convolution:conv | missing sum | db = dout.sum(dim=(0, 2, 3)) | db = dout.sum(dim=(0, 2))
convolution:max_pool | missing factor | mask * dout[:, :, i, j][:, :, None, None] | mask * 1.0
recurrent:rnn_step | name | da = (1 - next_h**2) * dnext_h | da = (1 - prev_h**2) * dnext_h
recurrent:rnn_step | missing factor | da = (1 - next_h**2) * dnext_h | da = dnext_h.clone()
recurrent:rnn_step | name | dWh = prev_h.T @ da | dWh = next_h.T @ da
recurrent:rnn | missing term | dnext_h = dh[:, t] + dprev_h | dnext_h = dh[:, t]
recurrent:rnn | overwritten | dWx += dWx_t | dWx = dWx_t
recurrent:rnn | overwritten | db += db_t | db = db_t
recurrent:word_embedding | overwritten | dW.index_add_(0 | dW.index_copy_(0
recurrent:lstm_step | missing term | dnext_c = dnext_c + dnext_h | dnext_c = dnext_h
recurrent:lstm_step | name | dprev_c = dnext_c * f | dprev_c = dnext_c * i
recurrent:lstm_step | power | dag = dg * (1 - g**2) | dag = dg * (1 - g)
recurrent:lstm_step | name | da = torch.cat([dai, daf, dao, dag], 1) | da = torch.cat([dai, daf, dag, dao], 1)
recurrent:gru_step | missing factor | dhu = dan * r | dhu = dan.clone()
recurrent:gru_step | sign | dz = dh_next * (h - n) | dz = dh_next * (n - h)
char_rnn:char_rnn | missing term | dh = Why.T @ dy + dhnext | dh = Why.T @ dy
char_rnn:char_rnn | name | dWhh += torch.outer(dhraw, hs[t - 1]) | dWhh += torch.outer(dhraw, hs[t])
char_rnn:char_rnn | transpose | dhnext = Whh.T @ dhraw | dhnext = Whh @ dhraw
llmc:llmc_layernorm | missing term | - norm * (dnorm * norm).mean(-1, keepdim=True) | - 0 * norm
llmc:llmc_layernorm | missing factor | dnorm = dout * w | dnorm = dout.clone()
llmc:encoder | overwritten | dwte[inp[b, t]] += d | dwte[inp[b, t]] = d
llmc:gelu | missing factor | 1.0 + 3.0 * 0.044715 * x * x | 1.0 + 0.044715 * x * x
llmc:gelu | missing term | 0.5 * (1.0 + tanh_out) | 0.5 * tanh_out
llmc:cross_entropy | missing factor | (probs - indicator) * dlosses[:, None] | (probs - indicator) * 1.0
attention:attention | missing factor | (-2, -1) @ q * scale | (-2, -1) @ q
attention:attention | missing factor | dq = dpreatt @ k * scale | dq = dpreatt @ k
attention:attention | missing sum | (datt * att).sum(-1, keepdim=True) | (datt * att)
attention:attention | number | (datt * att).sum(-1, keepdim=True) | (datt * att).sum(-2, keepdim=True)
attention:attention | transpose | dv = att.transpose(-2, -1) @ dout | dv = att @ dout
fused:rms_norm | power | inv**3 * dot / n | inv**2 * dot / n
fused:rms_norm | missing factor | inv**3 * dot / n | inv**3 * dot
fused:rms_norm | name | dot = (grad_y * x).sum(-1, keepdim=True) | dot = (grad_out * x).sum(-1, keepdim=True)
fused:swiglu | missing factor | (sig + silu * (1 - sig)) | (sig * (1 - sig))
fused:rope | sign | dx1 = dy1 * cos + dy2 * sin | dx1 = dy1 * cos - dy2 * sin
fused:swish | name | sigmoid_x * (1 - result) | sigmoid_x * (1 - sigmoid_x)
fused:mish | power | (1 - tanh_sp * tanh_sp) | (1 - tanh_sp)
fused:group_norm | missing term | (dg - mean1 - xg * mean2) | (dg - xg * mean2)
losses:linear_cross_entropy | missing factor | grad_logits * grad_loss / n | grad_logits * grad_loss
losses:focal | missing factor | dpt = dloss * (2 * (1 - pt) | dpt = dloss * ((1 - pt)
losses:cosine | power | cos * a / na**2 | cos * a / na
losses:info_nce | missing factor | dzb = dsim.T @ za / ctx.tau | dzb = dsim.T @ za
losses:bce | sign | (y / a - (1 - y) / (1 - a)) | (y / a + (1 - y) / (1 - a))
classifiers:softmax_loss | missing factor | dscores /= num_train | dscores /= 1
classifiers:svm_loss | overwritten | dW[:, y[i]] -= X[i] | dW[:, y[i]] = -X[i]
derived:planar | power | (1 - A1**2) | (1 - A1)
derived:planar | missing factor | db1 = 1 / m * torch.sum | db1 = torch.sum
derived:tutorial | missing factor | grad_y_pred = 2.0 * (y_pred - y) | grad_y_pred = (y_pred - y)
derived:nielsen | name | sigmoid_prime(zs[-2]) | sigmoid_prime(zs[-1].mean())
derived:attention_net | name | dK = dS.T @ Q / d**0.5 | dK = dS.T @ K / d**0.5
"""
