"""What a network computes for one image: the multiply-adds of each of its layers, told by running it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log2, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.module_tracker import ModuleTracker

from sparsecnn.models.few_bits import deployed


@dataclass(frozen=True)
class LayerWork:
    """Work on one image: `products` of nonzero weights with what they meet, `dense_products` of all weights.

    Added up they give `sums`, each of at most `terms` products. `others` are multiply-adds without a weight: products
    of matrices that are both computed, attention, Fourier transforms (a real one of n pixels takes 5/4 n log2 n) and
    the sampling of a deformable tap (4 a pixel).
    """

    products: int = 0
    dense_products: int = 0
    sums: int = 0
    terms: int = 0
    others: int = 0

    @property
    def multiply_adds(self) -> int:
        """All that are computed when products with zeros are left out."""
        return self.products + self.others

    def and_also(self, more: "LayerWork") -> "LayerWork":
        """The work of both."""
        return LayerWork(
            self.products + more.products,
            self.dense_products + more.dense_products,
            self.sums + more.sums,
            max(self.terms, more.terms),
            self.others + more.others,
        )


def layer_work(model: nn.Module, image_shape: tuple[int, ...]) -> dict[str, LayerWork]:
    """The work of `model` in evaluation on one image of `image_shape`, by the name of the layer whose weight is used.

    A weight that is used again counts again. What belongs to no layer has the name of the module that computes it.
    Not counted are biases, normalisation, activations, poolings, recurrent layers. Zeros of a border count as pixels.
    """
    model = deployed(model).eval()
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    tracker = ModuleTracker()
    count = _Count(model, tracker)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operation for a whole layer, of which nothing could be told
    try:
        with torch.no_grad(), tracker, count, sdpa_kernel(SDPBackend.MATH):
            model(torch.zeros(1, *image_shape, device=device))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return count.found


def multiply_adds(model: nn.Module, image_shape: tuple[int, ...]) -> int:
    """Those of the whole network for one image, products with zeros left out."""
    return sum(work.multiply_adds for work in layer_work(model, image_shape).values())


class _Count(TorchDispatchMode):
    """Adds up what operations inside of it compute."""

    def __init__(self, model: nn.Module, tracker: ModuleTracker) -> None:
        super().__init__()
        self.tracker, self.found = tracker, dict[str, LayerWork]()
        self.names = {parameter.untyped_storage()._cdata: name for name, parameter in model.named_parameters()}
        self.prefix = len(type(model).__name__) + 1

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        count = _WORK.get(str(func.overloadpacket))
        if count is not None:
            weight, work = count(self.names, args, result)
            name = self._name(weight)
            self.found[name] = self.found.get(name, LayerWork()).and_also(work)
        return result

    def _name(self, weight: Tensor | None) -> str:
        known = self.names.get(weight.untyped_storage()._cdata) if weight is not None else None
        inner = max((name for name in self.tracker.parents if name != "Global"), key=len, default="")
        return known.removesuffix(".weight") if known else inner[self.prefix :]


Names = Mapping[int, str]
Count = Callable[[Names, Any, Any], tuple[Tensor | None, LayerWork]]


def _convolution(names: Names, args: Any, result: Tensor) -> tuple[Tensor, LayerWork]:
    images, weight, is_transposed = args[0], args[1], args[6]
    # Each weight meets a pixel for each place where its kernel lies.
    places = prod((images if is_transposed else result).shape[2:])
    return weight, _products(weight, places, result.numel(), weight.numel() // max(result.shape[1], 1))


def _matrices(names: Names, args: Any, result: Tensor) -> tuple[Tensor | None, LayerWork]:
    left, right = args[-2:]
    terms = left.shape[-1]
    for weight, places in ((right, left.shape[0]), (left, right.shape[-1])):
        if weight.untyped_storage()._cdata in names:
            return weight, _products(weight, places, result.numel(), terms)
    return None, LayerWork(others=result.numel() * terms)


def _batches(names: Names, args: Any, result: Tensor) -> tuple[None, LayerWork]:
    return None, LayerWork(others=result.numel() * args[-1].shape[-2])


def _products(weight: Tensor, places: int, sums: int, terms: int) -> LayerWork:
    return LayerWork(int(weight.count_nonzero()) * places, weight.numel() * places, sums, terms)


def _fourier(names: Names, args: Any, result: Tensor) -> tuple[None, LayerWork]:
    sides = [max(args[0].shape[side], result.shape[side]) for side in args[1]]
    maps = result.numel() // prod(result.shape[side] for side in args[1])
    return None, LayerWork(others=round(maps * 1.25 * prod(sides) * log2(prod(sides))))


def _sampling(names: Names, args: Any, result: Tensor) -> tuple[None, LayerWork]:
    return None, LayerWork(others=4 * result.numel())


def _deformable(names: Names, args: Any, result: Tensor) -> tuple[Tensor, LayerWork]:
    images, weight, places = args[0], args[1], prod(result.shape[2:])
    work = _products(weight, places, result.numel(), weight[0].numel())
    return weight, work.and_also(LayerWork(others=4 * images.shape[1] * weight[0, 0].numel() * places))


# By the names of the operators; torchvision's are known to torch once they are loaded.
_WORK: Mapping[str, Count] = {
    "aten.convolution": _convolution,
    "aten.addmm": _matrices,
    "aten.mm": _matrices,
    "aten.bmm": _batches,
    "aten.baddbmm": _batches,
    "aten._fft_r2c": _fourier,
    "aten._fft_c2r": _fourier,
    "aten.grid_sampler_2d": _sampling,
    "torchvision.deform_conv2d": _deformable,
}
