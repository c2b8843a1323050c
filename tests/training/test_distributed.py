"""Two processes find what one finds; where one dies the other says so, and the checkpoint is whole."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

import data_parallel
import generate
import large
import processes as processes
import torch_reference.lockstep.distributed
import torch_reference.networks.perceptron
from manual_backprop import lesson
from manual_backprop.fast import triangle
from manual_backprop.fast.triangle_descent import descend
from manual_backprop.networks.perceptron import backward, backwards, forward, initial_parameters, perceptron
from manual_backprop.optimisers.adam import adam
from manual_backprop.optimisers.momentum import Velocity
from manual_backprop.training import distributed
from scaling.data_parallel_checkpoint import State, load, save
from scaling.data_parallel_gradient import loss_and_gradients
from straying import strayed, triangle_rounding
from support import rank_processes as ranks
from torch_reference.tolerance.sensitivity import expected_and_bounds

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
LOST = "rank {} of 2 stops, for another process was lost: "
PATIENCE = 60  # seconds; a machine that is busy starts processes slowly


@pytest.fixture
def group_of_one() -> Iterator[None]:
    """A process group in this process: what is sent comes back."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def both(script: str, arguments: list[str], folder: Path) -> list[processes.Ended]:
    """Run a script in two processes to their end."""
    return processes.ended(processes.start(script, arguments, 2, folder), folder, PATIENCE)


def test_backwards_yields_each_gradient_once_and_the_last_layers_first() -> None:
    """The same tensors as backward's, in the order in which they can be sent."""
    network = perceptron((3, 4, 2), ("tanh", None))
    generator = torch.Generator().manual_seed(0)
    parameters = initial_parameters(network, generator)
    trace = forward(network, parameters, torch.randn(5, 3, generator=generator, dtype=torch.float64))
    upstream = torch.randn(5, 2, generator=generator, dtype=torch.float64)
    wrt = (*network.parameters, "input", "1.output")
    one_by_one = list(backwards(network, trace, upstream, wrt))
    at_once = backward(network, trace, upstream, wrt)
    names = [name for name, _ in one_by_one]
    assert names == ["2.weight", "2.bias", "1.output", "0.weight", "0.bias", "input"]
    assert all(torch.equal(value, at_once[name]) for name, value in one_by_one)


@pytest.mark.usefixtures("group_of_one")
@pytest.mark.parametrize(("bucket", "messages"), [(1, [4, 80, 28]), (84, [84, 28]), (2**20, [112])])
def test_summed_gives_every_gradient_back_in_its_shape(
    bucket: int, messages: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a message holds one gradient, a few or all; the gradients themselves stay as they are."""
    monkeypatch.setattr(distributed, "BUCKET", bucket)
    sent, send = [], dist.all_reduce
    monkeypatch.setattr(dist, "all_reduce", lambda flat, **how: sent.append(flat.nbytes) or send(flat, **how))
    given = {"a": torch.tensor(3.0), "b": torch.randn(4, 5), "c": torch.zeros(0, 2), "d": torch.randn(7)}
    found = distributed.summed(iter(given.items()))
    assert list(found) == list(given)
    for name, value in given.items():
        assert torch.equal(found[name], value)
        assert found[name].data_ptr() != value.data_ptr() or value.numel() == 0
    assert sent == messages


@pytest.mark.usefixtures("group_of_one")
def test_gather_of_one_process_is_its_triangle() -> None:
    """With the counts and the hidden layer that it carries; a process without data adds nothing."""
    one = triangle.from_data(lesson.start(), *lesson.data())
    found = distributed.gather(one)
    assert torch.equal(found.rows, one.rows)
    triangle.check_hidden(found, one.hidden)
    assert (found.observations, found.roundings) == (one.observations, one.roundings)
    both = triangle.merge([triangle.empty(lesson.start()), one])
    assert both.observations == 3
    assert torch.equal(both.rows.abs(), one.rows.abs())


@pytest.mark.usefixtures("group_of_one")
def test_ddps_gradient_times_the_number_of_processes_is_autograds() -> None:
    """In a group of one, DDP is autograd."""
    widths, activations = (3, 4, 2), ("tanh", None)
    generator = torch.Generator().manual_seed(0)
    parameters = initial_parameters(perceptron(widths, activations), generator)
    inputs, targets = (torch.randn(5, n, generator=generator, dtype=torch.float64) for n in (3, 2))
    found = torch_reference.lockstep.distributed.gradients(widths, activations, parameters, inputs, targets)
    model = torch_reference.networks.perceptron.sequential(widths, activations)
    expected = torch_reference.networks.perceptron.gradients(model, parameters, inputs, targets)
    assert all(torch.equal(found[name], expected[name]) for name in parameters)


def test_two_processes_give_the_triangle_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reads its share and sends its triangle: the same gradient, and the same end of the descent.

    A part is read by one process, which finds the same bits of y1 and y2: the QRs alone round differently,
    those of two processes with one stack of two triangles, 8 rows, more than those of one.
    """
    data = str(tmp_path / "data.npy")
    generate.main(["300000", data])  # more than one part: both processes have some
    arguments = [data, "--json", "--max-steps", "50", "--learning-rate", "5e-7"]
    ended = both("large", arguments, tmp_path)
    assert [(one.status, one.err) for one in ended] == [(0, ""), (0, "")]
    assert ended[1].out == ""
    found = json.loads(ended[0].out)
    seen = []
    monkeypatch.setattr(large, "descend", lambda *a, **k: seen.append((descend(*a, **k), a[0])) or seen[0][0])
    assert large.main(arguments) == 0
    assert (found["processes"], found["observations"]) == (2, 300_000)
    [(history, one)] = seen
    steepest = 2 * torch.linalg.matrix_norm(one.rows[:, :3], 2).item() ** 2
    assert 5e-7 * steepest < 2  # a stable rate, as strayed takes it
    more = dataclasses.replace(one, roundings=one.roundings + triangle.roundings_of(8))
    off = [triangle_rounding(history, each) for each in (one, more)]
    for name, values in history.derivatives.items():
        bound = off[0][name][0].item() + off[1][name][0].item()
        assert abs(found["manual"][name] - values[0].item()) <= bound < 1e-9 * abs(values[0].item())
    apart = sum(strayed(history, each, 5e-7)[-1].item() for each in off)
    for name, values in history.parameters.items():
        assert abs(found["parameters"][name] - values[-1].item()) <= apart < 1e-9


@pytest.mark.slow
def test_two_processes_train_a_perceptron_as_one_does(tmp_path: Path, capsys) -> None:
    """The first gradient is DDP's and autograd's of the whole batch, and so are the losses of 10 steps one's.

    No bound is derived for them: they may be as far apart as rounding every operation of the 10 steps moves
    those of one process (sensitivity.py).
    """
    arguments = ["--widths", "3,5,2", "--batch", "33", "--steps", "10", "--json"]
    ended = both("data_parallel", [*arguments, "--check"], tmp_path)
    assert [(one.status, one.err) for one in ended] == [(0, ""), (0, "")]
    found = json.loads(ended[0].out)
    assert data_parallel.main(arguments) == 0
    alone = json.loads(capsys.readouterr().out)
    assert (found["processes"], found["disagreement"]) == (2, None)
    options = data_parallel._parse(arguments)
    options.device = CPU
    network, rows = (
        perceptron(options.widths, data_parallel._activations(options)),
        data_parallel._rows(options),
    )

    def of_one(parameters: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        memory, losses = {}, []
        for step in range(10):
            data = data_parallel._batch(options, rows, step).split([3, 2], 1)
            loss, slopes = loss_and_gradients(network, parameters, *data, ranks.Ranks(0, 1))
            mean = {name: slope / 33 for name, slope in slopes.items()}
            parameters, memory = adam(parameters, mean, memory, learning_rate=options.learning_rate)
            losses.append(loss / 33)
        return {"losses": torch.stack(losses)}

    start = data_parallel._start(options, network).parameters
    expected, bounds = expected_and_bounds(of_one, start)
    assert expected["losses"].tolist() == alone["losses"]
    apart = (expected["losses"] - torch.tensor(found["losses"], dtype=torch.float64)).abs()
    assert (apart <= bounds["losses"]).all()
    # Far less than a planted mistake of 1e-6 in the rate makes.
    options.learning_rate *= 1 + 1e-6
    assert ((of_one(start)["losses"] - expected["losses"]).abs() > bounds["losses"]).any()


@pytest.mark.slow
def test_bad_data_in_one_process_stops_the_other(tmp_path: Path) -> None:
    """A number that is missing in the second process's share: one clear line in each, status 2."""
    lines = "0.5,0.5\n" * 2_200_000  # 16.8 MB: two parts of CSV
    (tmp_path / "data.csv").write_text(f"a,b\n{lines}0.5,\n")
    first, second = both("large", [str(tmp_path / "data.csv"), "--timeout", "30"], tmp_path)
    assert (first.status, second.status) == (2, 2)
    assert second.err.endswith("data.csv, line 2200002: expected a number, found ''\n")
    assert first.err == f"large.py: error: {LOST.format(0)}its connection closed\n"


@pytest.mark.parametrize(
    ("victim", "how", "reason"),
    [
        (1, signal.SIGKILL, "its connection closed"),
        (0, signal.SIGKILL, "its connection closed"),
        pytest.param(1, signal.SIGSTOP, "no message for 3 seconds", marks=pytest.mark.slow),
    ],
)
def test_a_process_that_dies_stops_the_other_within_the_time_limit(
    victim: int, how: signal.Signals, reason: str, tmp_path: Path
) -> None:
    """Killed, or alive and silent: one line, status 2, and the last checkpoint is whole and goes on."""
    checkpoint = tmp_path / "checkpoint.pt"
    arguments = ["--checkpoint", str(checkpoint), "--every", "1", "--widths", "3,5,2"]
    endless = processes.start(
        "data_parallel", [*arguments, "--steps", "1000000", "--timeout", "3"], 2, tmp_path
    )
    limit = time.monotonic() + PATIENCE
    while not checkpoint.exists() and time.monotonic() < limit:
        time.sleep(0.02)
    pid = endless[victim].pid
    assert pid is not None
    os.kill(pid, how)
    began = time.monotonic()
    endless[1 - victim].join(PATIENCE)
    waited = time.monotonic() - began
    endless[victim].kill()
    other = processes.ended(endless, tmp_path, PATIENCE)[1 - victim]
    assert (other.status, other.err) == (2, f"data_parallel.py: error: {LOST.format(1 - victim)}{reason}\n")
    assert waited < 3 + 10  # the timeout, and what a busy machine takes to end a process
    state = load(checkpoint, "adam", CPU)
    assert state.step >= 1
    assert data_parallel.main([*arguments, "--resume", "--steps", str(state.step + 2)]) == 0
    assert load(checkpoint, "adam", CPU).step == state.step + 2
    # Who is killed while it writes leaves its unfinished file beside the checkpoint; who stops does not.
    assert victim == 0 or not list(tmp_path.glob(".checkpoint*"))


def test_each_process_of_a_machine_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """By torchrun's number of the process, unless one is named."""
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert ranks.own(torch.device("cuda")) == torch.device("cuda", 1)
    assert ranks.own(torch.device("cuda", 3)) == torch.device("cuda", 3)
    assert ranks.own(CPU) == CPU


@pytest.mark.slow
def test_torchrun_starts_the_scripts(tmp_path: Path) -> None:
    """As the README shows it."""
    command = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "scripts/data_parallel.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command, "--steps", "5", "--check", "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["disagreement"] is None


def test_a_checkpoint_comes_back_to_the_bit(tmp_path: Path) -> None:
    """Parameters, step and what the optimiser remembers."""
    numbers = torch.tensor([0.1, -2.5], dtype=torch.float64)
    state = State(7, {"0.bias": numbers}, {"0.bias": Velocity(numbers * 3)})
    save(state, tmp_path / "file.pt")
    again = load(tmp_path / "file.pt", "gradient_descent", CPU)
    assert again.step == 7
    assert torch.equal(again.parameters["0.bias"], numbers)
    assert torch.equal(again.memory["0.bias"].velocity, numbers * 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume", "--checkpoint", "missing.pt"], "missing.pt: No such file"),
        (["--data", "missing.npy"], "missing.npy: No such file"),
        (["--widths", "4"], "at least two widths"),
        (["--widths", "3,0,1"], "at least two widths of at least 1"),
        (["--device", "nonsense"], "no device 'nonsense'"),
    ],
)
def test_a_bad_option_is_one_clear_line(arguments: list[str], message: str) -> None:
    """Before any step."""
    with pytest.raises(ValueError, match=re.escape(message)):
        data_parallel.main(arguments)


def test_a_file_that_is_no_checkpoint_is_one_clear_line(tmp_path: Path) -> None:
    """Other bytes, and a checkpoint of another optimiser."""
    (tmp_path / "text.pt").write_text("not a checkpoint")
    one = torch.ones(1)
    save(State(1, {"a": one}, {"a": Velocity(one)}), tmp_path / "other.pt")
    for name in ("text.pt", "other.pt"):
        with pytest.raises(ValueError, match=r"expected a checkpoint of data_parallel\.py with adam"):
            load(tmp_path / name, "adam", CPU)
