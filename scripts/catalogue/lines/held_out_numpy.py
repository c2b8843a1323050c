"""Mistakes that students and courses make in numpy, written down before the check had seen any of them."""

TABLE = """
# as in public copies of course code: a sign, a factor, a term, a name, an index, an axis, = for +=
lookups:cbow | missing factor | dW_in[c] += dh / len(context) | dW_in[c] += dh
lookups:cbow | overwritten | dW_in[c] += dh / len(context) | dW_in[c] = dh / len(context)
lookups:cbow | missing term | e[center] -= 1 | e[center] -= 0
lookups:cbow | name | dh = np.dot(W_out.T, e) | dh = np.dot(W_in.T, e)
likelihoods:vae | missing factor | dlog_sigma = dz * eps * sigma + | dlog_sigma = dz * eps +
likelihoods:vae | sign | (sigma**2 - 1) / N * dloss | (1 - sigma**2) / N * dloss
likelihoods:vae | missing factor | dmu = dz + mu / N * dloss | dmu = dz + mu * dloss
likelihoods:vae | missing term | dh = dmu @ W_mu.T + dlog_sigma @ W_sig.T | dh = dmu @ W_mu.T
likelihoods:vae | missing factor | (sigma**2 - 1) / N * dloss | 0.5 * (sigma**2 - 1) / N * dloss
likelihoods:vae | number | dlog_sigma = dz * eps * sigma + | dlog_sigma = dz * eps * 0.5 * sigma +
likelihoods:mdn | sign | dpi_logits = (pi - gamma) * g | dpi_logits = (gamma - pi) * g
likelihoods:mdn | missing factor | dmu = -gamma * d / sig * g | dmu = -gamma * d * g
likelihoods:mdn | sign | dlog_sig = -gamma * (d**2 - 1) * g | dlog_sig = -gamma * (d**2 + 1) * g
likelihoods:mdn | missing term | dlog_sig = -gamma * (d**2 - 1) * g | dlog_sig = -gamma * d**2 * g
likelihoods:mdn | axis | dt = (gamma * d / sig).sum(axis=1) * g | dt = (gamma * d / sig).mean(axis=1) * g
likelihoods:kalman | sign | dS = 0.5 * (Sinv - np.outer(v, v)) | dS = 0.5 * (Sinv + np.outer(v, v))
likelihoods:kalman | missing factor | dF = 2 * dPp @ F_ @ P | dF = dPp @ F_ @ P
likelihoods:kalman | missing term | dH = 2 * dS @ H @ Pp - np.outer(dy, xp) | dH = 2 * dS @ H @ Pp
likelihoods:kalman | sign | dxp = -H.T @ dy | dxp = H.T @ dy
likelihoods:kalman | transpose | dP = F_.T @ dPp @ F_ | dP = F_ @ dPp @ F_.T
lookups:ntxent | transpose | du2 = dlogits.T @ u1 / tau | du2 = dlogits @ u1 / tau
lookups:ntxent | missing term | dz1 = (du1 - u1 * np.sum(du1 * u1, axis=1, keepdims=True)) / n1 | dz1 = du1 / n1
lookups:ntxent | missing factor | du1 = dlogits @ u2 / tau | du1 = dlogits @ u2
lookups:ntxent | missing factor | np.sum(du2 * u2, axis=1, keepdims=True)) / n2 | np.sum(du2 * u2, axis=1, keepdims=True))
lookups:ntxent | name | dz2 = (du2 - u2 * np.sum(du2 * u2 | dz2 = (du2 - u2 * np.sum(du2 * u1
likelihoods:ac | power | dmu = dlogp * (a - mu) / std**2 | dmu = dlogp * (a - mu) / std
likelihoods:ac | sign | dmu = dlogp * (a - mu) / std**2 | dmu = dlogp * (mu - a) / std**2
likelihoods:ac | missing term | (((a - mu) / std) ** 2 - 1), axis=0) - 0.01 * dloss | (((a - mu) / std) ** 2 - 1), axis=0)
likelihoods:ac | missing factor | dv = (v - ret) / N * dloss | dv = 2 * (v - ret) / N * dloss
likelihoods:ac | missing term | (((a - mu) / std) ** 2 - 1) | (((a - mu) / std) ** 2)
likelihoods:ac | missing term | ds = dmu @ W_mu.T + np.outer(dv, w_v) | ds = dmu @ W_mu.T
lookups:addatt | overwritten | dhs[t] += W_att.T @ da_t | dhs[t] = W_att.T @ da_t
lookups:addatt | missing term | alphas[t] * (d_alpha[t] - sum_dalpha_alpha) | alphas[t] * d_alpha[t]
lookups:addatt | power | da_t = du_t * (1.0 - u_t**2) | da_t = du_t * (1.0 - u_t)
lookups:addatt | sum or mean | sum_dalpha_alpha = np.sum(d_alpha * alphas) | sum_dalpha_alpha = np.mean(d_alpha * alphas)
lookups:gcn | transpose | dH = A.T @ dAH | dH = A @ dAH
lookups:gcn | missing factor | dH = A.T @ dAH | dH = dAH
lookups:gcn | sign | dlogits = (P - Y) / N * dloss | dlogits = (Y - P) / N * dloss
lookups:gcn | mask | dZ0 = dH * (Z0 > 0) | dZ0 = dH * (dH > 0)
lookups:fm | missing factor | derr = 2 * err / n * dloss | derr = err / n * dloss
lookups:fm | power | - V * ((X**2).T @ derr)[:, None] | - V * (X.T @ derr)[:, None]
lookups:fm | missing term | dV = X.T @ (derr[:, None] * XV) - V * ((X**2).T @ derr)[:, None] | dV = X.T @ (derr[:, None] * XV)
lookups:fm | sum or mean | dw0 = derr.sum() | dw0 = derr.mean()
lookups:reinforce | missing factor | dlog = dsoftmax / probs[actions[t]] | dlog = dsoftmax
lookups:reinforce | sign | grads -= grad * G[t] | grads += grad * G[t]
lookups:reinforce | sign | jac = np.diagflat(SM) - np.dot(SM, SM.T) | jac = np.diagflat(SM) + np.dot(SM, SM.T)
lookups:reinforce | missing factor | grads -= grad * G[t] | grads -= grad
lookups:reinforce | number | dsoftmax = jac[actions[t], :] | dsoftmax = jac[actions[t - 1], :]
"""
