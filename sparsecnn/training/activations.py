"""What a training step and an evaluation keep in memory beside the network itself."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True)
class ActivationBytes:
    """`kept` lies between the forward and the backward pass; `peak` is the most at a time over both."""

    kept: int
    peak: int


def activation_bytes(model: nn.Module, images: Tensor, labels: Tensor) -> ActivationBytes:
    """Of one step of `model` in training mode under cross-entropy: every tensor that an operation makes.

    Counted are whole memory blocks while something holds them, gradients of activations too; not counted are
    parameters, their gradients, the batch, and what an operation needs inside itself. The same on every device.
    """
    model.train()
    for _ in range(2):  # the first makes room for the gradients of parameters, which stay
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad.zero_()
        with _Blocks() as blocks:
            loss = nn.functional.cross_entropy(model(images), labels)
            kept = blocks.now()
            loss.backward()
    return ActivationBytes(kept, blocks.peak)


def inference_bytes(model: nn.Module, images: Tensor) -> int:
    """The most bytes that activations of `images` take at a time while `model` evaluates them, counted as above."""
    model.eval()
    blocks = _Blocks()
    with torch.no_grad(), blocks:
        model(images)
    return blocks.peak


class _Blocks(TorchDispatchMode):
    """Follows the memory blocks that operations make inside of it, and the most bytes that were there at once."""

    def __init__(self) -> None:
        super().__init__()
        self.living: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak: int = 0

    def now(self) -> int:
        """Bytes of the blocks that something still holds."""
        self.living = {key: block for key, block in self.living.items() if not block[0].expired()}
        return sum(size for _, size in self.living.values())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {_block(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and _block(leaf) not in given:  # neither a view nor in place
                storage = leaf.untyped_storage()
                self.living[_block(leaf)] = StorageWeakRef(storage), storage.nbytes()
        self.peak = max(self.peak, self.now())
        return result


def _block(tensor: Tensor) -> int:
    key: int = tensor.untyped_storage()._cdata
    return key
