"""Where the lesson's network has other parameters than seven, the fast ways step aside for the plain one."""

import pytest
import torch

import large
import manual_backprop
from lessons_seven import seven_only
from manual_backprop import PARAMETERS, lesson
from manual_backprop.fast import lesson_gradient, quick_descent, seven_parameters, triangle
from manual_backprop.lesson import descent
from scaling import passes_over_data as passes
from scaling import safe_rate
from scaling.data_sources import parts

pytestmark = (
    seven_only  # the copies of tests/house/test_extensions_leave_the_suite_green.py are the proof there
)


def test_the_lessons_network_is_the_one_that_they_were_derived_for() -> None:
    """The order is the kernel's, too."""
    assert seven_parameters.SEVEN == PARAMETERS
    assert seven_parameters.ARE_ALL


def test_the_gradient_is_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, and no kernel is asked."""
    monkeypatch.setattr(lesson_gradient, "ARE_ALL", False)
    monkeypatch.setattr(lesson_gradient, "library", lambda dtype: pytest.fail("the kernel"))
    case = (lesson.start(), *lesson.data())
    found, plain = (
        function(*case, PARAMETERS) for function in (lesson_gradient.gradients, manual_backprop.gradients)
    )
    assert all(torch.equal(found[name], plain[name]) for name in PARAMETERS)


def test_the_descent_is_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, and no triangle is made."""
    monkeypatch.setattr(quick_descent, "ARE_ALL", False)
    monkeypatch.setattr(quick_descent, "from_data", lambda *_: pytest.fail("a triangle"))
    case = (lesson.start(), *lesson.data())
    found, plain = (module.descend(*case, max_steps=9) for module in (quick_descent, descent))
    assert all(torch.equal(found.parameters[name], plain.parameters[name]) for name in PARAMETERS)


def test_a_triangle_refuses_a_parameter_that_it_does_not_know() -> None:
    """In one line with those it does: it could not say what the parameter does to the SSR."""
    more = {**lesson.start(), "w5": torch.zeros(()).double()}
    with pytest.raises(
        ValueError, match="unknown parameter 'w5': the known ones are w1, b1, w2, b2, w3, w4, b3"
    ):
        triangle.from_data(more, *lesson.data())


def test_large_data_take_a_pass_for_every_step(tmp_path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the triangle's learning rate, to rounding; and autograd agrees."""
    import generate

    data = str(tmp_path / "data.npy")
    generate.main(["300", data])
    one = triangle.from_data(lesson.start(), *next(iter(parts([data])[0])))
    place = torch.device("cpu")
    monkeypatch.setattr(large, "ARE_ALL", False)
    with large.joined(600, place, {}) as ranks:
        all_of_it = passes.Pass(parts([data]), ranks, place)
        rates = (
            safe_rate.of_triangle(one, ["w3", "b3"]),
            safe_rate.of_data(all_of_it, lesson.start(), ["w3", "b3"]),
        )
    # The Hessian's condition is far below 1e4: twelve digits of 1 / λmax are right either way.
    assert rates[0] == pytest.approx(rates[1], rel=1e-12)
    assert large.main([data, "--check", "--steps", "3"]) == 0
    assert "AGREEMENT" in capsys.readouterr().out
