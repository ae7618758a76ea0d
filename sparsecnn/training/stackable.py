"""Whether networks of an architecture can be trained as one: tried out, since torch.vmap does not take every code."""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparsecnn.solvers import Solver
from sparsecnn.training.stack import Stack

# Of the trial: networks, and images that each of them sees.
NETWORKS, EXAMPLES = 2, 3
# Shares of the largest entry of a tensor and of all tensors of a kind: far above the rounding of float64, in which
# everything is tried, and far below what a network is off by that computes something else when it is stacked.
TOLERANCE, NOISE = 1e-6, 1e-9

# Of an operation that vmap would compute of one network after another: nothing would be gained.
ONE_BY_ONE = re.compile(r"(\S+) hit the vmap fallback")

Tensors = Mapping[str, Tensor]


def why_unstackable(model: nn.Module, solver: Solver, image_shape: tuple[int, int, int]) -> str | None:
    """Why networks like `model` cannot be trained as one under `solver`, in a few words; None when they can.

    Two copies of `model` are tried in float64 on the CPU, alone and stacked, with images of noise of `image_shape`
    (C, H, W): scores, buffers, gradients, the updates of the optimizer and scores in evaluation have to be the same.
    """
    if solver.class_weights != "equal":
        return "its loss weighs classes"
    # Alone, dropout draws from the global generator.
    with torch.random.fork_rng(devices=[]), _without_fallback():
        try:
            _try_out(model, solver, image_shape)
        except Exception as error:  # a network of the user's own may raise anything
            if found := ONE_BY_ONE.search(str(error)):
                return f"vmap has no batching rule for {found[1]}"
            return str(error).strip().partition("\n")[0].partition(". ")[0] or type(error).__name__
    return None


@contextmanager
def _without_fallback() -> Iterator[None]:
    """Inside, vmap raises where it would compute networks one by one; its warning of that is not always Python's."""
    functorch: Any = torch._C._functorch
    before = functorch._is_vmap_fallback_enabled()
    functorch._set_vmap_fallback_enabled(False)
    try:
        yield
    finally:
        functorch._set_vmap_fallback_enabled(before)


def _try_out(model: nn.Module, solver: Solver, image_shape: tuple[int, int, int]) -> None:
    """Raises ValueError for what is not the same."""
    models = [_copy(model) for _ in range(NETWORKS)]
    with torch.no_grad():
        for parameter in models[1].parameters():
            parameter.mul_(1.25)  # so that one network cannot pass for the other
    shape = NETWORKS * EXAMPLES, *image_shape
    noise = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    images = noise.contiguous(memory_format=torch.channels_last).unflatten(0, (NETWORKS, EXAMPLES))
    stack = Stack.of(models, [torch.Generator().manual_seed(number) for number in range(NETWORKS)])
    # Two passes: a network may remember the first, which a stack cannot.
    if stack.scores(images).dim() != len(("networks", "images", "classes")):
        raise ValueError("it scores pixels")
    stacked = _facts(stack.scores(images), stack.parameters, stack.buffers)
    for number, alone in enumerate(models):
        torch.manual_seed(number)
        alone(images[number])
        expected = _facts(alone(images[number]), dict(alone.named_parameters()), dict(alone.named_buffers()))
        for found, wanted in zip(stacked, expected, strict=True):
            _check_same(found, number, wanted)
        for name, parameter in alone.named_parameters():
            gradient = stack.parameters[name].grad
            parameter.grad = None if gradient is None else gradient[number].clone()
    found = _updates(solver.build(model, stack.parameters), stack.parameters)
    for number, alone in enumerate(models):
        wanted = _updates(solver.build(alone), dict(alone.named_parameters()))
        _check_same(found, number, wanted)
    _try_out_evaluation([model.eval() for model in models], images[0])


def _try_out_evaluation(models: Sequence[nn.Module], images: Tensor) -> None:
    with torch.no_grad():
        found = {"what it computes in evaluation": Stack.of(models).scores_of_same(images)}
        for number, alone in enumerate(models):
            _check_same(found, number, {name: alone(images) for name in found})


def _copy(model: nn.Module) -> nn.Module:
    return copy.deepcopy(model).cpu().double().to(memory_format=torch.channels_last).train()


def _facts(scores: Tensor, parameters: Tensors, buffers: Tensors) -> tuple[Tensors, Tensors, Tensors]:
    """Scores [..., classes], buffers, and gradients of a loss that moves every class otherwise."""
    (scores * torch.linspace(-1.0, 1.0, scores.shape[-1])).square().sum().backward()
    gradients = {f"the gradient of {name}": p.grad for name, p in parameters.items() if p.grad is not None}
    return {"what it computes": scores.detach()}, buffers, gradients


def _updates(optimizer: Optimizer, parameters: Tensors) -> Tensors:
    """What two steps add to each parameter."""
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    optimizer.step()
    optimizer.step()
    return {f"the update of {name}": parameters[name].detach() - old for name, old in before.items()}


def _check_same(found: Tensors, number: int, wanted: Tensors) -> None:
    floor = NOISE * max((_largest(tensor) for tensor in wanted.values()), default=0.0)
    for name in [*wanted, *(found.keys() - wanted.keys())]:
        if name in found and name in wanted:
            one, other = found[name][number].double(), wanted[name].double()
            if other.isnan().any():
                raise ValueError(f"{name} has no numbers for images of noise")
            if torch.allclose(one, other, rtol=0.0, atol=TOLERANCE * _largest(other) + floor):
                continue
        raise ValueError(f"{name} is not the same in a stack as alone")


def _largest(tensor: Tensor) -> float:
    return float(tensor.double().abs().max()) if tensor.numel() else 0.0
