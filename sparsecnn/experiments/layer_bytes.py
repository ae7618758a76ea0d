"""Bytes of a layer under budgets that were not tried, told from the weights of the incumbent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from sparsecnn.experiments.workbench import Workbench
from sparsecnn.models import prunable_weights
from sparsecnn.operators import project_l0
from sparsecnn.search import Trial


@dataclass(frozen=True)
class LayerBytesOf:
    """Called with (trial, layer, budget): the bytes of that layer of the trial's network, projected to `budget`.

    The weights of the latest trial are kept, since a search asks for the same ones again and again.
    """

    bench: Workbench
    checkpoint: Callable[[str], Path]
    latest: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def __call__(self, trial: Trial, layer: str, budget: int) -> int:
        """Whole bytes in the cheapest format."""
        weight = self.weights(trial.key)[layer]
        return self.bench.accounting.layer_bytes(layer, project_l0(weight, budget))

    def weights(self, key: str) -> dict[str, Tensor]:
        """The prunable weights of a trial."""
        if key not in self.latest:
            self.latest.clear()
            model = self.bench.stored_model(self.checkpoint(key))
            self.latest[key] = {name: weight.detach().cpu() for name, weight in prunable_weights(model).items()}
        return self.latest[key]
