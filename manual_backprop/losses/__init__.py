"""Losses: one number from predictions and targets, and its derivative with respect to each prediction."""

from manual_backprop.losses.table import LOSSES, Loss

__all__ = ["LOSSES", "Loss"]
