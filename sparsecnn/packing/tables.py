"""What packed layers take, as tables."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparsecnn.storage import FORMATS, PackedLayer, PackedNetwork, pack_layer, value_type

# What is compared for each layer: positions in one format and raw float32 values, then the files that `pack` writes.
RAW_FORMATS = ("dense", "bitmask", "csr", "relative_4", "relative_8", "rice", "adaptive")
CODED_VALUES = ("float32", "int8", "int5")
FLOAT32_BYTES = 4


def layer_table(network: PackedNetwork) -> pd.DataFrame:
    """A row a layer of a packed network.

    `bound_bytes` is log2 C(N, z) in bytes, what a code of the positions needs that knows their number alone;
    `over_bound` the bytes of the positions over it, None where the bound is below a byte.
    """
    return pd.DataFrame([_row(layer) for layer in network.layers])


def _row(layer: PackedLayer) -> dict[str, object]:
    bound = layer.position_bound_bits / 8
    return {
        "layer": layer.name,
        "shape": "x".join(map(str, layer.shape)),
        "nonzeros": layer.nonzeros,
        "density": layer.nonzeros / max(layer.weights, 1),
        "format": layer.format,
        "values": layer.value + " coded" * layer.is_coded,
        "bytes": layer.bytes,
        "bits_per_weight": 8 * layer.bytes / max(layer.weights, 1),
        "position_bytes": len(layer.positions),
        "bound_bytes": bound,
        "over_bound": len(layer.positions) / bound if bound >= 1 else None,
    }


def format_table(weights: Mapping[str, NDArray[np.float32]]) -> pd.DataFrame:
    """A row for each layer and way to store it: its bytes, and the bound log2 C(N, z) + 32 z, in bytes.

    `way` is a format with raw float32 values, or a type of values entropy-coded beside the cheapest positions.
    `position_bytes` are those of the positions alone, fillers' values with them; their bound is log2 C(N, z).
    """
    rows = []
    for name, weight in weights.items():
        ways = {
            form: pack_layer(name, weight, value_type("float32"), formats=[FORMATS[form]], codes_values=False)
            for form in RAW_FORMATS
        }
        ways |= {
            f"{kind} coded": pack_layer(name, weight, value_type(kind), formats=FORMATS.values())
            for kind in CODED_VALUES
        }
        rows += [_way(name, way, packed) for way, packed in ways.items()]
    return pd.DataFrame(rows)


def _way(layer: str, way: str, packed: PackedLayer) -> dict[str, object]:
    bound = packed.position_bound_bits / 8
    fillers = (packed.entries - packed.nonzeros) * FLOAT32_BYTES
    return {
        "layer": layer,
        "weights": packed.weights,
        "nonzeros": packed.nonzeros,
        "way": way,
        "bytes": packed.bytes,
        "bound_bytes": bound + FLOAT32_BYTES * packed.nonzeros,
        "position_bytes": len(packed.positions) + (0 if way == "dense" else fillers),
        "position_bound_bytes": bound,
    }
