"""Training of any network: minibatches, epochs of steps, and what is watched while it runs.

monitoring measures every step, symptoms says what is wrong with it, sharpness finds the largest curvature,
early_stopping keeps the best parameters, distributed adds up what several processes found.
"""

from manual_backprop.training.epochs import Point, Recipe, Step, epoch_of_steps
from manual_backprop.training.minibatches import batches

__all__ = ["Point", "Recipe", "Step", "batches", "epoch_of_steps"]
