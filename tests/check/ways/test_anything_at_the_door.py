"""Whatever is thrown at the door, a report or one line comes out, and never an error of the check's."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torch_reference import Report, check_function

x = torch.linspace(-1.5, 2, 6, dtype=torch.float64).reshape(2, 3)
VALUES = [
    None,
    True,
    3,
    2.5,
    "a word",
    float("nan"),
    torch.tensor(torch.inf),
    x,
    x.float(),
    x.T,
    x[:0],
    x[0, 0],
    x > 0,
    torch.arange(3),
    torch.complex(x, x),
    x.to_sparse(),
    x.expand(4, 2, 3),
    x.to(torch.bfloat16),
    object(),
    {1, 2},
]
nests = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=3,
)


class Odd(Exception):  # noqa: N818 - an error of nobody's
    """Whatever a user may raise."""


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(nests, nests, nests, st.sampled_from([None, Odd, SystemExit, MemoryError, Warning]))
def test_no_error_of_the_checks_own_comes_out(
    argument: object, output: object, gradient: object, error: type[BaseException] | None
) -> None:
    """Random arguments, outputs and gradients, and errors."""

    def forward(a: torch.Tensor, *_: object) -> tuple[object, None]:
        if error is SystemExit:
            raise error
        return (a * 2, output), None

    def backward(_: None, *above: object) -> object:
        if error is not None:
            raise error
        return gradient

    def reference(a: torch.Tensor, *_: object) -> tuple[object, ...]:
        return a * 2, output

    for function in ((forward, backward), lambda a, *rest: forward(a, *rest)[0]):
        report = check_function(
            function, reference, x, argument, wrt=[0], draws=1, ways=["rows", "transposed"]
        )
        assert isinstance(report, Report)
        assert str(report)
        assert report._repr_html_()
        assert report.to_dict()


@pytest.mark.parametrize("function", [None, 3, "a word", (torch.sin,), (torch.sin, 3), x])
def test_what_cannot_be_called_is_refused_in_one_line(function: object) -> None:
    """A TypeError that says what was expected."""
    with pytest.raises(TypeError, match=r"^[^\n]*expected [^\n]*$"):
        check_function(function, torch.sin, x)
