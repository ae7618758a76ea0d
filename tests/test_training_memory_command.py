"""`sparsecnn bench-training-memory`: rows for combinations, and files."""

from pathlib import Path

import pandas as pd
import pytest
from commands import sparsecnn
from matplotlib.figure import Figure

from sparsecnn.plots.training_memory import draw, numbers

SMALL = ["image_shape=[3,8,8]", "batch_size=2", "model.widths=[4,4]"]


def test_every_combination_is_measured_written_and_drawn(tmp_path: Path) -> None:
    varied = ["model.step.time_steps=2,4", "model.step.keep=all,input"]
    done = sparsecnn("bench-training-memory", *SMALL, *varied, "-o", "memory", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("model.step.time_steps=2 model.step.keep=all: kept ")
    assert lines[4:] == ["memory.png", "memory.svg", "memory.csv"]
    table = pd.read_csv(tmp_path / "memory.csv")
    assert table.columns.tolist() == ["model.step.time_steps", "model.step.keep", "kept_bytes", "peak_bytes"]
    kept = table.set_index(["model.step.keep", "model.step.time_steps"]).kept_bytes
    assert kept["all", 4] > kept["all", 2] > kept["input", 2] == kept["input", 4]
    assert (table.peak_bytes >= table.kept_bytes).all()


def test_networks_side_by_side_are_a_table_without_a_figure(tmp_path: Path) -> None:
    arguments = ["image_shape=[3,8,8]", "batch_size=2", "model=small_cnn,lean_resnet", "-o", "networks"]
    done = sparsecnn("bench-training-memory", *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2:] == ["networks.csv"]
    assert pd.read_csv(tmp_path / "networks.csv").model.tolist() == ["small_cnn", "lean_resnet"]


def test_networks_that_label_pixels_are_measured_too(tmp_path: Path) -> None:
    arguments = ["image_shape=[3,8,8]", "label_shape=[8,8]", "batch_size=2", "model=pixel_net", "model.widths=[4,4]"]
    done = sparsecnn("bench-training-memory", *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kept ")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("image_shape=[3,8]", "image_shape must be channels, height and width, got [3, 8]"),
        ("batch_size=0", "batch_size must be at least 1, got 0"),
        ("model=lenett", "model has no choice lenett; did you mean lenet?"),
    ],
)
def test_an_error_is_one_line(tmp_path: Path, override: str, message: str) -> None:
    done = sparsecnn("bench-training-memory", override, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {message}")
    assert len(done.stderr.splitlines()) == 1


def test_a_line_for_each_combination_of_the_other_values() -> None:
    table = pd.DataFrame({"steps": [1, 2] * 2, "keep": ["all"] * 2 + ["input"] * 2, "kept_bytes": 1, "peak_bytes": 2})
    figure: Figure = draw(table)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["keep all", "keep input"]
    assert [len(axes.lines) for axes in figure.axes] == [2, 2]
    assert draw(table.drop(columns="keep").head(2)).legends == []
    with pytest.raises(ValueError, match="varied over numbers"):
        numbers(table.drop(columns="steps"))
