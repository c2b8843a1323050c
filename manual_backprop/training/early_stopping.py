"""Early stopping: a training ends when the loss of data that it does not train on has stopped falling."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor


class Best(NamedTuple):
    """The least validation loss so far, the epoch after which it was found, and the parameters there."""

    loss: float = math.inf
    epoch: int = 0
    parameters: Mapping[str, Tensor] | None = None

    def updated(self, loss: float, epoch: int, parameters: Mapping[str, Tensor]) -> "Best":
        """This one, or the new one where its loss is lower; a NaN never is."""
        return Best(loss, epoch, parameters) if loss < self.loss else self

    def is_over(self, epoch: int, patience: int | None) -> bool:
        """Whether so many epochs in a row have brought no lower loss; None waits for ever."""
        return patience is not None and epoch - self.epoch >= patience
