"""ODE blocks: a residual field followed in time steps, with the activations of one step or block kept at a time.

Source: Gholami, Keutzer & Biros 2019, "ANODE" (arXiv 1902.10298): discretise, then differentiate. The schedule of the
checkpoints inside a block is Griewank & Walther 2000 ("Revolve"); that running statistics are frozen while steps are
computed again is this project's choice, without which they would be updated twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from math import comb
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparsecnn.errors import ConfigError
from sparsecnn.layers.recompute import forgotten

Method = Literal["euler", "rk2", "rk4"]
Keep = Literal["all", "input"] | int
Field = Callable[[Tensor], Tensor]
Step = Callable[[Field, Tensor, float], Tensor]


def euler(field: Field, state: Tensor, dt: float) -> Tensor:
    """One step of length `dt` of order 1."""
    return state + dt * field(state)


def rk2(field: Field, state: Tensor, dt: float) -> Tensor:
    """One step of the midpoint rule, of order 2."""
    return state + dt * field(state + dt / 2 * field(state))


def rk4(field: Field, state: Tensor, dt: float) -> Tensor:
    """One step of the classical Runge-Kutta method, of order 4."""
    first = field(state)
    second = field(state + dt / 2 * first)
    third = field(state + dt / 2 * second)
    fourth = field(state + dt * third)
    return state + dt / 6 * (first + 2 * second + 2 * third + fourth)


METHODS: dict[str, Step] = {"euler": euler, "rk2": rk2, "rk4": rk4}
EVALUATIONS = {"euler": 1, "rk2": 2, "rk4": 4}  # of the field a step


class ODEBlock(nn.Module):
    """z(1) of dz/dt = field(z), z(0) the input, in `steps` steps of length 1 / steps with the same weights.

    `field` maps [N, C, H, W] to the same shape; a `timed` one is called with the number of the evaluation, too, counted
    from 0 over all steps. In training, `keep` says what stays in memory from the forward to the
    backward pass, gradients being the same to the bit: "all", O(steps) activations a block; "input", the block's input,
    all steps being computed again when the backward pass gets there; a number, at most so many states more than the
    input, each step being computed again as often as that takes.
    """

    def __init__(
        self,
        field: nn.Module,
        steps: int = 2,
        method: Method = "euler",
        keep: Keep = "input",
        *,
        timed: bool = False,
    ) -> None:
        super().__init__()
        self.evaluations = evaluations(method, steps)
        if keep not in ("all", "input") and not (isinstance(keep, int) and keep >= 0):
            raise ConfigError(f"keep must be all, input, or a number of states, got {keep}")
        self.field, self.steps, self.keep, self.timed = field, steps, keep, timed
        self.method: Method = method

    def forward(self, state: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        if self.keep == "all" or not torch.is_grad_enabled():
            return self._advanced(state, 0, self.steps)
        if self.keep == "input":
            return self._forgotten(self._advanced, state, 0, self.steps)
        assert isinstance(self.keep, int)
        state, first = self._divided(state, 0, self.steps, self.keep)
        return self._forgotten(self._recorded, state, first, self.steps, 0)

    def _advanced(self, state: Tensor, first: int, end: int) -> Tensor:
        """The state before step `first` to the one before step `end`."""
        for step in range(first, end):
            state = METHODS[self.method](self._field_in(step), state, 1.0 / self.steps)
        return state

    def _field_in(self, step: int) -> Field:
        if not self.timed:
            return self.field
        numbers = count(step * EVALUATIONS[self.method])
        return lambda state: self.field(state, next(numbers))

    def _recorded(self, state: Tensor, first: int, end: int, slots: int) -> Tensor:
        """As `_advanced`, the last step being recorded: the backward pass begins with it at once.

        Beside `state` and what that step takes, at most `slots` states are kept.
        """
        state, first = self._divided(state, first, end, slots)
        if end - first > 1:  # nothing more may be kept: each step starts from `state` again
            state = self._forgotten(self._recorded, state, first, end - 1, 0)
        return self._advanced(state, end - 1, end)

    def _divided(self, state: Tensor, first: int, end: int, slots: int) -> tuple[Tensor, int]:
        """The last of at most `slots` states that are kept on the way, and the step before which it is."""
        while end - first > 1 and slots > 0:
            middle = first + split(end - first, slots + 1)
            state = self._forgotten(self._recorded, state, first, middle, slots)
            first, slots = middle, slots - 1
        return state, first

    def _forgotten(self, part: Callable[..., Tensor], state: Tensor, *rest: int) -> Tensor:
        """part(state, *rest), of which only `state` is kept."""
        return forgotten(part, state, *rest, again=lambda: frozen_statistics(self.field))


def evaluations(method: Method, steps: int) -> int:
    """How often so many steps of a method evaluate the field. ConfigError for what no block can do."""
    if method not in METHODS:
        raise ConfigError(f"a method is one of {', '.join(METHODS)}, got {method}")
    if steps < 1:
        raise ConfigError(f"steps must be at least 1, got {steps}")
    return EVALUATIONS[method] * steps


def split(steps: int, slots: int) -> int:
    """After how many of `steps` > 1 steps the next state is kept, for the least recomputation.

    `slots` > 1 states may be kept in all, the first one among them. With r repetitions at most of each step,
    comb(slots + r, slots) steps can be reversed: the first part has at most as many as r - 1 repetitions reverse, the
    second at least as many as they reverse with a slot less. Of the splits that do, this is the latest, as the forward
    pass makes the way to the kept states anyway.
    """
    repetitions = next(r for r in count(1) if comb(slots + r, slots) >= steps)
    return min(comb(slots + repetitions - 1, slots), steps - comb(slots + repetitions - 2, slots - 1))


@contextmanager
def frozen_statistics(field: nn.Module) -> Iterator[None]:
    """Inside, batch normalisation normalises as it does, and its running statistics stay as they are."""
    norms = [module for module in field.modules() if isinstance(module, _BatchNorm)]
    kept = [(norm.momentum, _copy(norm.num_batches_tracked)) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0  # the checkpoint wants the same operations on the same tensors
    try:
        yield
    finally:
        for norm, (momentum, batches) in zip(norms, kept, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None and batches is not None:
                norm.num_batches_tracked.copy_(batches)


def _copy(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.clone()
