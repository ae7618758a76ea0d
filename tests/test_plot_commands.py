"""The commands that draw trainings: losses by steps, and filters."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from running import QUICK, run

from sparsecnn.cli import main


def called(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs none and l0_projection of two seeds each, and silent, which has no losses."""
    folder = tmp_path_factory.mktemp("trained")
    short = [*QUICK, "solver.epochs=0.5"]
    for name in ("none", "l0_projection"):
        recorded = [f"regularizer={name}", "training.loss_every=2", "seeds=[0,1]"]
        run(folder / name, "train", [*short, *recorded])
    run(folder / "silent", "train", short)
    return folder


@pytest.mark.parametrize("figure", ["convergence", "filters"])
def test_a_figure_of_trainings_is_written_beside_the_first_of_them(
    trained: Path, figure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained)
    drawn = called(f"plot-{figure}", "none", "l0_projection")
    assert drawn.exit_code == 0, drawn.output
    paths = [Path("none", "plots", f"{figure}.{ending}") for ending in ("png", "svg", "csv")]
    assert drawn.output.split() == [str(path) for path in paths]
    assert all(path.stat().st_size > 0 for path in paths)


def test_filters_are_those_of_a_run_or_of_a_file_under_their_labels(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained)
    labels = ["--label", "a", "--label", "b", "-o", "out/labelled.png"]
    drawn = called("plot-filters", "none", "none/seed1.safetensors", *labels)
    assert drawn.exit_code == 0, drawn.output
    lines = (trained / "out" / "labelled.csv").read_text().splitlines()
    assert lines[0] == "run,layer,filter,nonzeros,weights,l1_norm,alive"
    assert [line.partition(",")[0] for line in lines[1:]] == ["a"] * 16 + ["b"] * 16


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["plot-convergence", "silent"], 3, "silent holds no losses: training.loss_every=N records them"),
        (
            ["plot-filters", "none", "--seed", "5"],
            3,
            "none holds no seed5.safetensors: give a run of train, or a file of weights",
        ),
        (["plot-filters", "elsewhere"], 3, "there is no file of weights at elsewhere"),
        (["plot-filters", "none", "none"], 2, "runs and their labels must differ, got none, none"),
        (
            ["plot-filters", "none", "--layer", "ip1"],
            3,
            "none/seed0.safetensors holds no convolution ip1 (it holds conv1, conv2, conv3)",
        ),
        (
            ["plot-filters", "none", "--layer", "conv2"],
            3,
            "cannot draw filters: filters of 1 or 3 channels have a colour, those of conv2 in none have 16",
        ),
    ],
)
def test_what_cannot_be_drawn_is_one_line_with_its_exit_code(
    trained: Path, arguments: list[str], code: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained)
    refused = called(*arguments)
    assert (refused.exit_code, refused.output.splitlines()) == (code, [f"error: {message}"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plot-filters", "one", "two", "--label", "a"], "there are 2 runs and 1 labels"),
        (["plot-frontier", "one", "two", "--label", "a", "--label", "a"], "labels must differ, got a, a"),
        (["plot-turnover", "one", "--label", "a"], "No such option '--label'."),
        (["plot-layers", "one", "--budget", "1/2"], "No such option '--budget'."),
        (["plot-layers", "one", "-o", "."], "--output must name files, got '.', which is a folder"),
        (["plot-layers"], "Missing argument 'RUNS...'."),
    ],
)
def test_a_usage_error_is_one_line_that_says_where_help_is(arguments: list[str], message: str) -> None:
    refused = called(*arguments)
    assert refused.exit_code == 2
    [line] = refused.output.splitlines()
    assert line.startswith(f"error: {message}")
    assert line.endswith(f" {arguments[0]} --help)")


def test_labels_name_the_lines_of_convergence_and_may_have_any_letters(trained: Path, tmp_path: Path) -> None:
    output = tmp_path / "figure"
    done = called("plot-convergence", str(trained / "none"), "--label", "at $5 or $_{", "-o", str(output))
    assert done.exit_code == 0, done.output
    assert set(pd.read_csv(output.with_suffix(".csv")).run) == {"at $5 or $_{"}
