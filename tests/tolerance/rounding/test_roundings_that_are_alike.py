"""Where roundings are not independent: equal numbers round alike; torch's 16-bit convolutions lose digits."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 # torch's own name for it

from torch_reference import Row, check_function
from torch_reference.tolerance.gradient_sums import ExpectedSums
from torch_reference.tolerance.verdicts import Tolerance


def linear(factor: float) -> type[torch.autograd.Function]:
    """A linear layer whose weight's gradient is multiplied by a factor."""

    class Linear(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
            ctx.save_for_backward(x, weight)
            return x @ weight.T

        @staticmethod
        def backward(ctx, d_loss_d_y: Tensor) -> tuple[Tensor, Tensor]:
            x, weight = ctx.saved_tensors
            return d_loss_d_y @ weight, factor * (d_loss_d_y.T @ x)

    return Linear


def drawn(*shape: int, seed: int) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.medium(1)
@pytest.mark.parametrize("factor", [1.0, 1.03])
def test_equal_rows_of_a_gradient_round_alike_and_a_factor_still_shows(factor: float) -> None:
    """An expanded upstream gradient makes all rows of the weight's gradient the same, roundings included."""
    arguments = (drawn(64, 128, seed=7).half(), (drawn(96, 128, seed=8) / 11).half())
    upstream = drawn(1, 1, seed=9).half().expand(64, 96)
    report = check_function(
        linear(factor), lambda x, weight: x @ weight.T, *arguments, upstream=[upstream], draws=0
    )
    assert report.agrees == (factor == 1.0)


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_torchs_own_convolution_in_16_bits_is_right_and_a_factor_is_not(
    dtype: torch.dtype, factor: float
) -> None:
    """On some machines its backward adds up in 16 bits: 1,700 roundings off where a gradient cancels."""

    class Convolution(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
            ctx.save_for_backward(x, weight)
            return F.conv2d(x, weight, padding=1)

        @staticmethod
        def backward(ctx, d_loss_d_y: Tensor) -> tuple[Tensor, Tensor]:
            x, weight = ctx.saved_tensors
            d_x = torch.nn.grad.conv2d_input(x.shape, weight, d_loss_d_y, padding=1)
            return factor * d_x, torch.nn.grad.conv2d_weight(x, weight.shape, d_loss_d_y, padding=1)

    arguments = drawn(4, 8, 10, 10, seed=1).to(dtype), (drawn(16, 8, 3, 3, seed=2) / 8).to(dtype)
    report = check_function(
        Convolution, lambda x, weight: F.conv2d(x, weight, padding=1), *arguments, draws=0
    )
    assert report.agrees == (factor == 1.0)


@pytest.mark.medium(1)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_an_upstream_number_that_is_divided_in_16_bits_rounds_in_all_elements_alike(
    dtype: torch.dtype, factor: float
) -> None:
    """As plain operations make the gradient of a mean; a hundredth more shows in the sum of all."""

    def mean_of_squares(x: Tensor, y: Tensor) -> Tensor:
        return ((x - y) ** 2).mean() * factor - (factor - 1) * ((x - y) ** 2).mean().detach()

    arguments = drawn(100, 30, seed=1).to(dtype), drawn(100, 30, seed=2).to(dtype)
    report = check_function(mean_of_squares, F.mse_loss, *arguments, ways=[], order=1, draws=0)
    gradients = [finding for finding in report.findings if finding.kind != "output"]
    assert all(finding.agrees == (factor == 1.0) for finding in gradients), str(report)


ROWS = {"bfloat16": (torch.bfloat16, 0.01, 8192), "float16": (torch.float16, 0.0, 2048)}
"""Of nearly equal scores the same is taken from each upstream number."""


def log_softmax(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The gradient of a logarithm of softmax."""
    x = values["x"].detach().clone().requires_grad_()
    return {"x": torch.autograd.grad(torch.log_softmax(x, 1), x, values["upstream"])[0]}


def judged_log_softmax(dtype: torch.dtype, scale: float, columns: int, factor: float) -> Row:
    """The verdict on a kernel's: float32 inside, one rounding at the end."""
    torch.manual_seed(1)
    x, above = (scale * torch.randn(16, columns)).to(dtype), torch.randn(16, columns).to(dtype)
    g = above.float()
    made = g - factor * torch.softmax(x.float(), 1) * g.sum(1, keepdim=True)
    return Tolerance(log_softmax, {"x": x, "upstream": above}).rows({"x": made.to(dtype)})["x"]


@pytest.mark.medium
@pytest.mark.parametrize("name", ROWS)
def test_roundings_to_the_same_side_are_no_mistake(name: str) -> None:
    """The sum of a row, whose truth is zero, is off by them; a share that is a fifth too large is one."""
    assert judged_log_softmax(*ROWS[name], factor=1.0).agrees
    assert not judged_log_softmax(*ROWS[name], factor=1.2).agrees


def test_how_far_off_sums_are() -> None:
    """Of 1 + 0.6 ulp, three of a row, and of 2, exactly; beyond the largest number nothing is known."""
    ulp = 2.0**-7
    exact = torch.tensor([[1 + 0.6 * ulp] * 3, [2.0, 2.0, 2.0]], dtype=torch.float64)
    found = ExpectedSums(exact).rounded_once(torch.bfloat16)
    torch.testing.assert_close(found["sum over dimension 1"], torch.tensor([1.2 * ulp, 0.0]).double())
    too_large = torch.tensor([1e6, 1.0], dtype=torch.float64)
    assert ExpectedSums(too_large).rounded_once(torch.float16)["sum of all"] == 0
    assert not ExpectedSums(exact).rounded_once(torch.float32)
