"""`sparsecnn memory`: what is printed and written of a network that nobody has trained."""

from pathlib import Path

import pandas as pd
import pytest
from commands import sparsecnn

from sparsecnn.config import build, compose
from sparsecnn.errors import ConfigError
from sparsecnn.experiments.memory import Told


def told(*overrides: str) -> Told:
    found: Told = build(compose("memory", overrides).nodes).execute()
    return found


def test_the_memory_of_caffenet_is_the_papers(tmp_path: Path) -> None:
    done = sparsecnn("memory", "model=caffenet", "target=58MiB", "-o", "caffenet.csv", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "caffenet: 60,954,656 weights in 8 layers, 10,568 other values; dense 243,860,896 bytes (232.6 MiB)"
    )
    assert lines[1] == "within 60,817,408 bytes (58.0 MiB), the same density in all layers:"
    assert [word for line in lines if "bitmask" in line for word in line.split()] == (
        ["bitmask", "0.2180", "13,288,951", "60,817,408", "exact"]
    )
    assert "dense       -" in done.stdout
    table = pd.read_csv(tmp_path / "caffenet.csv")
    assert table.columns.tolist() == [
        "format", "is_exact", "density", "nonzeros", "memory_bytes", "target_bytes", "weights", "dense_bytes",
    ]  # fmt: skip
    assert set(table.dense_bytes) == {243_860_896}
    assert table.memory_bytes.max() <= 58 * 2**20


def test_a_share_of_the_dense_memory_and_other_sizes_are_understood() -> None:
    own, other = told("model=alexnet", "target=1/10"), told("model=alexnet", "+model.classes=200", "target=1/10")
    assert own.dense_bytes == 4 * (2_953_056 + 2_578)
    assert other.dense_bytes - own.dense_bytes == 4 * 150 * 1025
    assert other.target_bytes == other.dense_bytes / 10
    assert (own.layers, own.weights, own.other_values) == (8, 2_953_056, 2_578)


def test_values_of_16_bits_halve_what_is_told() -> None:
    assert told("model=lenet", "storage.value_bits=16").dense_bytes == 1_724_320 // 2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["target=much"], "target: memory must be above 0, like 65536, 64KiB, 1.5MiB or 1/20 of dense, got "),
        (["target=null"], "target must be text or a number"),
        (["+model.clases=3"], "there is no key model.clases; did you mean model.classes?"),
        (["model=caffenet", "+model.image_size=8"], "the model cannot be built: caffenet needs images of at least "),
        (["model=custom", "model._target_=torch.nn.Linear"], "the model cannot be built: "),
        (["data=digits"], "there is no key data"),
    ],
)
def test_what_cannot_be_told_is_refused_in_one_line(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        told(*overrides)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
