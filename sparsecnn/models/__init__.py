"""Networks, and how their prunable layers are found."""

from sparsecnn.models.alexnet import alexnet
from sparsecnn.models.caffenet import caffenet
from sparsecnn.models.cifar10 import cifar10_full, cifar10_quick
from sparsecnn.models.energy import Counts, Energy
from sparsecnn.models.few_bits import Bits, deployed, few_bits, layer_bits
from sparsecnn.models.lenet import lenet
from sparsecnn.models.multiply_adds import LayerWork, layer_work, multiply_adds
from sparsecnn.models.pixel_net import PixelNet
from sparsecnn.models.prunable import build_model, built, other_values, prunable_weights, weight_counts
from sparsecnn.models.resnet import ResNet
from sparsecnn.models.resnet18 import ResNet18
from sparsecnn.models.skeleton import Skeleton
from sparsecnn.models.small import small_cnn
from sparsecnn.models.vgg import vgg16
from sparsecnn.models.weights import (
    WeightsFile,
    fill_,
    load_weights_,
    read_tensors,
    save_weights,
    weights_bytes,
    weights_digest,
)

__all__ = [
    "Bits",
    "Counts",
    "Energy",
    "LayerWork",
    "PixelNet",
    "ResNet",
    "ResNet18",
    "Skeleton",
    "WeightsFile",
    "alexnet",
    "build_model",
    "built",
    "caffenet",
    "cifar10_full",
    "cifar10_quick",
    "deployed",
    "few_bits",
    "fill_",
    "layer_bits",
    "layer_work",
    "lenet",
    "load_weights_",
    "multiply_adds",
    "other_values",
    "prunable_weights",
    "read_tensors",
    "save_weights",
    "small_cnn",
    "vgg16",
    "weight_counts",
    "weights_bytes",
    "weights_digest",
]
