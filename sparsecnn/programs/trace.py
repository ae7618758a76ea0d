"""A network's program, told by torch.export."""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from copy import deepcopy
from io import StringIO
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional

from sparsecnn.programs.aten import as_program
from sparsecnn.programs.module import check_program, run
from sparsecnn.programs.step import Program
from sparsecnn.programs.translations import UntraceableError
from sparsecnn.programs.values import other_sizes

EXAMPLES = 2


def trace(model: nn.Module, image_shape: tuple[int, ...]) -> Program:
    """The program of `model` in evaluation mode, which computes the same bits.

    Raises UntraceableError for a network that depends on its inputs in its control flow, that uses an operation which
    programs do not have, or values that belong to no layer.
    """
    model = deepcopy(model).cpu().float().eval().requires_grad_(requires_grad=False)
    images = torch.randn(EXAMPLES, *image_shape, generator=torch.Generator().manual_seed(0))
    try:
        with (
            patch.object(functional, "local_response_norm", _traced_local_response_norm),
            _quiet(),
            torch.no_grad(),  # nothing is computed again for a backward pass
        ):
            batch = torch.export.Dim("N", min=1)
            exported = torch.export.export(model, (images,), dynamic_shapes=({0: batch},), strict=False)
    except Exception as error:  # torch.export raises what it pleases
        raise UntraceableError(f"torch.export does not take it ({_reason(error)})") from error
    program = as_program(exported)
    try:
        _check(program, model, images)
    except (ValueError, RuntimeError) as error:  # steps that do not fit each other
        raise UntraceableError(f"its program is not right: {str(error).splitlines()[0]}") from error
    return program


def _reason(error: Exception) -> str:
    """The first sentence of what torch.export says, behind which there may be pages."""
    return re.split(r"[.!] ", (str(error).strip().splitlines() or [type(error).__name__])[0])[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """torch.export tells pages of what it cannot trace; the error says it in a line."""
    logger = logging.getLogger("torch.fx.experimental.symbolic_shapes")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _check(program: Program, model: nn.Module, images: Tensor) -> None:
    values = {name: tensor for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    weights = {name.removesuffix(".weight"): values[name] for name in _weights(program)}
    used = {*_weights(program), *other_sizes(program, {name: tuple(w.shape) for name, w in weights.items()})}
    unused = sorted(values.keys() - used)
    if unused:
        raise UntraceableError(f"{unused[0]} takes no part in an evaluation")
    check_program(program, {name: tuple(weight.shape) for name, weight in weights.items()}, tuple(images.shape[1:]))
    with torch.no_grad():
        if not torch.equal(run(program, images, values), model(images)):
            raise UntraceableError("its program does not compute the same scores")


def _weights(program: Program) -> set[str]:
    return {f"{step.layer}.weight" for step in program.steps if step.operation in ("conv", "linear")}


_LOCAL_RESPONSE_NORM = functional.local_response_norm


@torch.library.custom_op("sparsecnn::local_response_norm", mutates_args=())
def _local_response_norm(images: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
    normalised: Tensor = _LOCAL_RESPONSE_NORM(images, size, alpha, beta, k)
    return normalised


@_local_response_norm.register_fake
def _(images: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
    return torch.empty_like(images)


def _traced_local_response_norm(
    images: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    normalised: Tensor = _local_response_norm(images, size, alpha, beta, k)
    return normalised
