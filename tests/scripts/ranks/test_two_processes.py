"""Two processes find what one finds."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

import data_parallel
import generate
import large
import processes
from lessons_seven import seven_only
from manual_backprop.fast import triangle
from manual_backprop.fast.triangle_descent import descend
from manual_backprop.networks.perceptron import perceptron
from manual_backprop.optimisers.adam import adam
from ranks import joining as ranks
from scaling.data_parallel_data import batch_of, rows_of
from scaling.data_parallel_gradient import loss_and_gradients
from straying import strayed, triangle_rounding
from torch_reference.tolerance.movement import expected_and_bounds

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")


@pytest.mark.slow
@seven_only
def test_two_processes_give_the_triangle_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reads its share and sends its triangle: the same gradient, and the same end of the descent.

    A part is read by one process, which finds the same bits of y1 and y2: the QRs alone round differently,
    those of two processes with one stack of two triangles, 8 rows, more than those of one.
    """
    data = str(tmp_path / "data.npy")
    generate.main(["300000", data])  # more than one part: both processes have some
    arguments = [data, "--json", "--steps", "50", "--learning-rate", "5e-7"]
    ended = processes.both("large", arguments, tmp_path)
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
    arguments = ["--widths", "3,5,2", "--batch-size", "33", "--steps", "10", "--json"]
    ended = processes.both("data_parallel", [*arguments, "--check"], tmp_path)
    assert [(one.status, one.err) for one in ended] == [(0, ""), (0, "")]
    found = json.loads(ended[0].out)
    assert data_parallel.main(arguments) == 0
    alone = json.loads(capsys.readouterr().out)
    assert (found["processes"], found["disagreement"]) == (2, None)
    options = data_parallel._parse(arguments)
    options.device = CPU
    network, rows = (
        perceptron(options.widths, data_parallel._activations(options)),
        rows_of(options),
    )

    def of_one(parameters: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        memory, losses = {}, []
        for step in range(10):
            data = batch_of(options, rows, step).split([3, 2], 1)
            loss, slopes = loss_and_gradients(network, parameters, *data, ranks.Ranks(0, 1))
            mean = {name: slope / 33 for name, slope in slopes.items()}
            parameters, memory = adam(parameters, mean, memory, learning_rate=options.learning_rate)
            losses.append(loss / 33)
        return {"losses": torch.stack(losses)}

    start = data_parallel._start(options, network, {}).parameters
    expected, bounds = expected_and_bounds(of_one, start)
    assert expected["losses"].tolist() == alone["losses"]
    apart = (expected["losses"] - torch.tensor(found["losses"], dtype=torch.float64)).abs()
    assert (apart <= bounds["losses"]).all()
    # Far less than a planted mistake of 1e-6 in the rate makes.
    options.learning_rate *= 1 + 1e-6
    assert ((of_one(start)["losses"] - expected["losses"]).abs() > bounds["losses"]).any()


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
