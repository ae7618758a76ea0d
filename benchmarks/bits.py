"""Bit-wise convolutions by AND and popcount against the same in floats: the time of an evaluation.

python benchmarks/bits.py [--rounds 9]     writes results/operators/bits.csv

3x3, float32 images, one CPU thread; both in turn in every round, the median of their ratio and its quartiles.
"""

import argparse
import time
from pathlib import Path

import pandas as pd
import torch
from environment import spread, write
from torch import Tensor

from sparsecnn.layers import BitwiseConv2d

WAYS = ("bits", "floats")
# Of weights and of activations.
BITS = ((1, 1), (1, 2), (2, 2), (4, 4))
# Images, channels, side.
SHAPES = ((1, 64, 32), (64, 16, 32), (64, 64, 16), (64, 256, 8))


def seconds(layer: BitwiseConv2d, way: str, images: Tensor) -> float:
    """Of an evaluation."""
    layer.through = way  # type: ignore[assignment]
    started = time.perf_counter()
    layer(images)
    return time.perf_counter() - started


def measure(bits: tuple[int, int], shape: tuple[int, int, int], rounds: int) -> dict[str, object]:
    """The row of one layer; ratios are bits over floats."""
    torch.manual_seed(0)
    (weight_bits, activation_bits), (count, channels, side) = bits, shape
    layer = BitwiseConv2d(
        channels, channels, 3, padding=1, weight_bits=weight_bits, activation_bits=activation_bits
    ).eval()
    images = torch.rand(count, channels, side, side)
    for way in WAYS:
        seconds(layer, way, images)
    times = pd.DataFrame([{way: seconds(layer, way, images) for way in WAYS} for _ in range(rounds)])
    return {
        **dict(zip(("weight_bits", "activation_bits"), bits, strict=True)),
        **dict(zip(("images", "channels", "side"), shape, strict=True)),
        **{f"{way}_ms": 1e3 * times[way].median() for way in WAYS},
        **spread(times["bits"] / times["floats"]),
        "rounds": rounds,
    }


def main() -> None:
    """Measures all layers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("-o", "--output", type=Path, default=Path("results/operators/bits.csv"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with torch.no_grad():
        table = pd.DataFrame([measure(bits, shape, arguments.rounds) for shape in SHAPES for bits in BITS])
    print(table.to_string(index=False))
    write(table, arguments.output)


if __name__ == "__main__":
    main()
