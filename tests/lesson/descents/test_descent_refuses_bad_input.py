"""Rules and data of which no descent can be made are refused in one line each."""

import re

import pytest
import torch

from manual_backprop import lesson
from manual_backprop.lesson.descent import descend


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be above 0 and finite, found 0.0"),
        ({"learning_rate": -0.1}, "learning_rate must be above 0 and finite, found -0.1"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0 and finite, found nan"),
        ({"learning_rate": float("inf")}, "learning_rate must be above 0 and finite, found inf"),
        ({"learning_rate": 1e-50}, "learning_rate 1e-50 is 0.0 in torch.float32"),
        ({"learning_rate": 1e50}, "learning_rate 1e+50 is inf in torch.float32"),
        ({"max_steps": -1}, "max_steps must be a whole number of at least 0, found -1"),
        ({"min_step_size": -1.0}, "min_step_size must be at least 0 and finite, found -1.0"),
        ({"min_step_size": float("inf")}, "min_step_size must be at least 0 and finite, found inf"),
        ({"min_step_size": float("nan")}, "min_step_size must be at least 0 and finite, found nan"),
        ({"wrt": ()}, "wrt must name at least one of w1, b1"),
        ({"wrt": ("w9",)}, "unknown parameter 'w9'"),
        ({"wrt": ("w3", "w3")}, "parameter 'w3' is named twice"),
    ],
)
def test_a_senseless_rule_is_refused_in_one_line(changed: dict[str, object], message: str) -> None:
    """ValueError says what was wrong, what was expected and what was found."""
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        descend(lesson.start(torch.float32), *lesson.data(torch.float32), **changed)
    assert "\n" not in str(caught.value)


def test_a_batch_is_refused() -> None:
    """Each network of a batch would stop at a step of its own."""
    inputs, observed = lesson.data()
    batch = {name: value.expand(2) for name, value in lesson.start().items()}
    for arguments, found in (
        ((batch, inputs, observed), "(2,) and (3,)"),
        ((lesson.start(), inputs.expand(2, 3), observed.expand(2, 3)), "() and (2, 3)"),
    ):
        with pytest.raises(ValueError, match="one network and one data set") as raised:
            descend(*arguments)
        assert str(raised.value) == (
            "descent takes one network and one data set, parameters of shape () and inputs of shape (n), "
            f"found {found}"
        )
