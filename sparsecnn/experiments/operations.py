"""`operations`: what a network computes for one image, layer by layer, and what that costs under assumed energies."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from sparsecnn.errors import ConfigError
from sparsecnn.experiments.described_data import DescribedData
from sparsecnn.layers import Supported
from sparsecnn.layers.bitwise import MOST_BITS
from sparsecnn.models import Bits, Counts, Energy, layer_bits, layer_work, load_weights_, prunable_weights


def _fill_(model: nn.Module) -> None:
    """Leaves no weight zero but those outside of a pre-defined support: a fresh network does not tell which will be.

    Nor is a weight the mean of its kernel, which some layers take off.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in prunable_weights(model).values():
            weight.uniform_(1.0, 2.0, generator=generator)
    for module in model.modules():
        if isinstance(module, Supported):
            module.clear_()


@dataclass(frozen=True)
class Operations:
    """Counts the operations of the network that `model` gives on one image.

    With `weight_bits` and `activation_bits`, 1 to 8, all layers but the first and the last count as if they computed
    bit by bit with so many (the practice of Zhou et al. 2016, "DoReFa-Net"); both or neither are given. `weights` is a
    file with the network's weights.
    """

    model: Callable[..., nn.Module]
    energy: Energy
    data: DescribedData
    weights: str | None = None
    weight_bits: int | None = None
    activation_bits: int | None = None

    def __post_init__(self) -> None:
        if (self.weight_bits is None) != (self.activation_bits is None):
            raise ConfigError("weight_bits and activation_bits belong together: give both or neither")
        for name, bits in (("weight_bits", self.weight_bits), ("activation_bits", self.activation_bits)):
            if bits is not None and (isinstance(bits, bool) or not 1 <= bits <= MOST_BITS):
                raise ConfigError(f"{name} must be in 1 to {MOST_BITS}, got {bits}")

    def execute(self) -> pd.DataFrame:
        """A row for each layer, in the order of the computation: what it multiplies, its bits, counts, joules."""
        model = self.data.network(self.model)
        if self.weights is None:
            _fill_(model)
        else:
            load_weights_(model, Path(self.weights))
        work, bits = layer_work(model, self.data.shape), layer_bits(model)
        if self.weight_bits is not None and self.activation_bits is not None:
            bits = dict.fromkeys(list(work)[1:-1], Bits(self.weight_bits, self.activation_bits))
        rows = []
        for name, each in work.items():
            found = bits.get(name, Bits())
            counts = Counts.of(each, found, self.energy.row_bits)
            shown = {"weight_bits": found.weight, "activation_bits": found.activation}
            rows.append(
                {"layer": name, **asdict(each), **shown, **asdict(counts), "joules": self.energy.joules(counts)}
            )
        return pd.DataFrame(rows)
