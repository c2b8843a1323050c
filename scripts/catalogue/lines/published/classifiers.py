"""Losses of linear classifiers, derived in the style of CS231n."""

import torch
import torch.nn.functional as F
from torch import nn


class Logistic(nn.Module):
    def __init__(self):
        super().__init__()
        self.W, self.b = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(4))

    def forward(self, x):
        return x @ self.W + self.b


def regularised(output, y):
    return F.cross_entropy(output, y)


def softmax_loss_vectorized(parameters, X, y):
    W, b = parameters["W"], parameters["b"]
    num_train = X.shape[0]
    scores = X @ W + b
    scores = scores - scores.max(dim=1, keepdim=True).values
    exp_scores = torch.exp(scores)
    probs = exp_scores / exp_scores.sum(dim=1, keepdim=True)
    dscores = probs.clone()
    dscores[range(num_train), y] -= 1
    dscores /= num_train
    dW = X.T @ dscores
    db = dscores.sum(dim=0)
    return {"W": dW, "b": db}


def svm(output, y):
    margins = (output - output[torch.arange(len(y)), y][:, None] + 1).clamp(min=0)
    keep = torch.ones_like(margins)
    keep[torch.arange(len(y)), y] = 0
    return (margins * keep).sum() / len(y)


def svm_loss_naive(parameters, X, y):
    W, b = parameters["W"], parameters["b"]
    dW, db = torch.zeros_like(W), torch.zeros_like(b)
    num_train, num_classes = X.shape[0], W.shape[1]
    for i in range(num_train):
        scores = X[i] @ W + b
        correct = scores[y[i]]
        for j in range(num_classes):
            if j == y[i]:
                continue
            margin = scores[j] - correct + 1
            if margin > 0:
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
                db[j] += 1
                db[y[i]] -= 1
    dW /= num_train
    db /= num_train
    return {"W": dW, "b": db}


R = torch.randn
SUBJECTS = {
    "softmax_loss": lambda: (
        Logistic(),
        regularised,
        R(6, 3),
        torch.randint(0, 4, (6,)),
        softmax_loss_vectorized,
    ),
    "svm_loss": lambda: (Logistic(), svm, R(6, 3), torch.randint(0, 4, (6,)), svm_loss_naive),
}
