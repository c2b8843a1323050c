"""The pictures of a descent: which steps are told, which ticks are labelled, and that each file is named."""

from pathlib import Path

import pytest
import torch

import train
from lessons_seven import seven_only
from manual_backprop import PARAMETERS, lesson
from manual_backprop.lesson.descent import descend
from support.descent_pictures import derivatives, ssr, told_steps
from support.pictures import STYLE, symlog_ticks

pytest.importorskip("matplotlib")


@seven_only
def test_the_steps_that_are_told_follow_the_ssr() -> None:
    """With all seven parameters the SSR stays where it is for 250 steps, of which none is shown."""
    start = {name: torch.tensor(value).double() for name, value in lesson.START_OF_ALL_SEVEN.items()}
    steps = told_steps(descend(start, *lesson.data(), PARAMETERS, learning_rate=0.1))
    assert (len(steps), steps[0], steps[-1]) == (5, 0, 472)
    assert steps[1] > 250


def test_the_steps_of_a_diverging_descent_end_near_the_data() -> None:
    """A curve that has left them for good would squeeze all others into a line."""
    steps = told_steps(descend(lesson.start(), *lesson.data(), learning_rate=0.15))
    assert 0 < steps[-1] < 20


@pytest.mark.parametrize("largest", [0.05, 2.0, 700.0, 1e6, 1e89])
def test_the_ticks_leave_room_for_their_labels(largest: float) -> None:
    """At most four on either side of 0, and none at the threshold where the others are far apart."""
    ticks, labels = symlog_ticks(torch.tensor([-largest, largest], dtype=torch.float64), 0.1)
    assert ticks == sorted(ticks)
    assert len(labels) == len(ticks) <= 9
    assert "0" in labels
    assert largest < 1e6 or 0.1 not in ticks


@pytest.mark.slow
def test_every_file_that_was_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, so that standard output stays JSON."""
    train.main(["--steps", "5", "--plot", str(tmp_path), "--json"])
    named = capsys.readouterr().err.split()[1:]
    assert sorted(map(Path, named)) == sorted(tmp_path.iterdir())
    assert len(named) == 4


@pytest.mark.medium
def test_the_title_of_a_descent_that_diverges_fits_the_picture() -> None:
    """Whatever the SSR begins with; and its axes end where the curves do."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    start, (inputs, observed) = lesson.start(), lesson.data()
    history = descend(start, 1000 * inputs, observed, learning_rate=0.01, max_steps=30)
    with pyplot.rc_context(STYLE):
        for drawing in (ssr, derivatives):
            figure = pyplot.figure()
            drawing(figure, history, inputs, observed, ("dose", "effect"))
            figure.canvas.draw()
            [axes] = figure.axes
            assert axes.get_xlim()[1] < history.steps
            assert axes.title.get_window_extent().x1 <= figure.bbox.x1
            pyplot.close(figure)
