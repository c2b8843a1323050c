"""Every layer of the table has torch's output and autograd's gradients, within rounding."""

from collections.abc import Mapping

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import torch_reference.layers
from manual_backprop.layer import Layer
from manual_backprop.layers import LAYERS
from tests.strategies_layers import DTYPES, Case, cases, make_case
from torch_reference.agreement import Disagreement, disagreements


def by_hand(layer: Layer, case: Case) -> dict[str, Tensor]:
    """Output and gradients by the hand-derived layer."""
    output, saved = forward(layer, case)
    return {"output": output, **layer.backward(saved, case.tensors["d_loss_d_output"])}


def forward(layer: Layer, case: Case) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The hand-derived forward pass of a case."""
    parameters = {name: case.tensors[name] for name in layer.parameters}
    return layer.forward(parameters, case.tensors["input"], **case.options)


def compared(layer: Layer, case: Case) -> list[Disagreement]:
    """Where the hand-derived layer disagrees with torch.nn and autograd."""

    def reference(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return torch_reference.layers.layer_gradients(
            case.layer,
            tensors,
            tensors["d_loss_d_output"],
            tuple(layer.derivatives),
            **case.reference_options,
        )

    return disagreements(by_hand(layer, case), reference, case.tensors, case.longest_sum)


def test_both_witnesses_have_the_same_layers() -> None:
    """A layer that only one side has would be compared with nothing."""
    assert LAYERS.keys() == torch_reference.layers.LAYERS.keys()


# Fourteen layers share the time: half of the profile's examples for each.
@pytest.mark.parametrize("name", LAYERS)
@settings(max_examples=settings.default.max_examples // 2)
@given(data=st.data())
def test_output_and_gradients_are_those_of_torch(name: str, data: st.DataObject) -> None:
    """For any shape, dtype, memory layout and kind of values, with a random upstream gradient."""
    assert compared(LAYERS[name], data.draw(cases(name))) == []


def test_layer_norm_of_a_large_mean_agrees() -> None:
    """Found by Hypothesis: torch's kernel loses the mean's digits, and a small upstream gradient shows it."""
    case = make_case("layer_norm", (1, 2), "normal", torch.float64, seed=1)
    case.tensors["input"] = torch.tensor([[10001.1473, 9999.3338]], dtype=torch.float64)
    case.tensors["weight"] = torch.tensor([-0.4797, -0.1019], dtype=torch.float64)
    case.tensors["d_loss_d_output"] = torch.tensor([[4.5494e-01, 8.9569e-05]], dtype=torch.float64)
    assert compared(LAYERS["layer_norm"], case) == []


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LAYERS)
def test_one_derivative_alone_is_the_same_as_all_together(name: str, dtype: torch.dtype) -> None:
    """What is wanted besides it does not change a derivative, and nothing else is returned."""
    layer, case = LAYERS[name], make_case(name, (4, 5), "normal", dtype, seed=1)
    _, saved = forward(layer, case)
    together = layer.backward(saved, case.tensors["d_loss_d_output"])
    assert layer.backward(saved, case.tensors["d_loss_d_output"], wrt=()) == {}
    for wanted in together:
        alone = layer.backward(saved, case.tensors["d_loss_d_output"], wrt=(wanted,))
        assert list(alone) == [wanted]
        assert torch.equal(alone[wanted], together[wanted])


@pytest.mark.parametrize(
    ("name", "shape"),
    # A single row is the trap: no leading dimension to sum over. Batch norm takes none such.
    [
        (name, shape)
        for name in LAYERS
        for shape in [(6,), (4, 5), (2, 1, 3)]
        if (name, shape) != ("batch_norm", (6,))
    ],
)
def test_nothing_is_changed_and_no_memory_is_shared(name: str, shape: tuple[int, ...]) -> None:
    """Writing into a result reaches no input, no saved tensor and no other result."""
    case = make_case(name, shape, "normal", torch.float64, seed=2)
    before = {key: tensor.clone() for key, tensor in case.tensors.items()}
    output, saved = forward(LAYERS[name], case)
    results = [output, *LAYERS[name].backward(saved, case.tensors["d_loss_d_output"]).values()]
    assert all(torch.equal(before[key], tensor) for key, tensor in case.tensors.items())
    others = [*case.tensors.values(), *(part for part in saved if isinstance(part, Tensor))]
    storages = [tensor.untyped_storage().data_ptr() for tensor in results]
    assert len(set(storages)) == len(storages)
    assert not set(storages) & {tensor.untyped_storage().data_ptr() for tensor in others}


@pytest.mark.parametrize("name", LAYERS)
def test_an_upstream_gradient_of_another_shape_is_refused(name: str) -> None:
    """A gradient that would broadcast is an error, in one line that says what was expected and found."""
    case = make_case(name, (4, 5), "normal", torch.float64, seed=3)
    output, saved = forward(LAYERS[name], case)
    with pytest.raises(ValueError, match=r"d_loss_d_output must have shape .*, found \(1,\)"):
        LAYERS[name].backward(saved, torch.ones(1, dtype=output.dtype))


@pytest.mark.parametrize("name", LAYERS)
def test_an_upstream_gradient_of_another_dtype_is_refused(name: str) -> None:
    """A float32 gradient would silently be promoted."""
    case = make_case(name, (4, 5), "normal", torch.float64, seed=3)
    _, saved = forward(LAYERS[name], case)
    with pytest.raises(TypeError, match=r"dtype of the forward pass, torch\.float64, found torch\.float32"):
        LAYERS[name].backward(saved, case.tensors["d_loss_d_output"].float())


@pytest.mark.parametrize("name", LAYERS)
def test_half_precision_is_refused(name: str) -> None:
    """No tolerance was derived for it."""
    case = make_case(name, (4, 5), "normal", torch.float64, seed=3)
    halves = {key: t.half() if t.is_floating_point() else t for key, t in case.tensors.items()}
    with pytest.raises(TypeError, match=r"must be torch\.float32 or torch\.float64, found torch\.float16"):
        forward(LAYERS[name], case._replace(tensors=halves))


@pytest.mark.parametrize("name", LAYERS)
def test_an_unknown_name_in_wrt_is_refused(name: str) -> None:
    """The error names the known ones."""
    case = make_case(name, (4, 5), "normal", torch.float64, seed=3)
    _, saved = forward(LAYERS[name], case)
    with pytest.raises(ValueError, match=f"'wieght'.*{next(iter(LAYERS[name].derivatives))}"):
        LAYERS[name].backward(saved, case.tensors["d_loss_d_output"], wrt=("wieght",))


@pytest.mark.parametrize("name", LAYERS)
def test_an_unknown_parameter_is_refused(name: str) -> None:
    """A parameter that would be ignored is an error."""
    case = make_case(name, (4, 5), "normal", torch.float64, seed=4)
    wrong = {"gain": torch.ones(5, dtype=torch.float64)}
    with pytest.raises(ValueError, match=r"takes the parameters .*, found \['gain'\]"):
        LAYERS[name].forward(wrong, case.tensors["input"], **case.options)


def ones(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Ones, where an error is expected before any value is read."""
    return torch.ones(shape, dtype=dtype)


ILL_FITTING = {
    "linear: width": ("linear", {"weight": ones(3, 4), "bias": ones(3)}, ones(2, 5), {}, r"\(\.\.\., 4\)"),
    "linear: bias": ("linear", {"weight": ones(3, 5), "bias": ones(1)}, ones(2, 5), {}, r"bias .* \(3,\)"),
    "linear: vector": (
        "linear",
        {"weight": ones(5), "bias": ones(1)},
        ones(2, 5),
        {},
        "weight must have shape",
    ),
    "linear: scalar": ("linear", {"weight": ones(3, 5), "bias": ones(3)}, ones(), {}, r"found \(\)"),
    "layer norm: row": ("layer_norm", {"weight": ones(4), "bias": ones(4)}, ones(2, 5), {}, "must end with"),
    "batch norm: one": ("batch_norm", {"weight": ones(5), "bias": ones(5)}, ones(1, 5), {}, "at least two"),
    "batch norm: channels": ("batch_norm", {"weight": ones(4), "bias": ones(4)}, ones(3, 5), {}, r"\(n, 4"),
    "softmax: scalar": ("softmax", {}, ones(), {}, "must have shape"),
    "dropout: mask": ("dropout", {}, ones(2, 5), {"mask": ones(5) > 0}, r"mask must have shape \(2, 5\)"),
    "dropout: p": (
        "dropout",
        {},
        ones(5),
        {"mask": ones(5) > 0, "probability": 1.5},
        "from 0 to 1, found 1.5",
    ),
    "embedding: index": ("embedding", {"weight": ones(3, 2)}, torch.tensor([0, 3]), {}, "0 to 2, found 3"),
    "embedding: negative": ("embedding", {"weight": ones(3, 2)}, torch.tensor([-1]), {}, "found -1"),
}


@pytest.mark.parametrize("case", ILL_FITTING.values(), ids=ILL_FITTING)
def test_what_does_not_fit_is_refused_in_one_line(case: tuple) -> None:
    """The line names what was wrong, what was expected and what was found."""
    name, parameters, inputs, options, message = case
    with pytest.raises(ValueError, match=message) as raised:
        LAYERS[name].forward(parameters, inputs, **options)
    assert "\n" not in str(raised.value)


def test_mixed_dtypes_are_refused() -> None:
    """float32 parameters would silently be promoted."""
    parameters = {"weight": ones(3, 5, dtype=torch.float32), "bias": ones(3)}
    with pytest.raises(TypeError, match=r"weight must have the dtype of inputs, torch\.float64"):
        LAYERS["linear"].forward(parameters, ones(2, 5))
