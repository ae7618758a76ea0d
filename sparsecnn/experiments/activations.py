"""The activations of a network, told from its shapes: nothing is computed and no memory is taken."""

import logging
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import nn

from sparsecnn.training import activation_bytes, inference_bytes

log = logging.getLogger(__name__)
# Batch normalisation in training needs two values of a channel.
IMAGES = 2


@dataclass(frozen=True)
class Activations:
    """The most bytes that activations of one image take at a time, in float32; None where that cannot be followed."""

    inference: int | None
    training: int | None


def activations_of(model: nn.Module, image_shape: tuple[int, ...], label_shape: tuple[int, ...] = ()) -> Activations:
    """Those of `model` in an evaluation and in a training step, of which an image has its share."""
    try:
        model = deepcopy(model).to("meta")
        images = torch.zeros(IMAGES, *image_shape, device="meta")
        labels = torch.zeros(IMAGES, *label_shape, dtype=torch.long, device="meta")
        inference = inference_bytes(model, images)
        training = activation_bytes(model, images, labels).peak
    except Exception as error:  # a network of the user's own may raise anything
        log.debug("activations are not counted: %s", error)
        return Activations(None, None)
    return Activations(inference // IMAGES, training // IMAGES)
