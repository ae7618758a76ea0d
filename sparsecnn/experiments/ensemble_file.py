"""The file of an ensemble: what each of its networks may take of it, and its row in the table."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from torch import nn

from sparsecnn.errors import ConfigError
from sparsecnn.experiments.accounting import file_memory, value_of
from sparsecnn.experiments.measurement import Measurement
from sparsecnn.experiments.pack import as_module, measured
from sparsecnn.experiments.workbench import Workbench
from sparsecnn.models import other_values
from sparsecnn.packing import bits_in, joined
from sparsecnn.results import CandidateRow
from sparsecnn.storage import FORMATS, Format, PackedNetwork, read_packed

# More than the header may grow by for a layer that is sparse instead of dense: a longer name of its format, the number
# of its entries, the bytes of its positions.
SPARSE_LAYER_BYTES = 32


def as_packed(bench: Workbench, model: nn.Module, formats: Sequence[Format] | None = None) -> PackedNetwork:
    """`model` in just the values that its memory counts (docs/memory.md), and in `formats`, or those that it counts."""
    storage = bench.storage
    kind = value_of("paper", storage)
    return bench.packer.pack(dict(model.state_dict()), kind, formats=formats or storage.choices, codes_values=False)


@dataclass(frozen=True)
class Room:
    """What the file of `networks` networks takes in bytes.

    `dense_bytes` is the memory of one dense network, `one_file_bytes` its file.
    """

    networks: int
    dense_bytes: int
    one_file_bytes: int
    file_bytes: int
    sparse_header_bytes: int = 0
    other_bytes: int = 0

    @classmethod
    def of(cls, bench: Workbench, networks: int) -> "Room":
        """For networks of the architecture of `bench`; ConfigError for one that has no program."""
        if bench.packer.program is None:
            raise ConfigError("ensemble is for networks that have a program (docs/packed-format.md)")
        model = bench.fresh_model(0)
        dense = as_packed(bench, model, [FORMATS["dense"]])
        together = joined([dense] * networks)
        file_bytes = len(together.to_bytes())
        header = file_bytes - together.payload_bytes + SPARSE_LAYER_BYTES * len(together.layers)
        others = bench.storage.network({}, other_values(model)).bytes
        return cls(networks, bench.dense_bytes, len(joined([dense]).to_bytes()), file_bytes, header, others)

    def fits_dense(self, limit_bytes: float) -> bool:
        """Whether nothing needs to be left out."""
        return self.file_bytes <= limit_bytes

    def layers_bytes(self, limit_bytes: float) -> float:
        """What the layers of one network may take."""
        return (limit_bytes - self.sparse_header_bytes) / self.networks - self.other_bytes


def ensemble_row(
    bench: Workbench, path: Path, members: Sequence[CandidateRow], *, key: str, number: int, seed: int
) -> CandidateRow:
    """The row of the ensemble in the file at `path`, measured as the file has it; sums are over its networks.

    `epochs` and `dense_bytes` are those of each network.
    """
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    network = read_packed(path)
    found = measured(bench, as_module(bench, network))
    work = [row.multiply_adds for row in members if row.multiply_adds is not None]
    counted = sum(work) if len(work) == len(members) else None
    measurement = Measurement(file_memory(network), found.validation, found.test, counted)
    budgets = {f"{place}.{name}": budget for place, row in enumerate(members) for name, budget in _read(row).items()}
    return replace(
        members[0],
        **measurement.columns(),
        key=key,
        number=number,
        phase="ensemble",
        seed=seed,
        steps=0,
        train_seconds=time.perf_counter() - clock,
        started_at=started,
        weights=sum(row.weights for row in members),
        layer_weights=json.dumps({layer.name: layer.weights for layer in network.layers}),
        layer_shapes=json.dumps({layer.name: layer.shape for layer in network.layers}),
        layer_bits=json.dumps(bits_in(network)),
        budgets=json.dumps(budgets),
        members=json.dumps([row.key for row in members]),
    )


def _read(row: CandidateRow) -> dict[str, int]:
    budgets: dict[str, int] = json.loads(row.budgets)
    return budgets
