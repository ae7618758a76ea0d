"""Ways to compute a packed network, for comparison: from its nonzeros here, from dense weights elsewhere."""

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparsecnn.errors import ConfigError, DataError
from sparsecnn.packing import fold_batch_norm, unpack
from sparsecnn.programs import Program, ProgramModule
from sparsecnn.runtime.load import sparse_network
from sparsecnn.storage import PackedNetwork, read_packed

log = logging.getLogger(__name__)

OURS = "sparsecnn"
Call = Callable[[], object]


class UnavailableError(Exception):
    """A contender that cannot run on this machine; the message says why."""


@dataclass(frozen=True, eq=False)
class Dense:
    """The dense form of a packed network, its normalisations folded."""

    program: Program
    values: Mapping[str, Tensor]
    image_shape: tuple[int, ...]

    def module(self) -> ProgramModule:
        """A torch module of its own."""
        return ProgramModule(self.program, {name: value.clone() for name, value in self.values.items()}).eval()


def dense_form(packed: PackedNetwork) -> Dense:
    """All weights unpacked; DataError for a network that is damaged or has no program."""
    unpacked = unpack(packed)
    if unpacked.program is None or unpacked.image_shape is None:
        raise DataError("the file holds weights without the network's program, so it cannot be run")
    folded = fold_batch_norm(unpacked.program, unpacked.values)
    values = {**folded.others, **folded.scaled_weights(unpacked.values)}
    return Dense(folded.program, values, unpacked.image_shape)


def contender(name: str, packed: PackedNetwork, images: Tensor) -> Call:
    """What computes the scores of `images` [N, C, H, W]; UnavailableError where it cannot run.

    What it needs is made here, so that its calls do nothing else; images are laid out beforehand as it wants them.
    """
    if name not in CONTENDERS:
        raise ConfigError(f"a contender must be one of {', '.join(CONTENDERS)}, got {name!r}")
    return CONTENDERS[name](packed, images)


def _sparse(packed: PackedNetwork, images: Tensor) -> Call:
    network = sparse_network(packed)
    return lambda: network(images)


def _eager(packed: PackedNetwork, images: Tensor) -> Call:
    return _inferred(dense_form(packed).module(), images)


def _channels_last(packed: PackedNetwork, images: Tensor) -> Call:
    if images.dim() != 4:
        raise UnavailableError("images that are no maps have no channels")
    layout = torch.channels_last
    return _inferred(dense_form(packed).module().to(memory_format=layout), images.contiguous(memory_format=layout))


def _compiled(packed: PackedNetwork, images: Tensor) -> Call:
    torch.compiler.reset()
    call = _inferred(torch.compile(dense_form(packed).module(), dynamic=False), images)
    try:
        call()
    except Exception as error:  # torch.compile raises what it pleases
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UnavailableError(f"torch.compile fails: {reason}") from error
    return call


def _inferred(module: Callable[[Tensor], Tensor], images: Tensor) -> Call:
    def call() -> Tensor:
        with torch.inference_mode():
            return module(images)

    return call


def _onnxruntime(packed: PackedNetwork, images: Tensor) -> Call:
    runtime, export = _module("onnxruntime"), _module("sparsecnn.export.onnx_model")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    try:
        model = export.export_onnx(packed, sparse=False)
    except ConfigError as error:
        raise UnavailableError(str(error)) from error
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: images.numpy()}
    return lambda: session.run(None, feed)[0]


def _module(name: str) -> Any:
    """An optional module, which is loaded for this comparison alone."""
    try:
        return importlib.import_module(name)
    except (ImportError, ConfigError) as error:
        raise UnavailableError(f"{name} cannot be used: {error}") from error


CONTENDERS: dict[str, Callable[[PackedNetwork, Tensor], Call]] = {
    OURS: _sparse,
    "torch eager": _eager,
    "torch channels_last": _channels_last,
    "torch compiled": _compiled,
    "onnxruntime": _onnxruntime,
}


def example_images(packed: PackedNetwork, batch: int) -> Tensor:
    """The same normally distributed images at every call."""
    shape = [int(side) for side in packed.notes["input"].split("x")]
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(0))


def packed_file(path: str | Path) -> PackedNetwork:
    """The network of a file that says what images it takes; DataError otherwise."""
    packed = read_packed(Path(path))
    if "program" not in packed.notes or "input" not in packed.notes:
        raise DataError(f"{path} holds weights without the network's program, so it cannot be run")
    return packed
