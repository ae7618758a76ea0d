"""What a step takes in C and in torch: a model with constants that were measured once.

Measured on one core of an AMD Milan (AVX2), torch 2.15, against torch's faster layout (channels last). Other processors
are faster or slower at both; the model is asked for the faster of the two only.
"""

from dataclasses import dataclass
from math import prod

from sparsecnn.programs import Step
from sparsecnn.runtime.layout import segmented
from sparsecnn.runtime.operation import Convolution, Linear, Mean, Operation, Pooling
from sparsecnn.runtime.stretch import FEWEST_OF_GROUP
from sparsecnn.runtime.structures import SEGMENT

Shape = tuple[int, ...]
NANO = 1e-9
# C. A tile is 8 rows x 8 columns of one output channel; fitted to 77 layers and densities, median error 6 %.
NONZERO_TILE = 1.66
# The fit says 10.2, inside of networks it is 15 to 19 (stores, residuals, halos).
CHANNEL_TILE = 15.0
# Tiles of 1, 2 and 4 rows take less than one of 8, but not in proportion.
SHORT_TILES = {0: 0.0, 1: 0.3, 2: 0.45, 4: 0.72, 8: 1.0}
LOADED_PIXEL = 0.65
STORED_PIXEL = 0.3
POOLED_PIXEL = 0.25
ANY_POOLED_PIXEL = 1.5
POINTWISE_PIXEL = 0.5
MEAN_PIXEL = 0.2
LINEAR_NONZERO = 0.45
LINEAR_NONZERO_OF_GROUP = 0.065
STRETCH_CALL = 12_000.0
# torch. Calls include dispatch; a convolution also prepares its weight in every call.
CONVOLUTION_CALL = 25_000.0
CONVOLUTION_WEIGHT = 0.3
FLOP = 1 / 92
FEW_CHANNELS, FEW_CHANNELS_FLOP = 8, 1 / 62
LINEAR_CALL = 10_000.0
# A first image waits for the weight to be read, in further ones it is there.
FIRST_LINEAR_WEIGHT, LINEAR_WEIGHT = 0.085, 0.027
CALL = 5_000.0
DENSE_PIXEL = 0.16
DENSE_POOLED_PIXEL = 0.55
FLATTENED_PIXEL = 0.6


@dataclass(frozen=True)
class Cost:
    """Seconds for a batch: in C in the middle of a stretch and `alone` at its begin, and in torch.

    Those in C are infinite for what the kernels cannot compute.
    """

    sparse: float
    alone: float
    dense: float


def sparse_seconds(operation: Operation, images: int) -> float:
    """What the kernels take for one operation and a batch of `images`."""
    match operation.work:
        case Convolution() as work:
            return NANO * images * _convolution(operation, work)
        case Linear(weight=weight):
            cost = LINEAR_NONZERO if images < FEWEST_OF_GROUP else LINEAR_NONZERO_OF_GROUP
            return NANO * images * cost * len(weight.values)
        case Pooling(window=window):
            is_by_two = window.stride[1] == 2 and window.kernel in ((2, 2), (3, 3))
            pixel = POOLED_PIXEL if is_by_two else ANY_POOLED_PIXEL
            return NANO * images * pixel * prod(operation.read.shape)
        case Mean():
            return NANO * images * MEAN_PIXEL * prod(operation.read.shape)
    return NANO * images * POINTWISE_PIXEL * prod(operation.shape)


def _convolution(operation: Operation, work: Convolution) -> float:
    channels, height, width = operation.shape
    tiles = -(-width // SEGMENT) * (height // SEGMENT + _short_tiles(height % SEGMENT))
    cost = tiles * (NONZERO_TILE * len(work.weight.values) + CHANNEL_TILE * channels)
    layout = segmented(operation.read.shape, operation.shape, work.window)
    return cost if layout.is_direct else cost + LOADED_PIXEL * prod(operation.read.shape)


def _short_tiles(rows: int) -> float:
    tall = next(height for height in SHORT_TILES if height >= rows)
    return SHORT_TILES[tall]


def load_seconds(pixels: int, images: int) -> float:
    """What a stretch takes to begin and to read `pixels` of each image."""
    return NANO * (STRETCH_CALL + images * LOADED_PIXEL * pixels)


def store_seconds(pixels: int, images: int) -> float:
    """What a stretch takes to hand over `pixels` of each image."""
    return NANO * images * STORED_PIXEL * pixels


def dense_seconds(step: Step, shapes: tuple[Shape, Shape], weight: Shape, images: int) -> float:
    """What torch takes for one step and a batch of `images`.

    `shapes` are those of its first input and its result for one image, `weight` is its layer's or empty.
    """
    source, result = (prod(shape) for shape in shapes)
    if step.operation == "conv":
        flops = 2 * prod(weight[1:]) * result
        flop = FEW_CHANNELS_FLOP if weight[1] < FEW_CHANNELS else FLOP
        return NANO * (CONVOLUTION_CALL + CONVOLUTION_WEIGHT * prod(weight) + images * flop * flops)
    if step.operation == "linear":
        return NANO * (LINEAR_CALL + (FIRST_LINEAR_WEIGHT + (images - 1) * LINEAR_WEIGHT) * prod(weight))
    if step.operation == "flatten":  # channels last become channels first
        return NANO * (CALL + images * FLATTENED_PIXEL * source)
    if step.operation.endswith("pool"):
        return NANO * (CALL + images * DENSE_POOLED_PIXEL * source)
    return NANO * (CALL + images * DENSE_PIXEL * result)
