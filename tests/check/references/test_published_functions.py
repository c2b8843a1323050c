"""Published functions agree with plain torch; each is skipped where its package is absent.

pip install entmax linear_operator gpytorch torch-dct e3nn kornia mambapy memcnn
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from torch_reference import check_function, check_modules

generator = torch.Generator().manual_seed(0)
x, w = torch.randn(4, 6, generator=generator), torch.rand(4, 6, generator=generator) + 0.5
images, square = torch.randn(2, 3, 6, 6, generator=generator), torch.randn(4, 4, generator=generator)
LENGTH = torch.tensor([[0.9]])


def sparsemax(z: Tensor) -> Tensor:
    """By sorting."""
    ordered = z.sort(-1, descending=True)[0]
    count = torch.arange(1, z.shape[-1] + 1, dtype=z.dtype)
    size = (ordered * count > ordered.cumsum(-1) - 1).sum(-1, keepdim=True)
    return (z - (ordered.cumsum(-1) - 1).gather(-1, size - 1) / size).clamp(min=0)


def entmax15(z: Tensor) -> Tensor:
    """By sorting."""
    ordered = (z / 2).sort(-1, descending=True)[0]
    count = torch.arange(1, z.shape[-1] + 1, dtype=z.dtype)
    mean, mean_square = ordered.cumsum(-1) / count, ordered.square().cumsum(-1) / count
    tau = mean - ((1 - count * (mean_square - mean.square())) / count).clamp(min=0).sqrt()
    size = (tau <= ordered).sum(-1, keepdim=True)
    return (z / 2 - tau.gather(-1, size - 1)).clamp(min=0).square()


def cosines(x: Tensor) -> Tensor:
    """The discrete cosine transform by its sum."""
    n = x.shape[-1]
    k = torch.arange(n, dtype=x.dtype)
    return 2 * (x[..., None, :] * torch.cos(math.pi * (2 * k + 1) * k[:, None] / (2 * n))).sum(-1)


def squares(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances of all pairs."""
    return (a[:, None] - b).square().sum(-1)


def matern(a: Tensor, b: Tensor, length: Tensor) -> Tensor:
    """Of smoothness 5/2."""
    d = squares(a, b).sqrt() / length
    return (1 + d * 5**0.5 + 5 / 3 * d * d) * (-(5**0.5) * d).exp()


def toeplitz(column: Tensor, right: Tensor) -> Tensor:
    """A symmetric matrix of one column, times another matrix."""
    place = torch.arange(len(column))
    return column[(place[:, None] - place).abs()] @ right


def variation(i: Tensor) -> Tensor:
    """Of neighbours in both directions."""
    down, across = i[..., 1:, :] - i[..., :-1, :], i[..., 1:] - i[..., :-1]
    return down.abs().sum((-1, -2)) + across.abs().sum((-1, -2))


def symmetric(a: Tensor) -> Tensor:
    """The symmetric part."""
    return (a + a.mT) / 2


def scan(a: Tensor, x: Tensor) -> Tensor:
    """h = a h + x, one step after another."""
    found = [x[:, 0]]
    for step in range(1, x.shape[1]):
        found.append(a[:, step] * found[-1] + x[:, step])
    return torch.stack(found, 1)


def attributes(module: str) -> Any:
    """The module, or a skipped test."""
    return pytest.importorskip(module, exc_type=ImportError)


positive = square @ square.T + 4 * torch.eye(4)
Published = tuple[Callable[[], Callable[..., Any]], Callable[..., Any], tuple[Tensor, ...], list[int] | None]
PUBLISHED: dict[str, Published] = {
    "entmax.sparsemax": (lambda: attributes("entmax").sparsemax, sparsemax, (x,), None),
    "entmax.entmax15": (lambda: attributes("entmax").entmax15, entmax15, (x,), None),
    "entmax.entmax_bisect": (lambda: attributes("entmax").entmax_bisect, entmax15, (x,), None),
    "entmax.sparsemax_bisect": (lambda: attributes("entmax").sparsemax_bisect, sparsemax, (x,), None),
    "linear_operator: Cholesky": (
        lambda: lambda a: attributes("linear_operator.utils.cholesky").psd_safe_cholesky(symmetric(a)),
        lambda a: torch.linalg.cholesky(symmetric(a)),
        (positive,),
        None,
    ),
    "linear_operator: Toeplitz": (
        lambda: lambda c, b: attributes("linear_operator").operators.ToeplitzLinearOperator(c).matmul(b),
        toeplitz,
        (torch.tensor([4.0, 1.0, 0.5, 0.2]), x),
        None,
    ),
    "linear_operator: log-determinant": (
        lambda: lambda a: attributes("linear_operator").to_linear_operator(symmetric(a)).logdet(),
        lambda a: torch.logdet(symmetric(a)),
        (positive,),
        None,
    ),
    "gpytorch: RBF": (
        lambda: lambda *args: attributes("gpytorch.functions").RBFCovariance.apply(*args, squares),
        lambda a, b, length: (-0.5 * squares(a, b) / length**2).exp(),
        (x, w, LENGTH),
        [2],
    ),
    "gpytorch: Matern": (
        lambda: lambda *args: attributes("gpytorch.functions").MaternCovariance.apply(
            *args, 2.5, lambda a, b: squares(a, b).sqrt()
        ),
        matern,
        (x, w, LENGTH),
        [2],
    ),
    "torch_dct.dct": (lambda: attributes("torch_dct").dct, cosines, (x,), None),
    "torch_dct.dct_2d": (
        lambda: attributes("torch_dct").dct_2d, lambda x: cosines(cosines(x).mT).mT, (x,), None
    ),
    "e3nn: spherical harmonics": (
        lambda: lambda v: attributes("e3nn.o3").spherical_harmonics(1, v, True, normalization="component"),
        lambda v: 3**0.5 * v / v.norm(dim=-1, keepdim=True),
        (x[:, :3].contiguous(),),
        None,
    ),
    "e3nn.soft_unit_step": (
        lambda: attributes("e3nn.math").soft_unit_step,
        lambda x: torch.where(x > 0, (-1 / torch.where(x > 0, x, 1.0)).exp(), 0 * x),
        (x,),
        None,
    ),
    "kornia: box blur": (
        lambda: lambda i: attributes("kornia").filters.box_blur(i, (3, 3)),
        lambda i: conv2d(pad(i, (1, 1, 1, 1), mode="reflect"), i.new_full((3, 1, 3, 3), 1 / 9), groups=3),
        (images,),
        None,
    ),
    "kornia: total variation": (
        lambda: attributes("kornia").losses.total_variation, variation, (images,), None
    ),
    "mambapy: parallel scan": (
        lambda: lambda a, x: attributes("mambapy.pscan").PScan.apply(a, x),
        scan,
        (images.sigmoid(), images.tanh()),
        None,
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("made", "reference", "inputs", "wrt"), PUBLISHED.values(), ids=PUBLISHED)
def test_a_published_function_agrees(
    made: Callable[[], Any],
    reference: Callable[..., Any],
    inputs: tuple[Tensor, ...],
    wrt: list[int] | None,
    dtype: torch.dtype,
) -> None:
    """In every way of calling; of second derivatives, which several lack, there may be a warning."""
    function = made()
    given = tuple(value.to(dtype) for value in inputs)
    function(*given)  # skipped here where the package is absent
    report = check_function(function, reference, *given, wrt=wrt)
    assert report, str(report)
    assert not [status for _, status in report.ways if status.startswith("not judged")]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_published_function_that_doubles_the_gradient_of_a_leaf_is_refused() -> None:
    """memcnn 1.5.2 sets the .grad of its inputs itself, and returns the gradient besides."""
    memcnn = attributes("memcnn")
    plain = memcnn.AdditiveCoupling(nn.Sequential(nn.Linear(3, 3), nn.Tanh()).double())
    wrapped = memcnn.InvertibleModuleWrapper(plain, keep_input=True)
    names = {name: name.removeprefix("_fn.") for name, _ in wrapped.named_parameters()}
    report = check_modules(wrapped, plain, [x[:, :6].double()], names=names)
    assert not report
    [wrong] = [each for each in report.findings if not each.agrees]
    assert wrong.diagnosis is not None
    assert wrong.diagnosis.kind == "factor 2"
