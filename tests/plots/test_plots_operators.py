from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

from sparsecnn.cli import main
from sparsecnn.plots import operators, operators_activations, operators_multiply_adds
from sparsecnn.plots.families import family_means

Row = Callable[..., dict[str, object]]
WORK = {"multiply_adds": 10**6, "inference_bytes": 2**16, "training_bytes": 2**20, "data": "d"}


def caption(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in figure.texts)


@pytest.fixture
def families(row: Row) -> pd.DataFrame:
    """Two families trained at two widths over three seeds, and a search of one whose seeds end at 390 and 200 bytes."""
    rows = [
        row(0, 60.0 + width + seed, 1000 * width, run=f"{model}_{width}", model=model, seed=seed, phase="train", **WORK)
        for model in ("lean_resnet", "ode_resnet")
        for width in (1, 4)
        for seed in range(3)
    ]
    for seed, memories in enumerate(([1600, 800, 390], [1600, 800, 390, 200])):
        for number, memory in enumerate(memories):
            facts = {**WORK, "multiply_adds": 500 * memory, "run": "search", "model": "lean_resnet", "seed": seed}
            rows.append(row(number, 70.0 - number + seed, memory, accepted=True, **facts))
            rows.append(row(number + 9, 50.0 - number, memory - 1, **facts))  # a candidate that was beaten
    return pd.DataFrame(rows)


def test_widths_are_means_over_seeds(families: pd.DataFrame) -> None:
    found = family_means(families)
    trained = found[found["how"] == "trained"]
    assert trained[["model", "memory_bytes", "seeds"]].to_numpy().tolist() == [
        ["lean_resnet", 1000, 3],
        ["lean_resnet", 4000, 3],
        ["ode_resnet", 1000, 3],
        ["ode_resnet", 4000, 3],
    ]
    assert trained["val_accuracy"].tolist() == [62.0, 65.0, 62.0, 65.0]
    assert trained["test_accuracy_deviation"].tolist() == [1.0] * 4
    assert trained["budget_bytes"].isna().all()


def test_a_search_is_looked_at_in_budgets_that_every_seed_can_meet(families: pd.DataFrame) -> None:
    found = family_means(families)
    searched = found[found["how"] == "searched"].sort_values("budget_bytes", ascending=False)
    assert searched["budget_bytes"].tolist() == pytest.approx([1600, 1600 / 2**0.5, 800, 800 / 2**0.5, 400, 390])
    assert searched["memory_bytes"].tolist() == [1600, 800, 800, 390, 390, 390]
    assert searched["val_accuracy"].tolist() == [70.5, 69.5, 69.5, 68.5, 68.5, 68.5]
    assert searched["multiply_adds"].tolist() == [500.0 * memory for memory in (1600, 800, 800, 390, 390, 390)]


@pytest.mark.parametrize(
    ("module", "labels", "lines"),
    [
        (operators, ["memory of the weights (B)"], 3),
        (operators_multiply_adds, ["multiply-adds an image (millions)"], 3),
        (
            operators_activations,
            ["activations of an image, evaluated (KiB)", "activations of an image, trained (MiB)"],
            2,
        ),
    ],
)
def test_every_family_is_drawn(families: pd.DataFrame, module: object, labels: list[str], lines: int) -> None:
    figure: Figure = module.draw(families)  # type: ignore[attr-defined]
    assert [axes.get_xlabel().replace("KiB", "B") for axes in figure.axes][: len(labels)] == [
        label.replace("KiB", "B") for label in labels
    ]
    assert all(len(axes.get_lines()) >= lines for axes in figure.axes)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[:2] == ["lean_resnet", "ode_resnet"]
    assert ("searched" in names) == (lines == 3)


def test_families_beyond_the_colours_have_open_markers_and_broken_lines(families: pd.DataFrame) -> None:
    searched, trained = (families[families["run"] == run] for run in ("search", "ode_resnet_1"))
    one_of_each = [trained.assign(run="trained"), searched]
    many = pd.concat(
        [
            rows.assign(model=f"m{number}", run=f"m{number}_{rows.run.iloc[0]}")
            for number in range(10)
            for rows in one_of_each
        ]
    )
    figure = operators.draw(many)
    entries = figure.legends[0].get_lines()[:10]
    assert len({(line.get_color(), line.get_marker(), line.get_markerfacecolor()) for line in entries}) == 10
    curves = [line for line in figure.axes[0].get_lines() if line.get_linewidth() == 1.5]
    assert [line.get_markerfacecolor() == "white" for line in curves] == [False] * 8 + [True] * 2
    assert [line.get_linestyle() for line in curves] == ["-"] * 8 + ["--"] * 2


def test_networks_whose_activations_are_not_told_are_left_out(families: pd.DataFrame) -> None:
    families.loc[families["run"] == "ode_resnet_4", "training_bytes"] = None
    figure = operators_activations.draw(families)
    captions = " ".join(" ".join(text.get_text().split()) for text in figure.texts)
    assert "Left out: 1 without these numbers." in captions
    for column in ("training_bytes", "test_accuracy"):
        with pytest.raises(ValueError, match=f"the table does not tell {column} of any network"):
            operators_activations.draw(families.assign(**{column: float("nan")}))


def test_searches_are_told_of_only_where_they_are_left_out(families: pd.DataFrame) -> None:
    assert "Searches are left out" not in caption(operators.draw(families))
    trained = families[families["phase"] == "train"]
    assert "Searches are left out" not in caption(operators_activations.draw(trained))


def test_families_of_several_data_sets_are_not_compared(families: pd.DataFrame) -> None:
    families.loc[families["run"] == "ode_resnet_4", "data"] = "mnist"
    with pytest.raises(ValueError, match="families are compared on one data set, got d, mnist"):
        operators.numbers(families)


def test_runs_of_one_label_are_a_family(families: pd.DataFrame, tmp_path: Path) -> None:
    names = ["lean_resnet_1", "lean_resnet_4", "search", "ode_resnet_4"]
    paths = [tmp_path / f"{name}.csv" for name in names]
    for name, path in zip(names, paths, strict=True):
        families[families["run"] == name].to_csv(path, index=False)
    labels = ["lean, three steps", "lean, three steps", "found", "found"]
    command = ["plot-operators", *map(str, paths), "-o", str(tmp_path / "figure")]
    options = [option for label in labels for option in ("--label", label)]
    ended = CliRunner().invoke(main, [*command, *options])
    assert ended.exit_code == 0, ended.output
    table = pd.read_csv(tmp_path / "figure.csv")
    assert table.groupby("model")["run"].nunique().to_dict() == {"lean, three steps": 2, "found": 2}
    ended = CliRunner().invoke(main, [*command, *options[2:]])
    assert ended.exit_code == 2
    assert "there are 4 runs and 3 labels" in ended.output


def test_tables_of_older_versions_are_refused(families: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="must have the column\\(s\\) training_bytes"):
        operators.numbers(families.drop(columns="training_bytes"))
    with pytest.raises(ValueError, match="need a finished training or a search with validation"):
        operators.numbers(families.assign(status="failed"))
