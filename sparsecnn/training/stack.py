"""K networks of one architecture as one network over stacked parameters."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from sparsecnn.models import prunable_weights
from sparsecnn.training.dropout import replace_dropout_


@dataclass(frozen=True)
class Stack:
    """K networks computed together: `parameters` and `buffers` [K, ...] by name, and the `body` that reads them."""

    body: nn.Module
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]

    @classmethod
    def of(cls, models: Sequence[nn.Module], generators: Sequence[torch.Generator] = ()) -> "Stack":
        """Copies of `models`, all in the same mode; in training mode dropout draws from `generators`, one a network."""
        body = copy.deepcopy(models[0])
        if body.training:
            replace_dropout_(body, generators)
        parameters, buffers = stack_module_state(list(models))
        return cls(body, parameters, buffers)

    def scores(self, images: Tensor) -> Tensor:
        """[K, N, C, H, W], every network its own images, to [K, N, classes]."""
        scores: Tensor = torch.vmap(self._scores_of_one)(self.parameters, self.buffers, images)
        return scores

    def scores_of_same(self, images: Tensor) -> Tensor:
        """[N, C, H, W], the same images for every network, to [K, N, classes]."""
        together = torch.vmap(self._scores_of_one, in_dims=(0, 0, None))
        scores: Tensor = together(self.parameters, self.buffers, images)
        return scores

    def _scores_of_one(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], images: Tensor) -> Tensor:
        scores: Tensor = functional_call(self.body, (parameters, buffers), (images,))
        return scores

    def weights(self) -> dict[str, Tensor]:
        """The prunable weights [K, ...] by layer, as views that a regularizer may write to."""
        names = {id(parameter): name for name, parameter in self.body.named_parameters()}
        prunable = prunable_weights(self.body)
        return {layer: self.parameters[names[id(weight)]].detach() for layer, weight in prunable.items()}

    def copy_to_(self, model: nn.Module, number: int) -> None:
        """Writes network `number` of the stack to `model`."""
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(self.parameters[name][number])
            for name, buffer in model.named_buffers():
                buffer.copy_(self.buffers[name][number])


def cross_entropies(scores: Tensor, labels: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """In nats: scores [K, N, classes] and labels [K, N] to [K, N]."""
    losses = nn.functional.cross_entropy(
        scores.flatten(0, 1), labels.flatten(), reduction="none", label_smoothing=label_smoothing
    )
    return losses.view(labels.shape)
