"""The program that shows kernels for 16 bits, right and wrong, to this project's verdict and to others'."""

import pytest

import low_precision
from catalogue.low_precision import KERNELS


@pytest.mark.slow
@pytest.mark.parametrize("kernel", sorted(KERNELS))
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_every_mistake_is_refused_and_nothing_that_is_right(
    kernel: str, dtype: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 64 x 512, and right ones at scales from 0.01 to 100."""
    status = low_precision.main(["--small", "--dtypes", dtype, "--kernels", kernel])
    assert (status, "missed" in capsys.readouterr().out) == (0, False)


@pytest.mark.medium
def test_the_rules_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    """One function: each rule in a line, with what it refuses of the wrong and of the right."""
    assert low_precision.main(["--small", "--dtypes", "bfloat16", "--kernels", "SiLU"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "8 planted mistakes and 5 right gradients in 16 bits"
    refused = {line[:28].strip(): [int(number) for number in line[28:].split()] for line in lines[3:]}
    assert refused["this project"] == [8, 0]
    assert set(refused) == {"this project", *low_precision.RULES}
