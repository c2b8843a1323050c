"""The rules of hygiene: each breach has a verdict of its own, whatever the numbers."""

from collections.abc import Callable

import pytest
import torch

import homework as homework
from torch_reference import Verdict
from torch_reference.judging.hygiene import are_others


def mutate(p, x, t):
    """Normalise the inputs in place."""
    result = homework.derivation(p, x, t)
    x.sub_(1)
    return result


calls: list[int] = []


def accumulate(p, x, t):
    """Add to what the last call returned."""
    calls.append(1)
    right = homework.derivation(p, x, t)
    return right | {"hidden.bias": right["hidden.bias"] * len(calls)}


BREACHES = {
    "an input is changed": (mutate, "inputs", Verdict.MUTATED),
    "a gradient shares memory with an input": (
        lambda p, x, t: homework.derivation(p, x, t) | {"output.bias": p["output.bias"]},
        "output.bias",
        Verdict.ALIASED,
    ),
    "two calls differ": (accumulate, "hidden.bias", Verdict.UNSTABLE),
    "a gradient requires grad": (
        homework.spoiled(lambda g, p, x: {"hidden": g["hidden"].requires_grad_()}),
        "hidden",
        Verdict.REQUIRES_GRAD,
    ),
    "a gradient is missing": (
        homework.spoiled(lambda g, p, x: {"hidden.bias": None}),
        "hidden.bias",
        Verdict.MISSING,
    ),
    "a gradient is extra": (
        homework.spoiled(lambda g, p, x: {"hidden.wieght": x.clone()}),
        "hidden.wieght",
        Verdict.EXTRA,
    ),
    "a shape that broadcasts": (
        homework.spoiled(lambda g, p, x: {"output.bias": g["output.bias"].mean()}),
        "output.bias",
        Verdict.WRONG_SHAPE,
    ),
    "another dtype": (
        homework.spoiled(lambda g, p, x: {"output.bias": g["output.bias"].float()}),
        "output.bias",
        Verdict.WRONG_DTYPE,
    ),
    "another device": (
        homework.spoiled(lambda g, p, x: {"output.bias": g["output.bias"].to("meta")}),
        "output.bias",
        Verdict.WRONG_DEVICE,
    ),
    "a NaN": (
        homework.spoiled(lambda g, p, x: {"output.bias": g["output.bias"] * torch.nan}),
        "output.bias",
        Verdict.NAN,
    ),
    "an infinity": (
        homework.spoiled(lambda g, p, x: {"output.bias": g["output.bias"] / 0}),
        "output.bias",
        Verdict.INFINITE,
    ),
}

EXPLANATIONS = {
    Verdict.MUTATED: "the derivation changed its input in place: work on a copy",
    Verdict.ALIASED: "it shares memory with the input output.bias: return a new tensor, such as a clone",
    Verdict.UNSTABLE: "two calls with the same arguments differ: something is accumulated or drawn anew",
    Verdict.REQUIRES_GRAD: "it requires grad: autograd was at work, or a graph is kept; detach it",
    Verdict.MISSING: "the derivation returned no gradient of this name",
    Verdict.EXTRA: "did you mean hidden.weight?",
    Verdict.WRONG_SHAPE: "expected (2,), found ()",
    Verdict.WRONG_DTYPE: "expected torch.float64, found torch.float32",
    Verdict.WRONG_DEVICE: "expected cpu, found meta",
    Verdict.NAN: "",
    Verdict.INFINITE: "",
}


@pytest.mark.parametrize(("derivation", "name", "verdict"), BREACHES.values(), ids=BREACHES)
def test_every_breach_of_hygiene_has_its_own_verdict(
    derivation: Callable, name: str, verdict: Verdict
) -> None:
    """Each is a mismatch, whatever the numbers, and says what to do."""
    calls.clear()
    report = homework.check(derivation, draws=0)
    assert not report.agrees
    [finding] = [f for f in report.findings if (f.name, f.row.verdict) == (name, verdict)]
    assert finding.row.explanation == EXPLANATIONS[verdict]
    kinds = {"inputs": "input", "hidden": "link", "hidden.wieght": "unknown"}
    assert finding.kind == kinds.get(name, "parameter")
    # A changed input comes before all that was computed after it.
    assert (report.findings[0] is finding) is (verdict is Verdict.MUTATED)
    # What was said of it is not said beside an agreement.
    assert not any(f.agrees for f in report.findings if f.name == name)
    others = {f.name for f in report.findings if f.agrees}
    assert others >= {"output", "output.weight", "activation", "hidden.weight"} - {name}


def test_two_calls_that_differ_by_one_rounding_are_not_repeatable() -> None:
    """However little is accumulated, and beside a NaN, which equals itself here."""
    calls.clear()

    def drifting(p, x, t):
        calls.append(1)
        right = homework.derivation(p, x, t)
        bias = torch.stack([right["output.bias"][0] * (1 + len(calls) * 2.0**-51), torch.tensor(torch.nan)])
        return right | {"output.bias": bias.double()}

    verdicts = [(f.name, f.row.verdict) for f in homework.check(drifting, draws=0).findings if not f.agrees]
    assert verdicts == [("output.bias", Verdict.NAN), ("output.bias", Verdict.UNSTABLE)]


def test_a_gradient_without_values_is_on_another_device_and_nothing_else() -> None:
    """Two calls that return the same form on the meta device are repeatable; a device that changes is not."""
    calls.clear()

    def sometimes(p, x, t):
        calls.append(1)
        right = homework.derivation(p, x, t)
        return right | {"output.bias": right["output.bias"].to("meta" if len(calls) == 1 else "cpu")}

    for derivation, verdicts in (
        (BREACHES["another device"][0], [Verdict.WRONG_DEVICE]),
        (sometimes, [Verdict.WRONG_DEVICE, Verdict.UNSTABLE]),
    ):
        findings = homework.check(derivation, draws=0).findings
        assert [f.row.verdict for f in findings if f.name == "output.bias"] == verdicts


def test_roundings_make_no_others() -> None:
    """A reference that is compiled may round otherwise while its operations are watched."""
    made = {"outputs[0]": torch.tensor([1.0, -4.0])}
    assert not are_others(torch.tensor([1.01, -4.02]), made)
    assert are_others(torch.tensor([1.1, -4.0]), made)
