"""Every layer of the table has torch's output and autograd's gradients, within rounding."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import torch_reference.layers.table
from layers_compared import forward, layer_disagreements
from manual_backprop.layers.table import LAYERS
from strategies_layers import DTYPES, cases, make_case


def test_both_witnesses_have_the_same_layers() -> None:
    """A layer that only one side has would be compared with nothing."""
    assert LAYERS.keys() == torch_reference.layers.table.LAYERS.keys()


# Fourteen layers share the time: half of the profile's examples for each.
@pytest.mark.parametrize("name", LAYERS)
@settings(max_examples=settings.default.max_examples // 2)
@given(data=st.data())
def test_output_and_gradients_are_those_of_torch(name: str, data: st.DataObject) -> None:
    """For any shape, dtype, memory layout and kind of values, with a random upstream gradient."""
    assert layer_disagreements(LAYERS[name], data.draw(cases(name))) == []


def test_layer_norm_of_a_large_mean_agrees() -> None:
    """Found by Hypothesis: torch's kernel loses the mean's digits, and a small upstream gradient shows it."""
    case = make_case("layer_norm", (1, 2), "normal", torch.float64, seed=1)
    case.tensors["input"] = torch.tensor([[10001.1473, 9999.3338]], dtype=torch.float64)
    case.tensors["weight"] = torch.tensor([-0.4797, -0.1019], dtype=torch.float64)
    case.tensors["d_loss_d_output"] = torch.tensor([[4.5494e-01, 8.9569e-05]], dtype=torch.float64)
    assert layer_disagreements(LAYERS["layer_norm"], case) == []


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


def test_dropout_drops_half_unless_told_otherwise_and_everything_at_1() -> None:
    """What is kept is doubled; at p = 1 torch drops all, whatever the mask."""
    values, mask = torch.tensor([1.0, 3.0]), torch.tensor([True, False])
    output, saved = LAYERS["dropout"].forward({}, values, mask)
    assert output.tolist() == [2.0, 0.0]
    assert LAYERS["dropout"].backward(saved, values)["input"].tolist() == [2.0, 0.0]
    assert LAYERS["dropout"].forward({}, values, mask, 1.0)[0].tolist() == [0.0, 0.0]
