"""Parts of a layer whose activations are forgotten in the forward pass and computed again in the backward pass."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def forgotten(
    part: Callable[..., Tensor],
    *arguments: Any,
    again: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Tensor:
    """part(*arguments), of which only the arguments are kept; the part is computed again inside `again()`.

    In a cohort everything is kept: torch.func cannot go back into a vmap that it has left.
    """
    if not torch.is_grad_enabled() or torch._C._are_functorch_transforms_active():
        return part(*arguments)
    contexts = nullcontext(), _Afresh(again)
    result: Tensor = checkpoint(part, *arguments, use_reentrant=False, context_fn=lambda: contexts)
    return result


class _Afresh(AbstractContextManager[None]):
    """A context made anew each time that it is entered: once a backward pass."""

    def __init__(self, make: Callable[[], AbstractContextManager[None]]) -> None:
        self._make = make

    def __enter__(self) -> None:
        self._made = self._make()
        self._made.__enter__()

    def __exit__(self, *error: Any) -> bool | None:
        return self._made.__exit__(*error)
