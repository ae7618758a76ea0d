"""What is measured of a finished network."""

import json
import math
from dataclasses import dataclass
from typing import Any

from sparsecnn.errors import DivergedError
from sparsecnn.storage import NetworkMemory
from sparsecnn.training import Evaluation


@dataclass(frozen=True)
class Measurement:
    """A network measured: memory, and accuracy on both splits, each None when it was not measured.

    `multiply_adds` are those for one image, None where they cannot be counted.
    """

    memory: NetworkMemory
    validation: Evaluation | None
    test: Evaluation | None
    multiply_adds: int | None

    @property
    def error(self) -> DivergedError | None:
        """What is wrong with it: a loss that is not finite. Where there is a validation split, test has no say."""
        name, measured = ("validation", self.validation) if self.validation else ("test", self.test)
        if measured and not math.isfinite(measured.loss):
            return DivergedError(f"the loss on {name} is not finite")
        return None

    def columns(self) -> dict[str, Any]:
        """Of a row of the table."""
        memory, validation, test = self.memory, self.validation, self.test
        return {
            "nonzeros": memory.nonzeros,
            "memory_bytes": memory.bytes,
            "val_accuracy": validation.accuracy if validation else None,
            "val_loss": validation.loss if validation else None,
            "test_accuracy": test.accuracy if test else None,
            "test_loss": test.loss if test else None,
            "test_top5_accuracy": test.top5_accuracy if test else None,
            "multiply_adds": self.multiply_adds,
            "layer_nonzeros": json.dumps({name: layer.nonzeros for name, layer in memory.layers.items()}),
            "formats": json.dumps({name: layer.format for name, layer in memory.layers.items()}),
        }
