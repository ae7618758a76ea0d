"""What docs/operators.md says beside the study is what the committed tables hold."""

from pathlib import Path

import pandas as pd
import pytest

from sparsecnn.sizes import readable

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results" / "operators"
PUBLISHED_JOULES = 785.25e-6


def told() -> str:
    return " ".join((ROOT / "docs" / "operators.md").read_text().split())


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
