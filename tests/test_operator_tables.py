"""The numbers of docs/operators.md are those of the committed results."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from sparsecnn.sizes import readable

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results" / "operators"
PUBLISHED_JOULES = 785.25e-6
# The names of the study's families, as its pictures have them.
NAMES = dict(re.findall(r"^NAME_(\w+) = (.+)$", (ROOT / "results" / "reproduce.mk").read_text(), flags=re.MULTILINE))
WIDTHS = {"16": "16 to 64", "8": "8 to 32"}


def told() -> str:
    return " ".join((ROOT / "docs" / "operators.md").read_text().split())


def study(run: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / run / "table.csv")


def accuracy_of(networks: pd.DataFrame) -> str:
    """Mean and sample deviation over the three seeds."""
    assert sorted(networks.seed) == [0, 1, 2]
    return f"{networks.test_accuracy.mean():.1f} ± {networks.test_accuracy.std():.1f}"


def trained_rows() -> Iterator[str]:
    """The lines of the table of trained networks."""
    for family, name in NAMES.items():
        for run in [f"{family}_{width}{longer}" for longer in ("", "_longer") for width in WIDTHS]:
            if not (RESULTS / run).exists():
                assert run.endswith("_longer")
                continue
            networks = study(run)
            (epochs,), (memory,), (products,), (evaluated,), (trained,) = (
                set(networks[column])
                for column in ("epochs", "memory_bytes", "multiply_adds", "inference_bytes", "training_bytes")
            )
            trained_for = f", {epochs:g} epochs" if run.endswith("_longer") else ""
            yield (
                f"| {name}{trained_for} | {WIDTHS[run.split('_')[1]]} | {readable(memory)} | {products / 1e6:.1f} "
                f"| {readable(evaluated)} | {readable(trained)} | {accuracy_of(networks)} |"
            )


def test_what_compact_families_make_of_cifar10_is_told() -> None:
    lines = (ROOT / "docs" / "operators.md").read_text().splitlines()
    assert [row for row in trained_rows() if row not in lines] == []


def test_what_longer_training_gains_is_told() -> None:
    gains = [
        study(f"{family}_{width}_longer").test_accuracy.mean() - study(f"{family}_{width}").test_accuracy.mean()
        for family in ("compact", "lean")
        for width in WIDTHS
    ]
    assert f"in thirty, full and lean networks gain {min(gains):.0f} to {max(gains):.0f} points" in told()


def test_what_shared_norms_make_of_an_ode_block_is_told() -> None:
    shared, own = study("ode_16_shared"), study("ode_16")
    assert f"{accuracy_of(shared)} instead of {accuracy_of(own)}" in told()


@pytest.mark.parametrize(("run", "network"), [("implicit", "implicit"), ("explicit", "explicit, a little wider")])
def test_what_networks_make_of_q_tips_is_told(run: str, network: str) -> None:
    table = pd.read_csv(RESULTS / f"qtips_{run}" / "table.csv")
    assert len(table) == 3
    (weights,) = set(table.weights)
    accuracy = table.test_accuracy
    assert f"| {network} | {weights:,} | {accuracy.mean():.2f} ± {accuracy.std():.2f} |" in told()


def test_what_deformable_convolutions_take_is_told() -> None:
    table = pd.read_csv(RESULTS / "deformable.csv")
    times = table.ratio_median
    assert f"takes {times.min():.2f} to {times.max():.2f} of the time of torchvision's operator" in told()
    memory = table.taps_trained_mib / table.torchvision_trained_mib
    assert f"and {memory.min():.2f} to {memory.max():.2f} of its memory" in told()


def test_what_bits_take_is_told() -> None:
    ratios = pd.read_csv(RESULTS / "bits.csv").ratio_median
    assert f"takes {ratios.min():.2f} to {ratios.max():.2f} of the time of floats" in told()


def test_the_joules_of_caffenet_are_told() -> None:
    table = pd.read_csv(RESULTS / "energy_caffenet.csv").set_index("layer")
    products = table.filter(like="conv", axis=0).products.sum()
    assert f"{products:,} products, so that is {1e12 * PUBLISHED_JOULES / products:.2f} pJ a product" in told()
    assert f"give {1e6 * table.joules.sum():.0f} uJ" in told()
    assert 0.85 < table.joules["conv1"] / table.joules.sum() < 0.95  # nine tenths


def test_what_time_steps_keep_in_memory_is_told() -> None:
    table = pd.read_csv(RESULTS / "training_memory.csv", index_col=["model.step.keep", "model.step.time_steps"])
    kept, peak = table.kept_bytes, table.peak_bytes
    assert kept["input"].nunique() == 1
    all_kept = " to ".join(readable(kept["all", steps]) for steps in (1, 32))
    assert (
        f"From 1 to 32 time steps a batch of 32 images keeps {all_kept} between the passes if all is kept, "
        f"and {readable(kept['input', 32])} if only the inputs of blocks are; the most at a time is "
        f"{readable(peak['input', 32])} then, {readable(peak['3', 32])} with `keep=3`" in told()
    )
