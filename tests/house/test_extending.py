"""The four examples of docs/extending.md, put where they say: the tests as they are pick them up."""

import re
from pathlib import Path

import pytest

from extended_copy import BLOCKS, GUIDE, copy_project, put, run_in

# A wrong derivative and a wrong step beside the right ones: the tests must see these and no other.
WRONG = [
    (
        "manual_backprop/layers/activations.py",
        "in ELEMENTWISE",
        '    "softsign_wrong": elementwise(softsign, lambda x: 1 / (1 + x.abs())),\n',
    ),
    ("torch_reference/layers/table.py", "in ACTIVATIONS", '    "softsign_wrong": nn.Softsign,\n'),
    (
        "manual_backprop/losses/table.py",
        "in LOSSES",
        '    "huber_wrong": HUBER._replace(d_loss_d_predicted=lambda saved: saved.error.clone()),\n',
    ),
    ("torch_reference/losses/table.py", "in LOSSES", '    "huber_wrong": nn.HuberLoss(reduction="sum"),\n'),
    (
        "manual_backprop/optimisers/table.py",
        "in OPTIMISERS",
        '    "rmsprop_wrong": lambda *arguments, learning_rate=1e-2: '
        "rmsprop(*arguments, learning_rate=learning_rate, epsilon=1e-7),\n",
    ),
    ("torch_reference/optimisers/table.py", "in OPTIMISERS", '    "rmsprop_wrong": torch.optim.RMSprop,\n'),
]
CORE = {
    "softsign": "test_output_and_gradients_are_those_of_torch[softsign]",
    "rms_norm": "test_output_and_gradients_are_those_of_torch[rms_norm]",
    "huber_sum": "test_value_and_gradient_are_those_of_torch[huber_sum]",
    "huber_mean": "test_value_and_gradient_are_those_of_torch[huber_mean]",
    "rmsprop": "test_the_bits_are_those_of_torch_optim[rmsprop]",
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Test -> passed or failed, of the new names' tests in a copy with all blocks and the wrong entries."""
    folder = copy_project(tmp_path_factory.mktemp("extended"))
    for file, place, code in [*BLOCKS, *WRONG]:
        put(folder, file, place, code)
    rooms = [f"tests/{name}" for name in ("layers", "losses", "optimisers")]
    names = " or ".join(["softsign", "rms_norm", "huber", "rmsprop", "both_witnesses", "defaults"])
    options = ["-n0", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider", "-k", names]
    done = run_in(folder, "-m", "pytest", *options, *rooms)
    found = re.findall(r"^(PASSED|FAILED|ERROR) \S+?::(\S+)", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return {test: verdict for verdict, test in found}


def test_the_guide_has_every_block() -> None:
    """An activation, a layer, a loss and an optimiser, and the entries of both witnesses."""
    assert len(BLOCKS) == len(re.findall("```python", GUIDE)) == 16


@pytest.mark.medium(1)
@pytest.mark.parametrize("end", ["first", "last"])
def test_every_block_has_its_place(tmp_path: Path, end: str) -> None:
    """In the files as they are today, and what comes out is lint-free."""
    folder = copy_project(tmp_path)
    for file, place, code in BLOCKS:
        put(folder, file, place, code, end)
    for command in (("check", "-q"), ("format", "--check", "-q")):
        done = run_in(folder, "-m", "ruff", *command)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", CORE)
def test_the_tests_pick_up_the_new_entry(outcome: dict[str, str], name: str) -> None:
    """Its comparison with torch runs, and all its tests pass."""
    assert outcome[CORE[name]] == "PASSED"
    own = {test: verdict for test, verdict in outcome.items() if re.search(rf"\b{name}(?!_wrong)\b", test)}
    assert set(own.values()) == {"PASSED"}, own


@pytest.mark.slow
@pytest.mark.parametrize(
    "test",
    [
        "test_output_and_gradients_are_those_of_torch[softsign_wrong]",
        "test_value_and_gradient_are_those_of_torch[huber_wrong]",
        "test_the_bits_are_those_of_torch_optim[rmsprop_wrong]",
    ],
)
def test_a_wrong_entry_is_refused(outcome: dict[str, str], test: str) -> None:
    """The same test fails for a derivative or a step that is wrong."""
    assert outcome[test] == "FAILED"


@pytest.mark.slow
def test_both_witnesses_still_have_the_same_names(outcome: dict[str, str]) -> None:
    """An entry on one side only would be compared with nothing."""
    both = {test: verdict for test, verdict in outcome.items() if test.startswith("test_both_witnesses")}
    assert len(both) == 3
    assert set(both.values()) == {"PASSED"}
