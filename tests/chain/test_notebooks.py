"""Scripts as notebooks have them: no torch.no_grad(), and names of many kinds."""

import pytest
import torch

from torch_reference import check_links
from torch_reference.chain.names import named_pairs


def script(wrong: float = 1.0) -> dict[str, object]:
    """A hidden layer; every gradient is made of tensors with a graph, and has one itself."""
    torch.manual_seed(0)
    x, t = torch.randn(5, 3).double(), torch.randn(5, 2).double()
    w1, w2 = (torch.randn(*size).double().requires_grad_() for size in ((3, 4), (4, 2)))
    h = torch.tanh(x @ w1)
    y = h @ w2
    loss = ((y - t) ** 2).mean()
    dy = 2 * (y - t) / y.numel()
    dw2 = wrong * h.T @ dy
    dh = dy @ w2.T
    dw1 = x.T @ (dh * (1 - h**2))
    return locals()


def test_gradients_that_have_a_graph_themselves_are_gradients() -> None:
    """The loss does not depend on them: they are no quantities of the forward pass."""
    right, wrong = check_links(script()), check_links(script(wrong=2.0))
    assert right.agrees
    assert {link.quantity.manual_name for link in right.links} == {"dy", "dw2", "dh", "dw1"}
    assert [link.quantity.manual_name for link in wrong.wrong] == ["dw2"]


@pytest.mark.parametrize("key", ["w2", "dw2"])
def test_gradients_in_a_dict_belong_to_the_parameters_in_another(key: str) -> None:
    """grads["w2"] and grads["dw2"] to params["w2"]; a name of its own comes first."""
    values = script(wrong=2.0)
    space = {name: values[name] for name in ("loss", "h", "dh", "y", "dy", "w1", "dw1")}
    space |= {"params": {"w2": values["w2"], "w1": values["dh"]}, "grads": {key: values["dw2"]}}
    report = check_links(space)
    assert len(report.links) == 4
    assert [link.quantity.manual_name for link in report.wrong] == [f"grads['{key}']"]


@pytest.mark.parametrize(
    "manual",
    [
        "dw",
        "Dw",
        "d_w",
        "grad_w",
        "gradW",
        "w_grad",
        "w_bar",
        "wgrad",
        "w.g",
        "dL_dw",
        "dJdw",
        "del_w",
        "nabla_w",
        "partial_w",
    ],
)
def test_a_name_of_any_kind_is_paired(manual: str) -> None:
    """Courses have their own."""
    assert named_pairs(["w", "x"], [manual]) == {manual: "w"}
