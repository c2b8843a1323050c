"""Input that would broadcast or fail later is refused where it enters, with what was expected and found."""

import re

import pytest

import manual_backprop
import torch_reference
from bad_lesson_input import TYPE_ERRORS, VALUE_ERRORS
from manual_backprop import lesson

pytestmark = pytest.mark.usefixtures("as_a_user_runs_it")

PARAMETERS, INPUTS, OBSERVED = lesson.start(), *lesson.data()


@pytest.mark.parametrize(("arguments", "message"), VALUE_ERRORS.values(), ids=VALUE_ERRORS)
def test_what_does_not_fit_is_a_value_error(arguments: tuple, message: str) -> None:
    """Names, shapes and devices."""
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        manual_backprop.gradients(*arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(("arguments", "message"), TYPE_ERRORS.values(), ids=TYPE_ERRORS)
def test_what_is_no_float_tensor_is_a_type_error(arguments: tuple, message: str) -> None:
    """Dtypes: half precision is refused, because no bound was derived for it."""
    with pytest.raises(TypeError, match=re.escape(message)) as error:
        manual_backprop.forward(*arguments)
    assert str(error.value) == message


@pytest.mark.parametrize("package", [manual_backprop, torch_reference], ids=lambda m: m.__name__)
def test_an_unknown_name_in_wrt_is_an_error_that_lists_the_known_ones(package) -> None:
    """Both packages say the same."""
    message = f"unknown parameter 'w9': the known ones are {', '.join(PARAMETERS)}$"
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
