"""A packed network as a torch module that computes from its nonzeros."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn

from sparsecnn.errors import DataError
from sparsecnn.programs import Program, check_program
from sparsecnn.runtime.lowering import Network
from sparsecnn.runtime.plan import LayerPlan, Plan, plan_network
from sparsecnn.runtime.stretch import StretchRunner
from sparsecnn.runtime.structures import kernels
from sparsecnn.runtime.units import Unit
from sparsecnn.storage import SparseWeight

Shape = tuple[int, ...]
# Batches for which plans are made: torch's calls weigh much in small ones. A batch takes the plan of the largest that
# is not above it.
BATCHES = (1, 8, 64)
# Shapes whose plans are kept.
MOST_SHAPES = 8


class SparseNetwork(nn.Module):
    """Computes a program from sparse weights: in C where its kernels can and are estimated faster, in torch elsewhere.

    `program` has its normalisations folded; `weights` are by layer, `others` are all further values by name. Images
    have the shape [C, H, W] of `image_shape`; others are planned for when they first come. It runs in as many threads
    as torch has, may be called by several at once, and is for inference only: nothing has a gradient.
    """

    def __init__(
        self,
        program: Program,
        weights: Mapping[str, SparseWeight],
        others: Mapping[str, Tensor],
        image_shape: Shape,
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        self._network = Network(program, dict(weights), dict(others), shapes=())
        self._dense: dict[str, Tensor] = {}
        self._shaped: dict[Shape, _Shaped] = {}
        self._lock = Lock()

    def forward(self, images: Tensor) -> Tensor:
        """Scores [N, K] of float32 `images` [N, C, H, W] on the CPU, which may lie in any way; DataError for others."""
        _check(images, self.image_shape)
        if images.is_neg():  # its memory holds other signs
            images = images.resolve_neg()
        shape = images.shape[1:]
        batch = images.shape[0]
        if batch == 0:
            return torch.empty((0, *self._at(shape).network.shapes[-1][1:]), dtype=torch.float32)
        return self._planned(shape, batch).run(images)

    @property
    def plan(self) -> tuple[LayerPlan, ...]:
        """What is done for each layer in large batches of images of the file's shape."""
        return self.plan_for(BATCHES[-1])

    def plan_for(self, images: int, image_shape: Shape | None = None) -> tuple[LayerPlan, ...]:
        """What is done for each layer in batches of `images`; DataError for a shape that the network cannot take."""
        return self._planned(image_shape or self.image_shape, images).layers

    def __getstate__(self) -> dict[str, Any]:
        """Without plans and locks, which every process and copy makes for itself."""
        return {**self.__dict__, "_shaped": {}, "_dense": {}, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As it was pickled, with a lock of its own."""
        super().__setstate__(state)
        self._lock = Lock()

    def _planned(self, shape: Shape, images: int) -> Plan:
        batch = BATCHES[max(bisect_right(BATCHES, images) - 1, 0)]
        shaped = self._shaped.get(shape)
        return (shaped and shaped.plans.get(batch)) or self._new_plan(shape, batch)

    def _new_plan(self, shape: Shape, batch: int) -> Plan:
        shaped = self._at(shape)
        with self._lock:
            if batch not in shaped.plans:
                shaped.plans[batch] = plan_network(
                    shaped.network, batch, kernels=kernels(), dense=self._dense_weight, runners=shaped.runners
                )
            return shaped.plans[batch]

    def _at(self, shape: Shape) -> "_Shaped":
        with self._lock:
            if shape not in self._shaped:
                weights = {name: weight.shape for name, weight in self._network.weights.items()}
                try:
                    shapes = check_program(self._network.program, weights, shape)
                except ValueError as error:
                    raise DataError(f"the network cannot take images of shape {list(shape)}: {error}") from error
                if len(self._shaped) >= MOST_SHAPES:
                    del self._shaped[next(iter(self._shaped))]
                self._shaped[shape] = _Shaped(replace(self._network, shapes=shapes), {}, {})
            return self._shaped[shape]

    def _dense_weight(self, layer: str) -> Tensor:
        if layer not in self._dense:
            weight = torch.from_numpy(self._network.weights[layer].dense())
            # torch convolves faster with channels last, and passes on what lies so.
            self._dense[layer] = weight.to(memory_format=torch.channels_last) if weight.dim() == 4 else weight
        return self._dense[layer]


@dataclass(frozen=True, eq=False)
class _Shaped:
    """What has been made for images of one shape: plans by batch, and the stretches that they share."""

    network: Network
    plans: dict[int, Plan]
    runners: dict[tuple[Unit, ...], StretchRunner]


def _check(images: Tensor, image_shape: Shape) -> None:
    # `is` and is_cpu are the quickest ways to ask: this is part of every call, and a small network takes 0.1 ms.
    if images.dtype is not torch.float32:
        raise DataError(f"images must be torch.float32, got {images.dtype}")
    if not images.is_cpu or images.layout is not torch.strided:
        raise DataError(f"images must be dense and on the CPU, got {images.layout} on {images.device}")
    if images.dim() != len(image_shape) + 1:
        raise DataError(f"images must have {len(image_shape) + 1} sides, [N, ...], got the shape {list(images.shape)}")
