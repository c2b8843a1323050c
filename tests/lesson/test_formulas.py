"""The formulas say what the module computes, and what is read off them is what stands in them."""

import re

import pytest
import torch
from hypothesis import given
from torch import Tensor

import torch_reference
from manual_backprop import CHAINS, PARAMETERS
from strategies import Case, cases
from torch_reference import compare
from torch_reference.lesson.formulas import (
    Node,
    local_links,
    nodes,
    parameters_of,
    softplus_of,
    straight_terms,
    terms_of,
)
from torch_reference.lesson.network import FORMULAS

DEEP = {
    "x1": "w1 * inputs + b1",
    "y1": "softplus(x1)",
    "x2": "w2 * y1 + b2",
    "y2": "softplus(x2)",
    "predicted": "w3 * y2 + b3",
}


def evaluated(case: Case) -> dict[str, Tensor]:
    """Every formula, with torch's operations."""
    values = {name: value.unsqueeze(-1) for name, value in case.parameters.items()}
    values["inputs"] = case.inputs
    for name, formula in FORMULAS.items():
        of = softplus_of(formula)
        if of:
            values[name] = torch.logaddexp(values[of], values[of].new_zeros(()))
            continue
        products = [
            torch.stack(torch.broadcast_tensors(*(values[f] for f in term))) for term in terms_of(formula)
        ]
        values[name] = sum(product.prod(0) for product in products)
    return {name: values[name] for name in FORMULAS}


@given(case=cases())
def test_the_formulas_are_what_the_module_computes(case: Case) -> None:
    """The bounds are derived from the one and autograd differentiates the other: they must be one network."""
    reference = torch_reference.forward(*case)
    rows = compare(
        evaluated(case), {name: reference[name] for name in FORMULAS}, torch_reference.bounds(*case)
    )
    assert not [row for row in rows if not row.agrees]


def test_both_witnesses_have_the_same_parameters_and_links() -> None:
    """Found out independently: from the tables of the layers, and from the formulas."""
    assert torch_reference.PARAMETERS == PARAMETERS
    links = {f"d_{output}_d_{name}" for output, names in local_links(FORMULAS).items() for name in names}
    of_ssr = {f"d_ssr_d_{name}" for name in FORMULAS}
    assert {link.__name__ for chain in CHAINS.values() for link in chain} == links | of_ssr


def test_a_formula_is_taken_apart_into_names() -> None:
    """Parameters in their order, links from the end, the nodes, and what is straight."""
    skip = {
        "x1": "w1 * inputs + b1",
        "y1": "softplus(x1)",
        "predicted": "w3 * y1 + b3 + w5 * inputs",
    }
    assert parameters_of(skip) == ("w1", "b1", "w3", "b3", "w5")
    assert local_links(skip) == {"predicted": ("w3", "y1", "b3", "w5"), "y1": ("x1",), "x1": ("w1", "b1")}
    assert nodes(skip) == (Node("w3", (("w1", "inputs"), ("b1",))),)
    assert straight_terms(skip) == (("b3",), ("w5", "inputs"))


@pytest.mark.parametrize("formula", ["w1 ** 2", "relu(x1)", "w1 - b1", "2 * w1", ""])
def test_a_formula_of_another_form_is_refused(formula: str) -> None:
    """With the two forms that there are."""
    with pytest.raises(ValueError, match=re.escape(f"or 'softplus(x1)', found {formula!r}")):
        terms_of(formula)


@pytest.mark.parametrize(
    ("formulas", "term"),
    [
        (DEEP, "w3 * y2"),
        ({**FORMULAS, "predicted": "w3 * y1 * y2 + b3"}, "w3 * y1 * y2"),
        ({**FORMULAS, "predicted": "w3 * x1 + b3"}, "w3 * x1"),
    ],
    ids=["two hidden layers", "a product of nodes", "no activation"],
)
def test_a_network_of_another_shape_has_no_bound_of_its_descents(formulas: dict[str, str], term: str) -> None:
    """Its gradient has one; docs/trajectory.md derives that of a descent for one hidden layer alone."""
    with pytest.raises(
        ValueError, match=re.escape(f"one hidden layer of SoftPlus nodes, found the term '{term}'")
    ):
        nodes(formulas)
