"""Property-based assertions for anybody's tests; hypothesis is an optional dependency."""

import copy
import importlib
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from torch_reference.check.calling import Function
from torch_reference.check.examine import examine_here
from torch_reference.check.function import check_function
from torch_reference.judging.calls.pasteable import pasteable
from torch_reference.judging.network_task import NetworkDerivation, network_task
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import Loss

LARGEST = 10.0
"""Range of the numbers that are drawn from a shape: wide enough to saturate a sigmoid to 5e-5, and far from
the overflow of exp in any dtype."""

LARGEST_SIZE = 4
"""The largest size that a letter stands for: enough to tell a row from a column and a sum from a mean."""


def assert_always_matches(
    function: Function,
    reference: Callable[..., Any],
    *inputs: Any,
    max_examples: int = 100,
    dtype: torch.dtype = torch.float64,
) -> None:
    """Draw inputs until one fails, and shrink it to a smallest counterexample; raise with its report.

    Each input is a Hypothesis strategy of tensors, or a shape, in which a letter stands for a size from 1 to
    4 that is the same wherever the letter is: ("n", 3), ("n",) draws a matrix and a vector of n rows.

    Shapes: as described; numbers drawn from a shape have the given dtype and lie between −10 and 10
    Errors: AssertionError with the report of the smallest failing inputs; ValueError without hypothesis, and
            without an input; TypeError for what is no shape

    >>> import torch
    >>> square = (lambda x: (x * x, x), lambda x, d_loss_d_y: 2 * x * d_loss_d_y)
    >>> assert_always_matches(square, torch.square, ("n", "m"), max_examples=10)
    """
    __tracebackhide__ = True
    if not inputs:
        raise ValueError('inputs: expected a shape, such as ("n", 3), or a strategy of tensors, found none')
    st = _hypothesis().strategies
    _always(
        _inputs(st, inputs, dtype),
        lambda drawn, draws: check_function(function, reference, *drawn, redraw=False, order=1, draws=draws),
        lambda drawn: f"inputs = {pasteable(tuple(drawn))}\n",
        max_examples,
    )


def assert_gradients_always_match(
    model: nn.Module,
    loss: Loss,
    inputs: Any,
    targets: Any,
    derivation: NetworkDerivation,
    *,
    max_examples: int = 100,
) -> None:
    """Draw parameters, inputs and targets until a derivation fails, and shrink them; raise with the report.

    inputs and targets are each a Hypothesis strategy of tensors, or a shape as in assert_always_matches, in
    the dtype of the model's parameters. The model itself is left as it was.

    Shapes: as described; the numbers drawn from a shape, and the parameters, lie between −10 and 10
    Errors: AssertionError with the report of the smallest failing point; ValueError without hypothesis

    >>> import torch
    >>> model, ssr = torch.nn.Linear(2, 1, bias=False), torch.nn.MSELoss(reduction="sum")
    >>> def by_hand(parameters, inputs, observed):
    ...     d_ssr_d_predicted = -2 * (observed - inputs @ parameters["weight"].T)
    ...     return {"weight": d_ssr_d_predicted.T @ inputs}
    >>> assert_gradients_always_match(model, ssr, ("n", 2), ("n", 1), by_hand, max_examples=10)
    """
    __tracebackhide__ = True
    st = _hypothesis().strategies
    own = {name: value.detach() for name, value in model.named_parameters()}
    dtype = next(iter(own.values())).dtype
    data = _inputs(st, (inputs, targets), dtype)
    parameters = st.fixed_dictionaries({name: tensors(value.shape, dtype) for name, value in own.items()})

    def check(drawn: tuple[tuple[Tensor, Tensor], dict[str, Tensor]], draws: int) -> Report:
        other = copy.deepcopy(model)
        other.load_state_dict(drawn[1], strict=False)
        # At this very point alone: examine would find parameters of its own, and all would shrink to zeros.
        return examine_here(network_task(other, loss, *drawn[0], derivation), draws)

    def told(drawn: tuple[tuple[Tensor, Tensor], dict[str, Tensor]]) -> str:
        (inputs, targets), parameters = drawn
        named = {"parameters": parameters, "inputs": inputs, "targets": targets}
        return "".join(f"{name} = {pasteable(value)}\n" for name, value in named.items())

    _always(st.tuples(data, parameters), check, told, max_examples)


def _always(
    strategy: Any, check: Callable[[Any, int], Report], told: Callable[[Any], str], max_examples: int
) -> None:
    """Look for a failing example without diagnosing it, and report the smallest with its diagnosis."""
    __tracebackhide__ = True
    hypothesis = _hypothesis()
    failing: list[Any] = []

    def always(drawn: Any) -> None:
        if not check(drawn, 0).agrees:
            failing.append(drawn)
            raise AssertionError

    settings = hypothesis.settings(
        max_examples=max_examples,
        deadline=None,
        database=None,
        derandomize=True,
        print_blob=False,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],  # to explain traces every line: slow
    )
    try:
        settings(hypothesis.given(strategy)(always))()
    except AssertionError:  # the last one that failed is the smallest: hypothesis shows it again
        example = f"smallest failing example:\n{told(failing[-1])}"
        raise AssertionError(f"{check(failing[-1], 4)}\n\n{example}") from None


def tensors(shape: Sequence[int], dtype: torch.dtype = torch.float64) -> Any:
    """A Hypothesis strategy of tensors of that shape, which shrinks towards 1.5; 0 and 1 are drawn as well.

    Errors: ValueError where hypothesis is absent
    """
    st = _hypothesis().strategies
    size = torch.Size(shape).numel()
    width = {torch.float64: 64, torch.float32: 32, torch.float16: 16, torch.bfloat16: 16}[dtype]
    # What is shrunk ends at 1.5: at 0 and at 1 many a mistake hides, and many another looks like it.
    ordinary = st.floats(-LARGEST + 1.5, LARGEST - 1.5, width=width).map(lambda number: number + 1.5)
    numbers = ordinary | st.sampled_from([1.0, 0.0, -1.0])
    return st.lists(numbers, min_size=size, max_size=size).map(
        lambda values: torch.tensor(values, dtype=dtype).reshape(tuple(shape))
    )


def _inputs(st: ModuleType, inputs: Sequence[Any], dtype: torch.dtype) -> Any:
    """Tuples of tensors. Each is drawn at its largest and then cut, so that a size shrinks by itself."""
    for each in inputs:
        if not isinstance(each, tuple | st.SearchStrategy):
            found = f"{type(each).__name__} {each!r}" if isinstance(each, str | list) else type(each).__name__
            raise TypeError(
                f'inputs: expected a shape, such as ("n", 3), or a strategy of tensors, found {found}'
            )
    shapes = [shape for shape in inputs if isinstance(shape, tuple)]
    letters = sorted({size for shape in shapes for size in shape if isinstance(size, str)})
    largest = [
        tensors([LARGEST_SIZE if isinstance(size, str) else size for size in shape], dtype)
        if isinstance(shape, tuple)
        else shape
        for shape in inputs
    ]

    def cut(sizes: Mapping[str, int], *drawn: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            value[tuple(slice(sizes.get(size)) for size in shape)].clone()
            if isinstance(shape, tuple)
            else value
            for shape, value in zip(inputs, drawn, strict=True)
        )

    sizes = st.fixed_dictionaries({letter: st.integers(1, LARGEST_SIZE) for letter in letters})
    return st.builds(cut, sizes, *largest)


def _hypothesis() -> ModuleType:
    try:
        importlib.import_module("hypothesis.strategies")
        return importlib.import_module("hypothesis")
    except ModuleNotFoundError:
        raise ValueError("this needs hypothesis: pip install hypothesis") from None
