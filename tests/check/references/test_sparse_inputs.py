"""A sparse tensor as an input: the gradient of its values, and its products as what is given."""

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_derivation, check_function, check_modules

DENSE = torch.randn(6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).relu()
X = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
LAYOUTS = {"coo": DENSE.to_sparse, "csr": DENSE.to_sparse_csr, "csc": DENSE.to_sparse_csc}

pytestmark = pytest.mark.filterwarnings("ignore:Sparse C:UserWarning")


class Product(torch.autograd.Function):
    """A sparse matrix times a dense one."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, a: Tensor, x: Tensor, factor: float) -> Tensor:
        ctx.save_for_backward(a, x)
        ctx.factor = factor  # type: ignore[attr-defined]
        return torch.sparse.mm(a, x)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *above: Tensor) -> tuple[Tensor | None, ...]:
        a, x = ctx.saved_tensors  # type: ignore[attr-defined]
        d_a = (ctx.factor * above[0] @ x.T).sparse_mask(a)  # type: ignore[attr-defined]
        return d_a, torch.sparse.mm(a.t(), above[0]), None


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_values_and_what_they_are_multiplied_with(layout: str) -> None:
    """Beside the product with the dense matrix."""
    a = LAYOUTS[layout]().requires_grad_()
    x = X.clone().requires_grad_()
    report = check_function(lambda a, x: a @ x, lambda a, x: a.to_dense() @ x, a, x, ways=[], order=1)
    assert report, str(report)
    assert [each.name for each in report.findings] == ["outputs[0]", "inputs[0]", "inputs[1]"]
    assert report.findings[1].row.elements == int((DENSE != 0).sum())


@pytest.mark.medium
def test_a_backward_of_a_sparse_gradient() -> None:
    """By requires_grad and by wrt; in every way of calling."""
    a, x = DENSE.to_sparse(), X.clone().requires_grad_()
    report = check_function(
        lambda a, x: Product.apply(a, x, 1.0), torch.sparse.mm, a.clone().requires_grad_(), x
    )
    assert report, str(report)
    report = check_function(Product, torch.sparse.mm, a, X, 1.01, wrt=[0], ways=[])
    assert not report


def test_a_sparse_output_is_judged_with_its_zeros() -> None:
    def softmax(a: Tensor) -> Tensor:
        return torch.sparse.softmax(a, 1)

    report = check_function(softmax, softmax, DENSE.to_sparse().requires_grad_(), ways=[], order=1)
    assert report, str(report)
    assert report.findings[0].row.elements == 36


def test_the_factor_is_named() -> None:
    a = DENSE.to_sparse()
    report = check_function(
        lambda a, x: Product.apply(a, x, 1.01), torch.sparse.mm, a, X, wrt=[0], ways=[], order=1
    )
    [wrong] = [each for each in report.findings if not each.agrees]
    assert (wrong.name, wrong.diagnosis.kind) == ("inputs[0]", "constant factor")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_constant_one_is_passed_on(layout: str) -> None:
    """An adjacency matrix, as in a graph's network."""
    a, x = LAYOUTS[layout](), X.clone().requires_grad_()
    report = check_function(
        (lambda a, x: (a @ x, a), lambda a, above: (None, a.t() @ above)),
        lambda a, x: (2.5 * a) @ x / 2.5,
        a,
        x,
        ways=[],
        order=1,
    )
    assert report, str(report)


def test_a_pair_is_told_what_to_do() -> None:
    pair = (lambda a, x: (a @ x, a), lambda a, above: (None, a.t() @ above))
    with pytest.raises(ValueError, match=r"^inputs\[0\]: expected a dense tensor, or no gradient asked for"):
        check_function(pair, torch.sparse.mm, DENSE.to_sparse().requires_grad_(), X)


def test_what_the_reference_raises_as_well_is_nobodys_mistake() -> None:
    """torch has no derivative of the sine of a CSR matrix; nor of eigenvectors whose phase matters."""
    a = DENSE.to_sparse_csr().requires_grad_()
    for function, argument in ((torch.sin, a), (torch.linalg.eig, DENSE - DENSE.T)):
        report = check_function(function, function, argument, ways=[], order=1)
        [raised] = [each for each in report.findings if not each.agrees]
        assert raised.name == "reference's own backward"
        assert str(report).startswith("UNDECIDED")


def test_further_points_are_sparse_too() -> None:
    """Of another pattern, and without requires_grad."""
    a, other = DENSE.to_sparse().requires_grad_(), torch.eye(6, dtype=torch.float64).to_sparse()
    report = check_function(torch.sparse.mm, torch.sparse.mm, a, X, points=[(other, X)], ways=[], order=1)
    assert report, str(report)
    assert dict(report.ways) == {"points[0]": "agrees"}


def test_a_layout_of_a_librarys_own_is_refused_in_one_line() -> None:
    x = torch.ones(3, 2).to_mkldnn().requires_grad_()
    with pytest.raises(
        ValueError, match=r"^inputs\[0\]: the gradient of a mkldnn tensor of torch.float32 cannot"
    ):
        check_function(Tensor.to_dense, Tensor.to_dense, x)


class Graph(nn.Module):
    """A layer of a graph's network: sums over neighbours."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 2).double()

    def forward(self, adjacency: Tensor, x: Tensor) -> Tensor:
        return torch.sparse.mm(adjacency, self.layer(x))


def test_a_network_of_a_sparse_input() -> None:
    """Its parameters' gradients by hand, and without a reference, beside difference quotients."""
    network, a, target = Graph(), DENSE.to_sparse(), torch.ones(6, 2, dtype=torch.float64)

    def ssr(output: Tensor, target: Tensor) -> Tensor:
        return ((target - output) ** 2).sum()

    def derivation(
        parameters: dict[str, Tensor], inputs: tuple[Tensor, Tensor], target: Tensor
    ) -> dict[str, Tensor]:
        adjacency, x = inputs
        output = adjacency @ (x @ parameters["layer.weight"].T + parameters["layer.bias"])
        d_ssr_d_layer = adjacency.t() @ (2 * (output - target))
        return {"layer.weight": d_ssr_d_layer.T @ x, "layer.bias": d_ssr_d_layer.sum(0)}

    report = check_derivation(network, ssr, (a, X), target, derivation)
    assert report, str(report)
    report = check_function(network, None, a, X, ways=[], order=1)
    assert report, str(report)


def test_a_module_whose_sparse_input_requires_a_gradient() -> None:
    network, a = Graph(), DENSE.to_sparse().requires_grad_()
    report = check_modules(network, Graph(), a, X, ways=[], order=1)
    assert report, str(report)
    assert "inputs[1]" in [each.name for each in report.findings]
