"""The activations of a network, told from its shapes: nothing is computed and no memory is taken."""

import logging
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import nn

from sparsecnn.training import activation_bytes, inference_bytes

log = logging.getLogger(__name__)
# Two batches: what the larger one takes more is that of its images. Weights that a layer makes of its own (quantised,
# masked), and their gradients, are there once for a batch.
FEW, MANY = 256, 512


@dataclass(frozen=True)
class Activations:
    """The most bytes that activations of one image take at a time, in float32; None where that cannot be followed."""

    inference: int | None
    training: int | None


def activations_of(model: nn.Module, image_shape: tuple[int, ...], label_shape: tuple[int, ...] = ()) -> Activations:
    """Those of `model` in an evaluation and in a training step, of which an image has its share."""
    try:
        model = deepcopy(model).to("meta")
        (few_evaluated, few_trained), (many_evaluated, many_trained) = (
            _peaks(model, number, image_shape, label_shape) for number in (FEW, MANY)
        )
    except Exception as error:  # a network of the user's own may raise anything
        log.debug("activations are not counted: %s", error)
        return Activations(None, None)
    added = MANY - FEW
    return Activations((many_evaluated - few_evaluated) // added, (many_trained - few_trained) // added)


def _peaks(
    model: nn.Module, number: int, image_shape: tuple[int, ...], label_shape: tuple[int, ...]
) -> tuple[int, int]:
    """The most bytes of a batch of `number` images in an evaluation and in a training step."""
    images = torch.zeros(number, *image_shape, device="meta")
    labels = torch.zeros(number, *label_shape, dtype=torch.long, device="meta")
    return inference_bytes(model, images), activation_bytes(model, images, labels).peak
