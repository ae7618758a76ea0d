"""The command line, by real subprocesses: exit codes, and what is printed where."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import environment, sparsecnn

from sparsecnn.cli import main
from sparsecnn.cli.sections import SECTIONS

TINY = ["threads=1", "validation.share=0.2", "solver.epochs=0.3"]
NET = """
from torch import nn


class MyNet(nn.Module):
    def __init__(self, classes, in_channels, width: int = 2):
        super().__init__()
        self.layer = nn.Conv2d(in_channels, width, 8)
        self.last = nn.Linear(width, classes)

    def forward(self, images):
        return self.last(self.layer(images).flatten(1))
"""


def test_the_help_imports_nothing_heavy() -> None:
    code = "import sys; from sparsecnn.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert not modules & {"torch", "pandas", "matplotlib", "hydra", "numpy"}
    commands = ("train", "greedy-search", "ensemble", "best", "memory", "table", "plot-frontier", "plot-layers")
    for command in (*commands, "plot-thresholding", "plot-training-data", "plot-ensembles", "plot-filters"):
        assert command in done.stdout


def test_the_help_lists_every_command_once_in_a_line() -> None:
    lines = sparsecnn("--help").stdout.splitlines()
    for command in main.commands:
        assert len([line for line in lines if line.split()[:1] == [command]]) == 1
    assert sorted(command for commands in SECTIONS.values() for command in commands) == sorted(main.commands)
    listed = [line for line in lines if line.split()[:1] and line.split()[0] in main.commands]
    assert max(map(len, listed)) <= 80


def test_the_help_of_a_command_lists_its_groups_and_choices() -> None:
    done = sparsecnn("greedy-search", "--help")
    assert done.returncode == 0
    for text in ("tighten", "bytes, factor", "least_loss", "l0_projection", "solver@search.refine", "--multirun"):
        assert text in done.stdout


def test_cfg_prints_the_configuration_and_runs_nothing(tmp_path: Path) -> None:
    done = sparsecnn("train", "--cfg", "solver.epochs=7", folder=tmp_path)
    assert done.returncode == 0
    assert "epochs: 7" in done.stdout
    assert "_target_: sparsecnn.models.small_cnn" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "solver.epcohs=1"], 2, "error: there is no key solver.epcohs; did you mean solver.epochs?"),
        (["greedy-search", "tighten.share=2"], 2, "error: tighten.share must be in (0, 1), got 2"),
        (["train", "data=parquet", "data.folder=none"], 3, "error: there is no folder none"),
        (["train", "model.weights=none.pt"], 3, "error: there is no file of weights at none.pt"),
        (["plot-frontier", "none"], 3, "error: there is no run at none"),
        (["best", "none", "--within", "1KiB"], 3, "error: there is no run at none"),
    ],
)
def test_an_error_is_one_line_with_its_exit_code(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    quiet = ["--quiet"] if arguments[0] in ("train", "greedy-search") else []
    done = sparsecnn(*arguments, *quiet, folder=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.splitlines() == [message]


def test_an_unknown_command_and_a_wrong_option_exit_with_2() -> None:
    assert sparsecnn("tarin").returncode == 2
    assert sparsecnn("train", "--qiuet").returncode == 2
    assert sparsecnn("table", "run", "-o", "rows.txt").returncode == 2


def test_an_unknown_error_keeps_its_traceback_under_debug(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def load():\n    raise LookupError('lost')\n")
    arguments = ["train", "data=custom", "data._target_=broken.load", "--quiet"]
    plain = sparsecnn(*arguments, folder=tmp_path)
    assert plain.returncode == 1
    assert plain.stderr.splitlines() == ["error: LookupError: lost (--debug shows where)"]
    for text, code, line in (
        ("def load():\n    raise SystemExit(7)\n", 1, "error: the program was ended from within, with the exit code 7"),
        ("def load():\n    raise OSError('lost')\n", 3, "error: the data cannot be read: lost"),
        ("def load(): ...\n", 2, "error: data._target_ must give a sparsecnn.data.DataSet, got NoneType"),
    ):
        (tmp_path / "broken.py").write_text(text)
        refused = sparsecnn(*arguments, folder=tmp_path)
        assert (refused.returncode, refused.stderr.splitlines()) == (code, [line])
    (tmp_path / "broken.py").write_text("def load():\n    raise LookupError('lost')\n")
    debug = sparsecnn(*arguments, "--debug", folder=tmp_path)
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr
    assert "broken.py" in debug.stderr


def test_a_search_and_its_pictures_from_end_to_end(tmp_path: Path) -> None:
    search = [*TINY, "search.rounds=1", "search.retrain.epochs=0.2", "run_dir=run"]
    done = sparsecnn("greedy-search", *search, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "smaller by" in done.stdout
    assert done.stdout.splitlines()[-1] == "run folder: run"
    assert "round 1" in done.stderr
    assert "\r" not in done.stderr, "progress bars belong on a terminal only"
    described = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert described["command"] == ["sparsecnn", "greedy-search", *search]
    shown = sparsecnn("table", "run", "-o", "all/rows.csv", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "smaller by" in shown.stdout
    assert (tmp_path / "all" / "rows.csv").read_bytes() == (tmp_path / "run" / "table.csv").read_bytes()
    assert sparsecnn("table", "run", "--of", "epochs", "-o", "all/epochs.csv", folder=tmp_path).returncode == 0
    assert (tmp_path / "all" / "epochs.csv").read_bytes() == (tmp_path / "run" / "epochs.csv").read_bytes()
    refused = sparsecnn("table", "run", "--of", "losses", "-o", "all/losses.csv", folder=tmp_path)
    assert (refused.returncode, refused.stderr) == (
        3,
        "error: run holds no losses: training.loss_every=N records them\n",
    )
    best = sparsecnn("best", "run", "--within", "1/1", "-o", "best.csv", folder=tmp_path)
    assert best.returncode == 0, best.stderr
    assert (tmp_path / best.stdout.splitlines()[2]).is_file()
    assert best.stdout.splitlines()[3] == "best.csv"
    for budget, code in (("1B", 4), ("1 foot", 2)):
        refused = sparsecnn("best", "run", "--within", budget, folder=tmp_path)
        assert (refused.returncode, refused.stdout) == (code, "")
    for figure in ("frontier", "layers"):
        drawn = sparsecnn(f"plot-{figure}", "run", folder=tmp_path)
        assert drawn.returncode == 0, drawn.stderr
        for ending in ("png", "svg", "csv"):
            path = Path("run", "plots", f"{figure}.{ending}")
            assert (tmp_path / path).stat().st_size > 0
            assert str(path) in drawn.stdout


def test_a_target_out_of_reach_prints_the_frontier_and_exits_with_4(tmp_path: Path) -> None:
    search = [*TINY, "search.rounds=1", "search.retrain.epochs=0.2", "search.target_memory=1KiB"]
    done = sparsecnn("greedy-search", *search, "--quiet", folder=tmp_path)
    assert done.returncode == 4
    assert "smaller by" in done.stdout
    assert done.stderr.startswith("error: the target of 1.0 KiB is not reached: the search ended at ")


def test_a_multirun_runs_every_combination_in_a_folder_of_its_own(tmp_path: Path) -> None:
    done = sparsecnn("train", "-m", *TINY, "model.in_channels=1", "solver.batch_size=32,64", folder=tmp_path)
    assert done.returncode == 2, "in_channels is no key of the configuration"
    done = sparsecnn("train", "-m", *TINY, "solver.batch_size=32,64", "seeds=[0,1]", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("n = 2 seeds") == 2
    runs = sorted(f"runs/train/{run.name}" for run in (tmp_path / "runs" / "train").iterdir())
    assert len(runs) == 2
    together = sparsecnn("table", *runs, folder=tmp_path)
    assert together.returncode == 0, together.stderr
    assert [line.split(":")[0] for line in together.stdout.splitlines() if "n = 2 seeds" in line] == [
        Path(run).name for run in runs
    ]


def test_a_users_module_in_the_current_folder_needs_no_registration(tmp_path: Path) -> None:
    (tmp_path / "my_package.py").write_text(NET)
    named = ["model=custom", "model._target_=my_package.MyNet"]
    done = sparsecnn("train", *TINY, *named, "+model.width=3", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    wrong = sparsecnn("train", *TINY, *named, "+model.wdith=3", folder=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stderr == "error: there is no key model.wdith; did you mean model.width?\n"


@pytest.mark.parametrize(
    ("words", "place", "answers"),
    [
        ("model=len", 2, ["model=lenet"]),
        ("mod", 2, ["model="]),
        ("model = len", 4, ["lenet"]),  # as bash breaks the same word
        ("model = lenet dat", 5, ["data="]),
    ],
)
def test_overrides_complete_in_the_shell(words: str, place: int, answers: list[str]) -> None:
    asked = {"COMP_WORDS": f"sparsecnn train {words}", "COMP_CWORD": str(place)}
    variables = {"_SPARSECNN_COMPLETE": "bash_complete", **asked}
    code = "from sparsecnn.cli import main; main(prog_name='sparsecnn')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(**variables), check=False
    )
    assert done.stdout.split() == [f"plain,{answer}" for answer in answers]
