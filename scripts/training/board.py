"""--tensorboard: what is watched, for TensorBoard."""

from collections.abc import Mapping

from manual_backprop.training.monitoring import Figures
from manual_backprop.training.symptoms import Symptom
from support.installed_packages import require


class Board:
    """A folder of event files; `tensorboard --logdir DIR` shows them."""

    def __init__(self, folder: str) -> None:
        """Open a new event file in the folder."""
        require("tensorboard", extra="tensorboard")
        try:
            self.writer = require("torch.utils.tensorboard", extra="tensorboard").SummaryWriter(folder)
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), f"--tensorboard {folder}") from None

    def __enter__(self) -> "Board":
        """The open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.writer.close()

    def step(self, here: Figures) -> None:
        """A scalar for the loss and for each figure."""
        self.writer.add_scalar("loss", here.loss, here.step)
        for kind in ("gradient_norm", "update_ratio", "flat", "dead"):
            for name, value in getattr(here, kind).items():
                self.writer.add_scalar(f"{kind}/{name}", value, here.step)

    def warning(self, symptom: Symptom, here: Figures) -> None:
        """The warning as text."""
        self.writer.add_text("warnings", symptom.sentence, here.step)

    def epoch(self, number: int, losses: Mapping[str, float]) -> None:
        """The losses after so many epochs."""
        for name, value in losses.items():
            self.writer.add_scalar(f"epoch/{name}", value, number)
