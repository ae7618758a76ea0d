"""Whether a packed network is ever slower than the same network dense, whatever its density.

python benchmarks/densities.py [--rounds 9]     writes results/bench/densities.csv

Fresh weights (seed 0), the largest of each layer kept; one thread; ratios as `sparsecnn bench` measures them.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from sparsecnn.models import ResNet, cifar10_quick, lenet, prunable_weights
from sparsecnn.operators import project_l0
from sparsecnn.packing import packer_of
from sparsecnn.runtime.benchmark import benchmark

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "lenet": (lenet, (1, 28, 28)),
    "cifar10_quick": (cifar10_quick, (3, 32, 32)),
    "resnet20": (lambda: ResNet(20), (3, 32, 32)),
}
DENSITIES = (1.0, 0.7, 0.5, 0.3, 0.1, 0.05)
DENSE = ("torch eager", "torch channels_last")


def packed(model: nn.Module, image_shape: tuple[int, ...], density: float, folder: Path) -> Path:
    """The file of `model` with this share of each layer's weights."""
    with torch.no_grad():
        for weight in prunable_weights(model).values() if density < 1 else ():
            weight.copy_(project_l0(weight, round(density * weight.numel()), 0.0))
    path = folder / "network.safetensors"
    path.write_bytes(packer_of(model, image_shape).pack(model.state_dict()).to_bytes())
    return path


def main() -> None:
    """Prints the ratios of every network and density; writes them at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--output", type=Path, default=Path("results/bench/densities.csv"))
    arguments = parser.parse_args()
    tables = []
    for name, (make, image_shape) in NETWORKS.items():
        for density in DENSITIES:
            torch.manual_seed(0)
            with tempfile.TemporaryDirectory() as folder:
                path = packed(make().eval(), image_shape, density, Path(folder))
                table = benchmark(
                    path, rounds=arguments.rounds, threads=1, contenders=("sparsecnn", *DENSE), measures_memory=False
                )
            table.insert(0, "network", name)
            table.insert(1, "density", density)
            tables.append(table.drop(columns="memory_bytes"))
            ratios = table.pivot_table(index="batch", columns="contender", values="ratio")[list(DENSE)]
            print(f"{name} at {density}\n{ratios.round(2).to_string()}", flush=True)
    whole = pd.concat(tables)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    whole.to_csv(arguments.output, index=False, float_format="%.4g")
    least = whole[whole.contender.isin(DENSE)].nsmallest(5, "ratio")
    print("the least advantages:")
    print(
        least[["network", "density", "batch", "contender", "ratio", "ratio_low", "ratio_high"]].to_string(index=False)
    )


if __name__ == "__main__":
    main()
