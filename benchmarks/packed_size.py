"""Sizes of packed files against the bound and, with --nnc, against NNC at equal integers.

python benchmarks/packed_size.py [--nnc] FILES     writes results/packed/sizes.csv

The bound of a file is log2 C(N, z) for the positions of each layer and 32 bits for each nonzero.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparsecnn.storage import Geometry, PackedLayer, PackedNetwork, read_packed, unpack_layer, value_type
from sparsecnn.storage.quantisers import from_table

NNC = Path(__file__).parent / "nnc"


def integers(layer: PackedLayer) -> NDArray[np.int32]:
    """The signed integers of a layer of type int2 ... int8, in its shape."""
    geometry, kind = Geometry.of(layer.shape), value_type(layer.value)
    dense = unpack_layer(layer).dense().reshape(geometry.rows, geometry.columns)
    if not layer.nonzeros:
        return np.zeros(layer.shape, np.int32)
    codes = kind.encode(dense, from_table(layer.table)).astype(np.int32)
    magnitudes = codes & ((1 << (kind.width - 1)) - 1)
    return np.where(codes >> (kind.width - 1), -magnitudes, magnitudes).astype(np.int32).reshape(layer.shape)


def nnc_bytes(network: PackedNetwork) -> dict[str, int]:
    """What NNC takes for the integers of each layer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "integers.npz"
        np.savez(path, **{layer.name: integers(layer) for layer in network.layers})  # type: ignore[arg-type]
        command = [str(NNC / ".venv" / "bin" / "python"), str(NNC / "nnc.py"), str(path)]
        found: dict[str, int] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def row(file: Path, *, with_nnc: bool) -> dict[str, object]:
    """The sizes of one file."""
    network, size = read_packed(file), file.stat().st_size
    nonzeros = sum(layer.nonzeros for layer in network.layers)
    positions = sum(layer.position_bound_bits for layer in network.layers) / 8
    coded = sum(len(layer.positions) + len(layer.values) for layer in network.layers)
    found: dict[str, object] = {
        "file": file.stem,
        "values": network.layers[0].value,
        "nonzeros": nonzeros,
        "density": nonzeros / sum(layer.weights for layer in network.layers),
        "file_bytes": size,
        "header_bytes": size - network.payload_bytes,
        "dense_values_bytes": network.others.nbytes,
        "bound_bytes": positions + 4 * nonzeros,
        "over_bound": size / (positions + 4 * nonzeros),
        "positions_over_bound": sum(len(layer.positions) for layer in network.layers) / positions,
        "dense_float32_over_file": 4 * sum(layer.weights for layer in network.layers) / size,
    }
    if with_nnc and network.layers[0].value.startswith("int"):
        nnc = sum(nnc_bytes(network).values())
        found |= {"coded_bytes": coded, "nnc_bytes": nnc, "over_nnc": coded / nnc}
    return found


def main() -> None:
    """Measures every file and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--nnc", action="store_true", help="compare with NNC: see benchmarks/nnc/README.md")
    parser.add_argument("--output", type=Path, default=Path("results/packed/sizes.csv"))
    arguments = parser.parse_args()
    table = pd.DataFrame([row(file, with_nnc=arguments.nnc) for file in arguments.files])
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.output, index=False, float_format="%.4f")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
