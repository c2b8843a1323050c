"""What a test sees of the samples that its check takes."""

import pytest
from torch import Tensor

from torch_reference.tolerance.rows import judgement
from torch_reference.tolerance.rows.others import Others


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Tensor, int]]:
    """(the rows of each sample, how many of all it left to draws; -1 where it settled nothing)."""
    samples: list[tuple[Tensor, int]] = []
    by_sample = judgement.by_sample

    def watched(*args: object) -> Others | None:
        found = by_sample(*args)  # type: ignore[arg-type]
        samples.append((args[3], -1 if found is None else len(found.left)))  # type: ignore[arg-type]
        return found

    monkeypatch.setattr(judgement, "by_sample", watched)
    return samples
