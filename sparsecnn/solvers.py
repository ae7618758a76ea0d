"""Solvers: how a network is trained, from optimizer and learning rates to batch size and augmentation."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparsecnn.errors import ConfigError

# Share of training done, in [0, 1), and steps done, to a factor on the base learning rate.
Schedule = Callable[[float, int], float]
Augment = Callable[..., Tensor]


class CaffeSGD(Optimizer):
    """Caffe's SGD: `V <- momentum * V + lr * (g + decay * W)`, `W <- W - V`.

    The learning rate enters the velocity; torch.optim.SGD multiplies outside. The two agree while the rate is constant.
    Source: Caffe, src/caffe/solvers/sgd_solver.cpp.
    """

    def __init__(self, params: Iterable[Any], lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in (p for p in group["params"] if p.grad is not None):
                state = self.state[parameter]
                velocity = state.setdefault("momentum_buffer", torch.zeros_like(parameter))
                gradient = parameter.grad.add(parameter, alpha=group["weight_decay"])
                velocity.mul_(group["momentum"]).add_(gradient, alpha=group["lr"])
                parameter.sub_(velocity)


@dataclass(frozen=True)
class Solver:
    """The whole recipe of one training.

    `epochs` may be a fraction; with `steps` given it is not used. `optimizer` is called with parameter groups and `lr`.
    Biases (and normalisation) take `bias_lr_factor` times the learning rate and `bias_decay_factor` times the weight
    decay; `layer_factors` names layers for which other factors hold: {"ip1": {"lr": 1, "decay": 250, "bias_lr": 2,
    "bias_decay": 0}}, each optional. With `class_weights="rarity"` the loss of a label counts as much as one less the
    share of its class. `shuffle=False` keeps Caffe's fixed order.
    """

    optimizer: Callable[..., Optimizer]
    learning_rate: float
    schedule: Schedule
    batch_size: int
    epochs: float
    steps: int | None = None
    weight_decay: float = 0.0
    bias_lr_factor: float = 1.0
    bias_decay_factor: float = 1.0
    layer_factors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    label_smoothing: float = 0.0
    class_weights: Literal["equal", "rarity"] = "equal"
    augment: Augment | None = None
    shuffle: bool = True

    def __post_init__(self) -> None:
        positive = {"learning_rate": self.learning_rate, "batch_size": self.batch_size, "epochs": self.epochs}
        for name, value in positive.items():
            if not (value > 0 and math.isfinite(value)):
                raise ConfigError(f"solver.{name} must be above 0, got {value}")
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"solver.steps must be at least 1, got {self.steps}")
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(f"solver.label_smoothing must be in [0, 1), got {self.label_smoothing}")

    def steps_for(self, images: int) -> int:
        """Optimizer steps of the whole training on a train split of this many images."""
        return self.steps or max(1, round(self.epochs * self.steps_per_epoch(images)))

    def epochs_for(self, images: int) -> float:
        """Passes over a train split of this many images."""
        return self.steps_for(images) / self.steps_per_epoch(images)

    def steps_per_epoch(self, images: int) -> int:
        """Steps in which every image is seen once; the last batch of an epoch may be short."""
        return math.ceil(images / self.batch_size)

    def build(self, model: nn.Module, stacked: Mapping[str, Tensor] | None = None) -> Optimizer:
        """The optimizer over the parameters of `model`, with factors as `lr_factor` in its groups.

        With `stacked` it is over those, by parameter name: each [K, ...], of K networks like `model`.
        """
        names = {name for name, _ in model.named_modules()}
        for layer in self.layer_factors:
            if layer not in names:
                raise ConfigError(f"solver.layer_factors names no layer of the model: {layer}")
        groups = [
            self._group(name, parameter, parameter if stacked is None else stacked[name])
            for name, parameter in model.named_parameters()
        ]
        merged: dict[tuple[float, float], dict[str, Any]] = {}
        for group in groups:
            same = merged.setdefault((group["lr_factor"], group["weight_decay"]), {**group, "params": []})
            same["params"] += group["params"]
        try:
            return self.optimizer(list(merged.values()), lr=self.learning_rate)
        except ValueError as error:
            raise ConfigError(f"solver.optimizer: {error}") from error

    def set_learning_rate_(self, optimizer: Optimizer, step: int, steps: int) -> float:
        """Sets every group's rate for step number `step` (from 0) and returns the rate of the weights."""
        rate = self.learning_rate * self.schedule(step / steps, step)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["lr_factor"]
        return rate

    def _group(self, name: str, parameter: nn.Parameter, trained: Tensor) -> dict[str, Any]:
        """The group of `trained`, which is the parameter or a stack of such."""
        own = self.layer_factors.get(name.rpartition(".")[0], {})
        if parameter.dim() > 1:
            factors = own.get("lr", 1.0), own.get("decay", 1.0)
        else:
            factors = own.get("bias_lr", self.bias_lr_factor), own.get("bias_decay", self.bias_decay_factor)
        return {
            "params": [trained],
            "lr_factor": factors[0],
            "weight_decay": self.weight_decay * factors[1],
        }


def fixed(progress: float, step: int) -> float:
    """Caffe's "fixed" policy."""
    return 1.0


def stepwise(progress: float, step: int, *, drops: Iterable[int], factor: float = 0.1) -> float:
    """Caffe's "step" and "multistep": times `factor` at each of the step numbers `drops`."""
    return float(factor ** sum(step >= drop for drop in drops))


def inverse(progress: float, step: int, *, gamma: float, power: float) -> float:
    """Caffe's "inv" policy, `(1 + gamma * step) ^ -power`."""
    return float((1.0 + gamma * step) ** -power)


def one_cycle(progress: float, step: int, *, warmup: float = 0.25, final: float = 0.01) -> float:
    """Linear warm-up over the share `warmup` of training, then linear decay, not below the factor `final`."""
    if progress < warmup:
        return max(final, progress / warmup)
    return max(final, (1.0 - progress) / (1.0 - warmup))


def cosine(progress: float, step: int, *, warmup: float = 0.0) -> float:
    """Linear warm-up over the share `warmup`, then half a cosine down to 0."""
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (progress - warmup) / (1.0 - warmup)))
