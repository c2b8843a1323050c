"""Input that would broadcast or fail later is refused where it enters, with what was expected and found."""

import re

import pytest
import torch

import manual_backprop
import torch_reference
from manual_backprop import lesson

pytestmark = pytest.mark.usefixtures("as_a_user_runs_it")

PARAMETERS, INPUTS, OBSERVED = lesson.start(), *lesson.data()
CASES = {
    "unknown parameter": (
        ({**PARAMETERS, "w5": INPUTS[0]}, INPUTS, OBSERVED),
        "unknown parameter 'w5': the known ones are w1, b1, w2, b2, w3, w4, b3",
    ),
    "missing parameters": (
        ({name: PARAMETERS[name] for name in ("w1", "b1", "w2", "b2", "w3")}, INPUTS, OBSERVED),
        "missing parameter w4, b3: all of w1, b1, w2, b2, w3, w4, b3 are needed",
    ),
    "column for row": (
        (PARAMETERS, INPUTS, OBSERVED[:, None]),
        "observed must have the inputs' shape (3,), found (3, 1)",
    ),
    "no observations": (
        (PARAMETERS, INPUTS[:0], OBSERVED[:0]),
        "inputs must have shape (*batch, n) with n of at least 1, found (0,)",
    ),
    "a single number": (
        (PARAMETERS, INPUTS[0], OBSERVED[0]),
        "inputs must have shape (*batch, n) with n of at least 1, found ()",
    ),
    "parameters of two shapes": (
        ({**PARAMETERS, "w3": INPUTS}, INPUTS, OBSERVED),
        "all parameters must have one shape: w1 has (), w3 has (3,)",
    ),
    "batches that differ": (
        (
            {name: value.expand(2) for name, value in PARAMETERS.items()},
            INPUTS.expand(4, 3),
            OBSERVED.expand(4, 3),
        ),
        "the batch of the parameters, (2,), and of the data, (4,), must be equal, or one of them ()",
    ),
    "another device": (
        (PARAMETERS, INPUTS, OBSERVED.to("meta")),
        "observed must be on the inputs' device cpu, found meta",
    ),
}
TYPE_CASES = {
    "two dtypes": (
        (PARAMETERS, INPUTS, OBSERVED.float()),
        "observed must have the inputs' dtype torch.float64, found torch.float32",
    ),
    "half precision": (
        ({name: value.half() for name, value in PARAMETERS.items()}, INPUTS.half(), OBSERVED.half()),
        "the data must be torch.float32 or torch.float64, found torch.float16",
    ),
    "integers": (
        (PARAMETERS, torch.tensor([0, 1]), torch.tensor([0, 1])),
        "the data must be torch.float32 or torch.float64, found torch.int64",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), CASES.values(), ids=CASES)
def test_what_does_not_fit_is_a_value_error(arguments: tuple, message: str) -> None:
    """Names, shapes and devices."""
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        manual_backprop.gradients(*arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(("arguments", "message"), TYPE_CASES.values(), ids=TYPE_CASES)
def test_what_is_no_float_tensor_is_a_type_error(arguments: tuple, message: str) -> None:
    """Dtypes: half precision is refused, because no bound was derived for it."""
    with pytest.raises(TypeError, match=re.escape(message)) as error:
        manual_backprop.forward(*arguments)
    assert str(error.value) == message


@pytest.mark.parametrize("package", [manual_backprop, torch_reference], ids=lambda m: m.__name__)
def test_an_unknown_name_in_wrt_is_an_error_that_lists_the_known_ones(package) -> None:
    """Both packages say the same."""
    message = "unknown parameter 'w9': the known ones are w1, b1, w2, b2, w3, w4, b3"
    with pytest.raises(ValueError, match=message):
        package.gradients(PARAMETERS, INPUTS, OBSERVED, wrt=["w3", "w9"])


@pytest.mark.parametrize("function", [manual_backprop.gradients, manual_backprop.links])
def test_a_name_given_twice_or_a_bare_string_is_an_error(function) -> None:
    """A string is a sequence of letters, which is never meant."""
    with pytest.raises(ValueError, match="parameter 'w3' is named twice"):
        function(PARAMETERS, INPUTS, OBSERVED, wrt=["w3", "w3"])
    with pytest.raises(TypeError, match="found the single string 'w3'"):
        function(PARAMETERS, INPUTS, OBSERVED, wrt="w3")


def test_a_list_instead_of_a_tensor_is_an_error() -> None:
    """Named, with the type that was found."""
    with pytest.raises(TypeError, match=r"b3 must be a torch\.Tensor, found float"):
        manual_backprop.gradients({**PARAMETERS, "b3": 0.0}, INPUTS, OBSERVED)
