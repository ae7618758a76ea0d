"""The tables of docs/paper.md are those of the committed results."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
SEARCHES = {
    "lenet": "LeNet, MNIST",
    "cifar10_quick": "cifar10_quick, CIFAR-10",
    "cifar10_full": "cifar10_full, CIFAR-10",
    "resnet20": "ResNet-20, CIFAR-10, four epochs",
}
UPDATES = {
    "none": ("figure_3", "none"),
    "l1 shrinkage": ("figure_3_l1", "l1 shrinkage, strength 0.001"),
    "l0 projection, density 0.45": ("figure_3_l0", "l0 projection"),
    "l0 projection, density 0.1": ("figure_3_l0_tenth", "l0 projection"),
}
REGULARIZERS = ("l0_projection", "l0_every_10", "l0_every_100", "threshold_once", "threshold_fixed_mask")


def with_deviation(row: Any, of: str = "test_accuracy") -> str:
    return f"{getattr(row, of):.2f} ± {getattr(row, f'{of}_deviation'):.2f}"


def paper_text() -> str:
    return " ".join((ROOT / "docs" / "paper.md").read_text().split())


def figure_1() -> Iterator[str]:
    table = pd.read_csv(RESULTS / "figure_1.csv", dtype={"within": str})
    for network, rows in table[table.network.isin(SEARCHES)].groupby("network"):
        found = {row.within: with_deviation(row) for row in rows.itertuples()}
        cells = (found.get(within) for within in ("1", "longer", "1/4", "1/8", "1/10", "1/20"))
        shown = "".join(f" {cell} |" if cell else " |" for cell in cells)
        yield f"| {SEARCHES[str(network)]} |{shown}"


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (
            "cifar10_quick",
            "{2:.1f} to {3:.1f} epochs (cifar10_quick; its dense bases for {0:g}, and for {1:g} the *longer*",
        ),
        ("lenet", "{2:.1f} to {3:.1f} (LeNet; {0:g} and {1:g})"),
        ("cifar10_full", "{2:.1f} to {3:.1f} (cifar10_full; bases for {0:g})"),
    ],
)
def test_how_long_networks_and_their_bases_were_trained_is_told(network: str, told: str) -> None:
    epochs = pd.read_csv(RESULTS / "figure_1.csv").query("network == @network").set_index("within").epochs
    sparse = epochs.drop(["1", "longer"], errors="ignore")
    assert told.format(epochs["1"], epochs.get("longer"), sparse.min(), sparse.max()) in paper_text()


def test_what_the_recipe_of_caffe_gives_is_told() -> None:
    accuracies = pd.read_csv(RESULTS / "caffe" / "table.csv").test_accuracy
    assert f"gives {accuracies.mean():.2f} ± {accuracies.std():.2f} here" in paper_text()


def test_what_the_smallest_networks_keep_of_their_inner_products_is_told() -> None:
    table = pd.read_csv(RESULTS / "cifar10" / "figure_4.csv")
    smallest = table[table.memory_bytes == table.groupby("seed").memory_bytes.transform("min")]
    kept = smallest.pivot_table(index="seed", columns="layer", values="density")
    assert len(kept) == 3
    (share,) = {f"{100 * density:.2f}" for density in kept.ip1}
    assert f"keeps {share} % of its weights" in paper_text()
    assert (kept.ip2 == 1).all()


def alexnet() -> Iterator[str]:
    table = pd.read_csv(RESULTS / "figure_1.csv", dtype={"within": str}).query("network == 'alexnet'")
    for row in table[table.within.isin(["1", "1/4", "1/10"])].itertuples():
        top_5 = with_deviation(row, "test_top5_accuracy")
        name = "dense" if row.within == "1" else f"within {row.within}"
        yield f"| {name} | {row.epochs:.1f} | {with_deviation(row)} | {top_5} |"


def figure_2() -> Iterator[str]:
    table = pd.read_csv(RESULTS / "cifar10" / "figure_2_networks.csv")
    for row in table.itertuples():
        is_shrunk = row.training != "decay"
        update = f"l1 shrinkage, strength {float(row.training[3:]):g}" if is_shrunk else "weight decay"
        filters = ", ".join(row.filters.split()) if is_shrunk else "all"
        density = f"{row.conv1_density:.2f} ± {row.conv1_density_deviation:.2f}"
        yield f"| {update} | {filters} | {density} | {with_deviation(row)} |"


def test_filters_that_shrinkage_leaves_are_as_many_as_the_text_says() -> None:
    filters = pd.read_csv(RESULTS / "cifar10" / "filters" / "strengths.csv")
    left = filters[filters.alive & filters.run.str.startswith("strength 4e-3")]
    whole = left[left.nonzeros == left.weights]
    assert f"of the {len(left)} that 0.004 leaves, {len(whole)} have no zero at all" in paper_text()


def figure_3() -> Iterator[str]:
    networks = pd.read_csv(RESULTS / "cifar10" / "figure_3_networks.csv").set_index("training")
    losses = pd.read_csv(RESULTS / "cifar10" / "figure_3.csv").groupby("run").last()
    for run, (training, update) in UPDATES.items():
        network, loss = networks.loc[training], losses.loc[run]
        kept = (
            f"{network.density:.2f} ± {network.density_deviation:.2f}"
            if run == "l1 shrinkage"
            else f"{network.density:.3g}"
        )
        spread = f"{loss['median']:.2f}, {loss.lowest:.2f} to {loss.highest:.2f}"
        yield f"| {update} | {'all' if kept == '1' else kept} | {spread} | {with_deviation(network)} |"


def figure_5() -> Iterator[str]:
    table = pd.read_csv(RESULTS / "cifar10" / "figure_5.csv")
    for density, rows in table.groupby(table.density.round(2)):
        found = {row.regularizer: with_deviation(row) for row in rows.itertuples()}
        yield f"| {density:.2f} | {' | '.join(found[name] for name in REGULARIZERS)} |"


def ensembles() -> Iterator[str]:
    table = pd.read_csv(RESULTS / "ensembles" / "ensembles.csv")
    for networks, rows in table.groupby("networks"):
        ensemble, mean = (rows[rows.what == what].iloc[0] for what in ("ensemble", "mean"))
        validation = with_deviation(ensemble, "val_accuracy")
        accuracies = f"{with_deviation(mean)} | {with_deviation(ensemble)} | {validation}"
        yield f"| {networks} | {ensemble.density:.2f} | {accuracies} |"


def test_two_networks_gain_over_one_of_the_same_seed_what_the_text_says() -> None:
    table = pd.read_csv(RESULTS / "ensembles" / "table.csv")
    rows = table[table.phase == "ensemble"]
    rows = rows.assign(networks=rows.members.map(lambda members: len(json.loads(members)))).set_index("seed")
    of = ["test_accuracy", "val_accuracy"]
    gains = rows.loc[rows.networks == 2, of] - rows.loc[rows.networks == 1, of]
    test, validation = (f"{gains[name].mean():.2f} ± {gains[name].std():.2f}" for name in of)
    assert f"better than one by {test} points on test images and {validation} on validation images" in paper_text()


def test_what_projection_is_worth_beyond_a_fixed_mask_is_as_the_texts_say() -> None:
    figure, moved = (pd.read_csv(RESULTS / "cifar10" / f"figure_5{name}.csv") for name in ("", "_turnover"))
    masked = figure[figure.regularizer == "threshold_fixed_mask"]
    assert (masked.l0_ahead_points.abs() < masked.l0_ahead_points_deviation).all()
    difference = f"at most {masked.l0_ahead_points.abs().max():.2f} points"
    others = f"at most {moved[moved.regularizer == 'l0_projection'].turnover.max():.2f} % of the kept weights are"
    readme = " ".join((ROOT / "README.md").read_text().split())
    for text in (paper_text(), readme):
        assert difference in text
        assert others in text


def reduced_data() -> Iterator[str]:
    table = pd.read_csv(RESULTS / "reduced_data" / "training_data.csv")
    for images, rows in table.groupby("train_images"):
        found = {row.regularizer: with_deviation(row) for row in rows.itertuples()}
        yield f"| {images:,} | {' | '.join(found[name] for name in ('none', 'l1_shrinkage', 'l0_projection'))} |"


def test_what_fewer_images_cost_is_as_the_text_says() -> None:
    table = pd.read_csv(RESULTS / "reduced_data" / "training_data.csv")
    few, all_ = (table[table.train_images == images] for images in (table.train_images.min(), table.train_images.max()))
    few, all_ = (rows.set_index("regularizer").test_accuracy for rows in (few, all_))
    dense, l1, l0 = (f"{all_[name] - few[name]:.2f}" for name in ("none", "l1_shrinkage", "l0_projection"))
    assert f"the dense network loses {dense} points, the shrunk one {l1}, the projected one {l0}." in paper_text()
    of_l1, of_l0 = (
        [f"{at['none'] - at[name]:.2f}" for at in (all_, few)] for name in ("l1_shrinkage", "l0_projection")
    )
    assert (
        f"of l1 shrinkage by {of_l1[0]} points with all images and {of_l1[1]} with a sixteenth, "
        f"of l0 projection by {of_l0[0]} and {of_l0[1]}." in paper_text()
    )


TABLES = [(figure_1, 4), (alexnet, 3), (figure_2, 5), (figure_3, 4), (figure_5, 8), (ensembles, 4), (reduced_data, 5)]


@pytest.mark.parametrize(("rows", "count"), TABLES)
def test_the_tables_of_the_paper_are_those_of_the_committed_ones(rows: Callable[[], Iterator[str]], count: int) -> None:
    lines, expected = (ROOT / "docs" / "paper.md").read_text().splitlines(), list(rows())
    assert len(expected) == count
    assert [row for row in expected if row not in lines] == []
