"""`bench-training-memory`: what a training step keeps in memory beside the network."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from sparsecnn.errors import ConfigError
from sparsecnn.experiments.described_data import DescribedData
from sparsecnn.training import ActivationBytes, activation_bytes


@dataclass(frozen=True)
class TrainingMemory:
    """One step of the network that `model` gives, on `batch_size` images of noise."""

    model: Callable[..., nn.Module]
    data: DescribedData
    batch_size: int = 32

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, got {self.batch_size}")

    def execute(self) -> ActivationBytes:
        """Measures it, in float32 on the CPU, where the bytes are those of any device."""
        model = self.data.network(self.model).to(memory_format=torch.channels_last)
        return activation_bytes(model, *self.data.batch(self.batch_size))
