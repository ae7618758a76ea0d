"""The activations of one image, whatever the weights of its network."""

import torch
from torch import Tensor, nn

from sparsecnn.experiments.activations import Activations, activations_of
from sparsecnn.layers.bitwise import BitwiseConv2d
from sparsecnn.layers.predefined import PredefinedConv2d

CHANNELS, SIDE = 64, 4  # of 36,864 weights, on 1,024 values an image
IMAGE_BYTES = 4 * CHANNELS * SIDE**2


class Pooled(nn.Module):
    """The mean of all pixels of what a layer makes."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.layer(images).mean(dim=(2, 3))
        return scores


def of(layer: nn.Module) -> Activations:
    return activations_of(Pooled(layer), (CHANNELS, SIDE, SIDE))


def test_an_ordinary_convolution_keeps_what_it_makes() -> None:
    found = of(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1))
    assert found.inference == IMAGE_BYTES + 4 * CHANNELS  # beside the mean
    assert found.training is not None
    assert IMAGE_BYTES <= found.training < 3 * IMAGE_BYTES


def test_masked_weights_are_no_activations() -> None:
    mask = torch.ones(CHANNELS, CHANNELS, 3, 3)
    masked = PredefinedConv2d(CHANNELS, CHANNELS, 3, mask=mask, padding=1)
    assert of(masked) == of(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1))


def test_quantised_weights_are_no_activations() -> None:
    inference = of(BitwiseConv2d(CHANNELS, CHANNELS, 3, padding=1)).inference
    assert inference is not None
    assert inference < 5 * IMAGE_BYTES  # its weights take 36


def test_a_network_that_cannot_be_followed_has_none() -> None:
    assert of(nn.Conv2d(1, 1, 3)) == Activations(None, None)
