"""Options that are none are told in one line, and not taken for what they are not."""

from typing import Any

import numpy as np
import pytest
import torch

from torch_reference import check_function

x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"order": "2"}, "order: expected 1, 2 or None, found '2'"),  # which did not decide
        ({"order": 3}, "order: expected 1, 2 or None, found 3"),
        ({"allow": "input mutated"}, "allow: expected a list, found 'input mutated'"),
        ({"allow": ["mutated"]}, "allow: expected some of input mutated, .*, found 'mutated'"),
        ({"wrt": "x"}, "wrt: expected a list, found 'x'"),
        ({"wrt": 0}, "wrt: expected a list, found 0"),
        ({"wrt": []}, "wrt: expected one argument at least, found none"),
        ({"wrt": ["scael"]}, "wrt: expected one of 0, with floating-point numbers, found 'scael'"),
        ({"ways": "spread"}, "ways: expected a list, found 'spread'"),
        ({"ways": ["transpose"]}, "ways: expected some of .*, found 'transpose'; did you mean transposed?"),
        ({"upstream": {"y": x}}, "upstream: expected a list, found dict"),
        ({"surrogate": x}, "surrogate: expected a function or None, found Tensor"),
        ({"way": []}, "way: expected an option, or a keyword that the function takes; did you mean ways?"),
        ({"draws": -1}, "draws: expected a whole number of 0 or more, found -1"),
        ({"seed": "a"}, "seed: expected a whole number of 0 or more, found 'a'"),
    ],
)
def test_what_is_no_option_is_named(options: dict[str, Any], told: str) -> None:
    """Each was another error, or none at all."""
    with pytest.raises((ValueError, TypeError), match=f"^{told.replace('?', '.')}$"):
        check_function(torch.sin, torch.sin, x, **options)


def test_a_keyword_of_the_function_is_no_misspelt_option() -> None:
    """Nor is one of a function that takes any."""
    for function in (lambda x, way: way * x, lambda x, **of: of["way"] * x):
        assert check_function(function, function, x, way=2.0, ways=[])
    with pytest.raises(TypeError, match=r"^reference: expected a function or None, found Tensor$"):
        check_function(torch.sin, x)  # type: ignore[arg-type] # which is the point


def test_numbers_of_other_kinds_are_numbers() -> None:
    """As numpy's, and no breach that is allowed is one too many."""
    assert check_function(torch.sin, torch.sin, x, seed=np.int64(3), ways=(), allow=("shares memory",))


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_nested_tensor_is_refused() -> None:
    """It has no strides, of which copies are made."""
    nested = torch.nested.nested_tensor([x[0], x[1, :2]])
    with pytest.raises(ValueError, match=r"inputs\[0\]: a nested tensor cannot be judged"):
        check_function(torch.sin, torch.sin, nested)
