"""Prunable layers are found in a network, not listed by its author."""

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from sparsecnn.errors import ConfigError
from sparsecnn.layers import BitwiseConv2d, DeformableConv2d, Supported

PRUNABLE = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, BitwiseConv2d, DeformableConv2d)


def prunable_weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weights that the search may make sparse, by module name, in network order.

    A weight that two modules share is named once, by the first. Raises ConfigError when there is none.
    """
    unique: dict[str, nn.Parameter] = {}
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None) if isinstance(module, PRUNABLE) else None
        if isinstance(weight, nn.Parameter) and not any(weight is other for other in unique.values()):
            unique[name] = weight
    if not unique:
        kinds = ", ".join(kind.__name__ for kind in PRUNABLE)
        raise ConfigError(f"{type(model).__name__} has no prunable layer (looked for {kinds})")
    return unique


def weight_counts(model: nn.Module) -> dict[str, int]:
    """How many weights each prunable layer has: those under its mask where its support is pre-defined."""
    modules = dict(model.named_modules())
    return {name: _count(modules[name], weight) for name, weight in prunable_weights(model).items()}


def _count(layer: nn.Module, weight: Tensor) -> int:
    return layer.weight_count if isinstance(layer, Supported) else weight.numel()


def other_values(model: nn.Module) -> int:
    """How many values stay dense: biases, normalisation and its running statistics; step counters are left out."""
    prunable = {id(weight) for weight in prunable_weights(model).values()}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in prunable]
    buffers = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
    return sum(tensor.numel() for tensor in [*rest, *buffers])


def build_model(
    factory: Callable[..., nn.Module],
    *,
    image_shape: tuple[int, int, int],
    classes: int,
    label_shape: tuple[int, ...] = (),
) -> nn.Module:
    """A fresh network from `factory`, told of the data what it asks for.

    Parameters named `in_channels`, `image_size`, `classes` or `num_classes` that the configuration leaves open are
    filled in from the data set. The network must map [N, C, H, W] to [N, classes], or to [N, classes, *label_shape]
    where an image has labels of that shape, else ConfigError.
    """
    channels, height, _ = image_shape
    known = {"in_channels": channels, "image_size": height, "classes": classes, "num_classes": classes}
    model = built(factory, **_asked_for(factory, known))
    for name, parameter in model.named_parameters():
        if parameter.dtype != torch.float32:
            raise ConfigError(f"the model's parameters must be float32, {name} is {parameter.dtype}")
    _check_output(model, image_shape, (classes, *label_shape))
    return model


def built(factory: Callable[..., nn.Module], **sizes: int) -> nn.Module:
    """What `factory` makes, at its own sizes where nobody names others; ConfigError when it makes no network."""
    try:
        model = factory(**sizes)
    except Exception as error:  # a network of the user's own may raise anything
        raise ConfigError(f"the model cannot be built: {_first_line(error)}") from error
    if not isinstance(model, nn.Module):
        raise ConfigError(f"model._target_ must give a torch.nn.Module, got {type(model).__name__}")
    return model


def _asked_for(factory: Callable[..., nn.Module], known: Mapping[str, int]) -> dict[str, int]:
    """Those of `known` that `factory` takes and that are not set yet."""
    target: Any = factory
    bound: dict[str, Any] = {}
    while isinstance(target, partial):  # Hydra nests them
        bound |= target.keywords
        target = target.func
    try:
        parameters = signature(target).parameters
    except (TypeError, ValueError):
        return {}
    wide = [name for name, parameter in parameters.items() if parameter.kind is parameter.VAR_KEYWORD]
    # torchvision's builders take num_classes through **kwargs.
    names = set(parameters) | ({"num_classes"} if wide and target.__module__.startswith("torchvision.") else set())
    return {name: value for name, value in known.items() if name in names and name not in bound}


def _check_output(model: nn.Module, image_shape: tuple[int, int, int], wanted: tuple[int, ...]) -> None:
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            scores = model(torch.zeros(2, *image_shape))
    except Exception as error:  # as in build_model
        shape = "x".join(map(str, image_shape))
        raise ConfigError(f"the model does not take images of {shape}: {_first_line(error)}") from error
    finally:
        model.train(was_training)
    if not isinstance(scores, Tensor) or scores.shape != (2, *wanted):
        got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise ConfigError(f"the model must return [N, {', '.join(map(str, wanted))}] class scores, got {got} for N = 2")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
