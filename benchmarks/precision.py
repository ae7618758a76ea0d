"""Passes there and back, and evaluations, in bfloat16 (`precision=bfloat16`) against float32.

python benchmarks/precision.py [--rounds 9]     writes results/bench/precision.csv

One CPU thread, batches of 128 images of noise; both in turn in every round, in CPU time of the thread, the median
of float32 over bfloat16 and its quartiles. What is gained hangs on the processor: `has_bfloat16` says whether it
multiplies such numbers (AVX512_BF16 or AMX).
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from environment import spread, write
from networks import BATCH_SIZE
from torch import Tensor, nn

from sparsecnn.config import build, compose
from sparsecnn.experiments import DescribedData, Train
from sparsecnn.training import place

FAMILIES = ("compact", "lean", "predefined", "ode", "imex", "bitwise", "deformable")
WIDTHS = "model.widths=[16,32,64,64]"
NETWORKS = {
    **{name: [f"model={name}"] for name in ("cifar10_quick", "cifar10_full", "lenet", "resnet20")},
    **{f"{name}_resnet": [f"model={name}_resnet", WIDTHS, "model.steps=1"] for name in FAMILIES},
}
PRECISIONS = ("float32", "bfloat16")


def prepared(name: str) -> tuple[nn.Module, Tensor, Tensor]:
    """The fresh network of a configuration, images and labels."""
    run = build(compose("train", NETWORKS[name]).nodes)
    assert isinstance(run, Train)
    data = DescribedData((1, 28, 28) if name == "lenet" else (3, 32, 32))
    return data.network(run.parts.model).to(memory_format=torch.channels_last), *data.batch(BATCH_SIZE)


def step(model: nn.Module, images: Tensor, labels: Tensor, precision: str) -> None:
    """A pass there and back, which is a training step without its update."""
    with place("cpu", precision).autocast():
        loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()


def evaluation(model: nn.Module, images: Tensor, precision: str) -> None:
    """Forwards alone."""
    with torch.no_grad(), place("cpu", precision).autocast():
        model(images)


def seconds(work: Callable[[], None]) -> float:
    """CPU time of this thread."""
    started = time.thread_time()
    work()
    return time.thread_time() - started


def measured(name: str, rounds: int) -> list[dict[str, object]]:
    """The rows of one network: its step, its evaluation."""
    model, images, labels = prepared(name)
    works = {"step": partial(step, model, images, labels), "evaluation": partial(evaluation, model, images)}
    rows: list[dict[str, object]] = []
    for what, work in works.items():
        turns = [{kind: seconds(partial(work, kind)) for kind in PRECISIONS} for _ in range(rounds + 1)]
        times = pd.DataFrame(turns[1:])  # the first warms up
        medians = {f"{kind}_ms": 1e3 * times[kind].median() for kind in PRECISIONS}
        rows.append({"network": name, "what": what, **medians, **spread(times["float32"] / times["bfloat16"])})
    return rows


def has_bfloat16() -> bool:
    """Whether the processor multiplies such numbers."""
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def main() -> None:
    """Measures every network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("-o", "--output", type=Path, default=Path("results/bench/precision.csv"))
    arguments = parser.parse_args()
    place("cpu", threads=1)
    table = pd.DataFrame([row for name in NETWORKS for row in measured(name, arguments.rounds)])
    table = table.assign(batch=BATCH_SIZE, rounds=arguments.rounds, has_bfloat16=has_bfloat16())
    print(table.to_string(index=False))
    write(table, arguments.output)


if __name__ == "__main__":
    main()
