"""Time and memory of packing CaffeNet, 61 million weights, at several densities.

python benchmarks/packing.py [--density 0.1 --density 1.0] [--value float32]     writes results/bench/packing.csv

Each case runs in a process of its own, on one thread: fresh weights (seed 0), the largest of each layer kept. Memory is
the process's peak; what it was before packing began stands beside it (Python, PyTorch, and the network itself).
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import torch

from sparsecnn.models import caffenet, prunable_weights
from sparsecnn.operators import project_l0
from sparsecnn.packing import packer_of, unpack
from sparsecnn.storage import parse, value_type

CASES = [(0.1, "float32"), (0.1, "int8"), (0.5, "float32"), (1.0, "float32"), (1.0, "int8"), (1.0, "codebook15")]


def peak_mib() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def measure(density: float, value: str) -> dict[str, object]:
    """One case, in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = caffenet().eval()
    with torch.no_grad():
        for weight in prunable_weights(model).values() if density < 1 else ():
            weight.copy_(project_l0(weight, round(density * weight.numel()), 0.0))
    started = time.perf_counter()
    packer = packer_of(model, (3, 227, 227))
    before, traced = peak_mib(), time.perf_counter()
    data = packer.pack(model.state_dict(), value_type(value)).to_bytes()
    packed, peak = time.perf_counter(), peak_mib()
    unpacked = unpack(parse(data)).values
    done = time.perf_counter()
    if value == "float32" and not all(torch.equal(unpacked[name], x) for name, x in model.state_dict().items()):
        raise SystemExit("the packed network has other weights")
    return {
        "density": density,
        "value": value,
        "bytes": len(data),
        "trace_s": traced - started,
        "pack_s": packed - traced,
        "unpack_s": done - packed,
        "peak_before_mib": before,
        "peak_mib": peak,
    }


def main() -> None:
    """Runs each case in a new process; prints and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--density", type=float, help="with --value: this case alone, printed as CSV")
    parser.add_argument("--value", default="float32")
    parser.add_argument("--output", type=Path, default=Path("results/bench/packing.csv"))
    arguments = parser.parse_args()
    if arguments.density is not None:
        print(pd.DataFrame([measure(arguments.density, arguments.value)]).to_csv(index=False))
        return
    tables = []
    for density, value in CASES:
        command = [sys.executable, __file__, "--density", str(density), "--value", value]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            tables.append(pd.read_csv(process.stdout))
        if process.returncode:
            raise SystemExit(process.returncode)
        print(tables[-1].to_string(index=False, header=len(tables) == 1), flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(tables).to_csv(arguments.output, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
