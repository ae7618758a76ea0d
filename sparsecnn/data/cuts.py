"""Which part of a picture a streamed set shows: transforms from a decoded image to uint8 [3, size, size]."""

from collections.abc import Callable
from dataclasses import dataclass

from torchvision.transforms import v2


@dataclass(frozen=True)
class Cuts:
    """What is shown in training and in an evaluation, by the pixels of a side."""

    training: Callable[[int], v2.Transform]
    evaluation: Callable[[int], v2.Transform]


def _random_part(size: int) -> v2.Transform:
    return v2.Compose([v2.PILToTensor(), v2.RandomResizedCrop(size, antialias=True), v2.RandomHorizontalFlip()])


def _middle_part(size: int) -> v2.Transform:
    return v2.Compose([v2.PILToTensor(), v2.Resize(size * 8 // 7, antialias=True), v2.CenterCrop(size)])


def _random_place(size: int) -> v2.Transform:
    return v2.Compose([v2.PILToTensor(), _squeezed(size), v2.RandomCrop(size), v2.RandomHorizontalFlip()])


def _middle_place(size: int) -> v2.Transform:
    return v2.Compose([v2.PILToTensor(), _squeezed(size), v2.CenterCrop(size)])


def _squeezed(size: int) -> v2.Transform:
    """The whole picture in a square, whatever its sides are: 256 pixels for a cut of 227."""
    return v2.Resize([size * 256 // 227] * 2, antialias=True)


# ImageNet's usual ones: a random part at any scale, mirrored half of the time; the middle, the shorter side at 8/7.
USUAL = Cuts(_random_part, _middle_part)
# Caffe's for ILSVRC: a random place of the squeezed picture, mirrored half of the time; its middle. Source: Caffe,
# examples/imagenet/create_imagenet.sh and models/bvlc_reference_caffenet/train_val.prototxt; antialiasing is ours.
CAFFE = Cuts(_random_place, _middle_place)
CUTS = {"usual": USUAL, "caffe": CAFFE}
