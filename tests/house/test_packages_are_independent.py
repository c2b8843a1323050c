"""Two witnesses who copy are one witness: the syntax tree of every file is read for what it must not use."""

import ast
from pathlib import Path

import pytest

from import_arrows import ROOT, imports_in, imports_of

FORBIDDEN_NAMES = {"autograd", "backward", "requires_grad", "requires_grad_", "grad_fn", "enable_grad"}


def files(package: str) -> list[Path]:
    """All modules of a package."""
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def uses_of_autograd(source: str) -> list[str]:
    """What a file of manual_backprop must not contain, from torch.nn and torch.func to .backward."""
    tree = ast.parse(source)
    # layer.backward is the derivation by hand; any other .backward may be a tensor's.
    ours = "layer.backward"
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    # Whether autograd watches a tensor may be asked: what it watches goes to the plain derivation.
    asked = [node for node in nodes if node.attr == "requires_grad" and isinstance(node.ctx, ast.Load)]
    attributes = [
        node.attr for node in nodes if node not in asked and not f".{ast.unparse(node)}".endswith(f".{ours}")
    ]
    modules = [
        name
        for name in (each.dotted() for each in imports_in(source))
        if name.startswith(("torch.nn", "torch.func", "torch.autograd"))
    ]
    nn = [attribute for attribute in attributes if attribute in {"nn", "func"}]
    keywords = [node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg]
    return modules + nn + [name for name in attributes + keywords if name in FORBIDDEN_NAMES]


@pytest.mark.parametrize("path", files("manual_backprop"), ids=lambda path: path.name)
def test_manual_backprop_never_touches_autograd_or_torch_nn(path: Path) -> None:
    """No import, no attribute and no keyword of them."""
    assert uses_of_autograd(path.read_text()) == []


@pytest.mark.parametrize(
    ("package", "other"), [("manual_backprop", "torch_reference"), ("torch_reference", "manual_backprop")]
)
def test_the_packages_never_import_each_other(package: str, other: str) -> None:
    """The contract between them is data."""
    for path in files(package):
        assert not [each for each in imports_of(path) if each.dotted().split(".")[0] == other]


def test_imports_run_downwards_only() -> None:
    """Elementary <- trace <- output_layer <- the nodes <- network <- gradient: the order of the textbook."""
    order = ["elementary", "trace", "output_layer", "top_node", "bottom_node", "network", "gradient"]
    for position, name in enumerate(order):
        found = imports_of(ROOT / "manual_backprop/lesson" / f"{name}.py")
        own = {part for each in found for part in each.dotted().split(".") if part in order}
        assert own <= set(order[:position]), name


def test_no_mode_of_ours_loads_torchs_compiler() -> None:
    """A mode of torch's own loads dynamo at its first operation, a second or two of the first check."""
    modes = "torch.utils._python_dispatch.TorchDispatchMode"
    at_home = ROOT / "torch_reference/tolerance/rounding/uncompiled.py"
    found = {path: {each.dotted() for each in imports_of(path)} for path in files("torch_reference")}
    assert [path for path, names in found.items() if modes in names] == [at_home]


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn",
        "from torch import nn",
        "import torch\ntorch.nn.functional.softplus(x)",
        "from torch.autograd import grad",
        "torch.autograd.grad(y, x)",
        "y.backward()",
        "player.backward()",
        "torch.zeros(3, requires_grad=True)",
        "x.requires_grad_()",
        "x.requires_grad = True",
        "from torch.func import grad",
        "torch.func.grad(f)",
    ],
)
def test_the_check_sees_every_way_of_using_autograd(source: str) -> None:
    """Test the test: each of these lines must be found."""
    assert uses_of_autograd(source)
