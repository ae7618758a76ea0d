"""The batches of one epoch, of one network and of several at once."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from sparsecnn.data import FlipAndCrop, Split
from sparsecnn.solvers import Solver


def epoch_batches(
    split: Split, solver: Solver, generator: torch.Generator, *, seen: int = 0, present: Tensor | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images uint8 [N, C, H, W], cut and mirrored, and labels [N]; the last batch may be short.

    The order, then the cuts and mirrors of each batch as it is asked for, are drawn from `generator`. An epoch that was
    left behind `seen` images goes on when `generator` is as the epoch began; `present` is its state of behind them.
    """
    order = _order(split, solver, generator)[seen:]
    for images, labels in split.batches(order, solver.batch_size, generator):
        if present is not None:  # a split may have drawn for the whole epoch before it gave the first batch
            generator.set_state(present)
            present = None
        yield solver.augment(images, generator) if solver.augment else images, labels


def cohort_batches(
    split: Split, solver: Solver, generators: Sequence[torch.Generator]
) -> Iterator[tuple[Tensor, Tensor]]:
    """The same for each of K `generators`: images uint8 [K * N, C, H, W], network by network, and labels [K, N]."""
    if not isinstance(solver.augment, FlipAndCrop):
        for batches in zip(*(epoch_batches(split, solver, own) for own in generators), strict=True):
            images, labels = zip(*batches, strict=True)
            yield torch.cat(images), torch.stack(labels)
        return
    # Every network draws for itself, and all are cut at once.
    plain = [split.batches(_order(split, solver, own), solver.batch_size, own) for own in generators]
    for batches in zip(*plain, strict=True):
        images, labels = zip(*batches, strict=True)
        draws = zip(*(solver.augment.draw(labels[0].numel(), own) for own in generators), strict=True)
        mirrored, places = (torch.cat(drawn, dim=-2) for drawn in draws)
        yield solver.augment.cut(torch.cat(images), mirrored, places), torch.stack(labels)


def _order(split: Split, solver: Solver, generator: torch.Generator) -> Tensor:
    if solver.shuffle:
        return torch.randperm(len(split), generator=generator)
    return torch.arange(len(split))
