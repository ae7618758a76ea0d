"""`sparsecnn operations`: counts of a network, and joules that follow from them."""

from pathlib import Path

import pandas as pd
import pytest
from commands import sparsecnn

from sparsecnn.config import build, compose
from sparsecnn.errors import ConfigError
from sparsecnn.models import Bits, Counts, Energy, LayerWork

CAFFENET = ["model=caffenet", "image_shape=[3,227,227]", "classes=1000"]
WORK = LayerWork(products=500, dense_products=1000, sums=10, terms=100, others=7)


def counted(*overrides: str) -> pd.DataFrame:
    found: pd.DataFrame = build(compose("operations", overrides).nodes).execute()
    return found


def test_the_command_prints_and_writes_the_operations_of_every_layer(tmp_path: Path) -> None:
    done = sparsecnn("operations", *CAFFENET, "weight_bits=1", "activation_bits=2", "-o", "a.csv", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "a.csv").set_index("layer")
    assert table.weight_bits.tolist() == [32, 1, 1, 1, 1, 1, 1, 32]
    assert table.ands["conv3"] == 2 * 149_520_384
    assert table.row_counts["conv3"] == 2 * 384 * 13 * 13 * 36
    lines = done.stdout.splitlines()
    assert lines[9].split()[:3] == ["together", f"{table.float_multiply_adds.sum():,}", f"{table.ands.sum():,}"]
    assert f"{1e6 * table.joules.sum():.4g} uJ by energies that are assumed" in done.stdout


def test_a_bit_wise_network_says_its_own_bits() -> None:
    table = counted("model.step.operator.weight_bits=3").set_index("layer")
    assert set(table.weight_bits[table.index.str.contains("first|second")]) == {3}
    assert set(table.weight_bits[~table.index.str.contains("first|second")]) == {32}
    assert table.ands["stages.0.0.first"] == 3 * 2 * table.dense_products["stages.0.0.first"]


def test_networks_that_label_pixels_are_counted_too() -> None:
    table = counted("model=pixel_net", "model.widths=[4,8]", "model.steps=0", "label_shape=[32,32]").set_index("layer")
    assert table.products.to_dict() == {"layers.0": 1024 * 27 * 4, "layers.3": 1024 * 36 * 8, "scores": 1024 * 80}


def test_kernels_of_mean_zero_are_counted_whole() -> None:
    explicit = ("model.widths=[4]", "model.steps=1", "model.step.implicit=false", "label_shape=[32,32]")
    table = counted("model=pixel_net", *explicit).set_index("layer")
    assert table.products["layers.3"] == 1024 * 2 * 36 * 4  # there and back


@pytest.mark.parametrize(("weight", "activation"), [(1, 1), (1, 4), (3, 2), (8, 8)])
def test_counts_grow_with_the_passes(weight: int, activation: int) -> None:
    counts = Counts.of(WORK, Bits(weight, activation), row_bits=64)
    passes = weight * activation
    assert counts == Counts(float_multiply_adds=7, ands=passes * 1000, row_counts=passes * 10 * 2, written_bits=320)
    assert Counts.of(WORK, Bits(), row_bits=64) == Counts(507, 0, 0, 320)


def test_joules_are_the_sum_over_operations() -> None:
    energy = Energy(float_multiply_add=2, and_=3, row_count=5, shift=7, written_bit=11, row_bits=64)
    assert energy.joules(Counts(1, 10, 100, 1000)) == 2 + 30 + 1200 + 11_000


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["weight_bits=1"], "weight_bits and activation_bits belong together"),
        (["weight_bits=9", "activation_bits=1"], "weight_bits must be in 1 to 8, got 9"),
        (["image_shape=[3,32]"], "image_shape must be channels, height and width"),
        (["image_shape=[3,a,32]"], "image_shape must be channels, height and width"),
        (["label_shape=[0,32]"], "label_shape must be empty, or height and width"),
        (["classes=0"], "classes must be at least 1, got 0"),
        (["energy.and_=-1"], "energies must be at least 0"),
        (["energy.shift=nan"], "energies must be at least 0 and finite"),
        (["classes=0"], "classes must be at least 1, got 0"),
        (["weight_bits=true", "activation_bits=1"], "weight_bits must be"),
        (["energy.row_bits=0"], "row_bits at least 1"),
        (["weights=nowhere"], "nowhere"),
        (["model=caffenet"], "the model cannot be built: caffenet needs images of at least"),
    ],
)
def test_what_cannot_be_counted_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:
        counted(*overrides)
    assert type(caught.value).__module__ == ConfigError.__module__
