"""`pack`: a trained network to a file, with its accuracy before and after."""

import logging
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from sparsecnn.errors import ConfigError
from sparsecnn.experiments.parts import Parts
from sparsecnn.experiments.progress import Progress
from sparsecnn.experiments.workbench import Workbench
from sparsecnn.models import other_values, prunable_weights
from sparsecnn.packing import Quantised, unpack
from sparsecnn.packing.fine_tune import Numbers
from sparsecnn.programs import ProgramModule
from sparsecnn.solvers import Solver
from sparsecnn.storage import FORMATS, PAPER_FORMATS, PackedNetwork, ValueType, value_type
from sparsecnn.training import Evaluation, Observer
from sparsecnn.whole_files import write_bytes

log = logging.getLogger(__name__)
# Whether values may be entropy-coded beside each set of formats.
FORMAT_SETS = {"all": (FORMATS, True), "paper": (PAPER_FORMATS, False)}


@dataclass(frozen=True)
class Measured:
    """Accuracy and loss on the validation split, if there is one, and on the test split."""

    validation: Evaluation | None
    test: Evaluation


@dataclass(frozen=True)
class Packed:
    """A packed network, the network it was made of, and what both measure; all bytes are whole files or tensors.

    `step` and `fine_tuned_epochs` say how its values came to be.
    """

    network: PackedNetwork
    step: float
    fine_tuned_epochs: float
    file_bytes: int
    dense_bytes: int
    before: Measured
    after: Measured

    def row(self) -> dict[str, object]:
        """One row of a table; accuracies in percent, those before packing with the prefix `float_`."""
        accuracies = {}
        for prefix, measured in (("float_", self.before), ("", self.after)):
            accuracies[f"{prefix}val_accuracy"] = measured.validation.accuracy if measured.validation else None
            accuracies[f"{prefix}test_accuracy"] = measured.test.accuracy
        return {
            "values": self.network.layers[0].value,
            "step": self.step,
            "fine_tuned_epochs": self.fine_tuned_epochs,
            "nonzeros": sum(layer.nonzeros for layer in self.network.layers),
            "weights_in_all": sum(layer.weights for layer in self.network.layers),
            "file_bytes": self.file_bytes,
            "header_bytes": self.file_bytes - self.network.payload_bytes,
            "dense_bytes": self.dense_bytes,
            "compression": self.dense_bytes / self.file_bytes,
            **accuracies,
            "test_points_lost": self.before.test.accuracy - self.after.test.accuracy,
        }


@dataclass(frozen=True)
class Pack:
    """Packs a network with values of the type `value`, with steps between integers of at least `step` (value_type).

    `fine_tune` trains it under the quantiser first: the solver of a short training, or None. The validation split is
    the one that the search chose on; nothing is chosen here.
    """

    parts: Parts
    value: str = "float32"
    step: float = 0.0
    formats: str = "all"
    fine_tune: Solver | None = None

    def __post_init__(self) -> None:
        is_lossless = self.kind.is_lossless
        if self.formats not in FORMAT_SETS:
            raise ConfigError(f"formats must be {' or '.join(FORMAT_SETS)}, got {self.formats}")
        if self.fine_tune is not None and is_lossless:
            raise ConfigError("fine_tune trains under a quantiser: value must not be float32")

    @property
    def kind(self) -> ValueType:
        """How a weight is stored."""
        return value_type(self.value, step=self.step)

    def execute(self, weights: Path, output: Path, progress: Progress) -> Packed:
        """Packs the network whose weights lie in the file `weights` into the file `output`."""
        bench = Workbench.of(self.parts).ready()
        model = bench.stored_model(weights)
        before = measured(bench, model)
        numbers = self._fine_tuned_(bench, model, progress)
        formats, codes_values = FORMAT_SETS[self.formats]
        values = dict(model.state_dict())
        network = bench.packer.pack(
            values, self.kind, formats=tuple(formats.values()), codes_values=codes_values, numbers=numbers
        )
        data = network.to_bytes()
        after = measured(bench, as_module(bench, network))
        dense = 4 * (sum(weight.numel() for weight in prunable_weights(model).values()) + other_values(model))
        write_bytes(output, data)
        epochs = self.fine_tune.epochs if self.fine_tune else 0.0
        return Packed(network, self.step, epochs, len(data), dense, before, after)

    def _fine_tuned_(self, bench: Workbench, model: nn.Module, progress: Progress) -> Numbers:
        if self.fine_tune is None:
            return {}
        quantised = Quantised(self.kind, but=bench.packer.few_bits)
        progress.training("fine-tuning")
        bench.trainer.train_(model, self.fine_tune, quantised, seed=0, observer=Observer(on_step=progress.step))
        return quantised.numbers


def measured(bench: Workbench, model: nn.Module) -> Measured:
    """Both accuracies of a network."""
    return Measured(bench.validate(model) if bench.validation else None, bench.test_evaluation(model))


def as_module(bench: Workbench, network: PackedNetwork) -> nn.Module:
    """A packed network as a module on the bench's device, computed in torch from its dense weights."""
    unpacked = unpack(network)
    if unpacked.program is None:
        return bench.filled_model(unpacked.values)
    return bench.placed(ProgramModule(unpacked.program, unpacked.values))
