"""What the tests of scripts/compare_gradients.py share."""

from collections.abc import Callable

import pytest

import compare_gradients
import manual_backprop
from comparing_runs import Result
from support import ending


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run the script in this process, through its own entry point: that saves the import of torch."""

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as stop:
            ending.run(lambda _: compare_gradients.main(arguments))
        return Result(stop.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def wrong_w4(monkeypatch: pytest.MonkeyPatch) -> None:
    """A derivation in which w4 has the wrong sign."""
    right = manual_backprop.DERIVATIVES["w4"]
    monkeypatch.setitem(manual_backprop.DERIVATIVES, "w4", lambda trace: -right(trace))
