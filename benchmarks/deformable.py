"""Deformable convolutions tap by tap against torchvision's operator: time and memory of a pass there and back.

python benchmarks/deformable.py [--rounds 9]     writes results/operators/deformable.csv

Version 2, 3x3, float32, one CPU thread; both in turn in every round, the median of their ratio and its quartiles.
Memory is what the process takes at most beyond what it had before, each way in a process of its own (Linux alone), in
an evaluation and in a pass there and back. Its C library gives back at once what is freed, else the table would tell of
its habits (MALLOC_MMAP_THRESHOLD_).
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import torch
from environment import spread, write
from torch import Tensor

from sparsecnn.layers import DeformableConv2d
from sparsecnn.runtime.memory import status_bytes

WAYS = ("taps", "torchvision")
# Images, channels, side.
SHAPES = ((1, 64, 32), (16, 16, 32), (16, 64, 16), (16, 64, 32), (4, 64, 64))


def prepared(way: str, shape: tuple[int, int, int]) -> tuple[DeformableConv2d, Tensor]:
    """A layer whose taps reach about a pixel aside, and images."""
    torch.manual_seed(0)
    count, channels, side = shape
    layer = DeformableConv2d(channels, channels, padding=1, through=way)  # type: ignore[arg-type]
    torch.nn.init.normal_(layer.where.weight, std=(9 * channels) ** -0.5)
    return layer, torch.randn(count, channels, side, side, requires_grad=True)


def seconds(layer: DeformableConv2d, images: Tensor) -> float:
    """Of a pass there and back."""
    started = time.perf_counter()
    layer(images).sum().backward()
    return time.perf_counter() - started


def print_memory(way: str, shape: tuple[int, int, int]) -> None:
    """What the process takes at most beyond what it has once layer, images and libraries are there."""
    seconds(*prepared(way, (1, 8, 8)))
    layer, images = prepared(way, shape)
    before = status_bytes("VmRSS")
    with torch.no_grad():
        layer(images)
    print(status_bytes("VmHWM") - before)
    seconds(layer, images)
    print(status_bytes("VmHWM") - before)


def memory_bytes(way: str, shape: tuple[int, int, int]) -> list[int]:
    """`print_memory` in a process of its own: evaluated, there and back."""
    command = [sys.executable, __file__, "--memory", way, *map(str, shape)]
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return [int(line) for line in done.stdout.split()]


def measure(shape: tuple[int, int, int], rounds: int) -> dict[str, object]:
    """The row of one shape; ratios are taps over torchvision."""
    pairs = {way: prepared(way, shape) for way in WAYS}
    for pair in pairs.values():
        seconds(*pair)
    times = pd.DataFrame([{way: seconds(*pair) for way, pair in pairs.items()} for _ in range(rounds)])
    memory = {way: memory_bytes(way, shape) for way in WAYS}
    return {
        **dict(zip(("images", "channels", "side"), shape, strict=True)),
        **{f"{way}_ms": 1e3 * times[way].median() for way in WAYS},
        **spread(times["taps"] / times["torchvision"]),
        **{
            f"{way}_{pass_}_mib": memory[way][at] / 2**20
            for at, pass_ in enumerate(("evaluated", "trained"))
            for way in WAYS
        },
        "rounds": rounds,
    }


def main() -> None:
    """Measures all shapes, or prints the memory of one way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--memory", nargs=4)
    parser.add_argument("-o", "--output", type=Path, default=Path("results/operators/deformable.csv"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.memory:
        way, *sides = arguments.memory
        print_memory(way, (int(sides[0]), int(sides[1]), int(sides[2])))
        return
    table = pd.DataFrame([measure(shape, arguments.rounds) for shape in SHAPES])
    print(table.to_string(index=False))
    write(table, arguments.output)


if __name__ == "__main__":
    main()
