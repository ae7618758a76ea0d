"""The batches of one epoch, of one network and of several at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparsecnn.data import FlipAndCrop, Split
from sparsecnn.solvers import Augment, Solver


@dataclass(frozen=True)
class Part:
    """Of every batch the images number `rank`, `rank` + `ranks` and so on: what one of `ranks` processes trains on."""

    rank: int = 0
    ranks: int = 1

    def of(self, order: Tensor, size: int) -> Tensor:
        """The part of an epoch's order in batches of `size`, a multiple of `ranks`; the last is filled up to one."""
        if self.ranks == 1:
            return order
        filled = torch.cat([order, order[: -len(order) % self.ranks]])
        return torch.cat([batch[self.rank :: self.ranks] for batch in filled.split(size)])

    def augmented(self, images: Tensor, augment: Augment | None, generator: torch.Generator) -> Tensor:
        """`images` cut and mirrored as they would be in the whole batch."""
        if augment is None:
            return images
        if self.ranks == 1 or not isinstance(augment, FlipAndCrop):
            return augment(images, generator)
        mirrored, places = augment.draw(len(images) * self.ranks, generator)
        return augment.cut(images, mirrored[self.rank :: self.ranks], places[:, self.rank :: self.ranks])


WHOLE = Part()


def epoch_batches(
    split: Split,
    solver: Solver,
    generator: torch.Generator,
    *,
    part: Part = WHOLE,
    seen: int = 0,
    present: Tensor | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images uint8 [N, C, H, W], cut and mirrored, and labels [N]; the last batch may be short.

    The order, then the cuts and mirrors of each batch as it is asked for, are drawn from `generator`. An epoch that was
    left behind `seen` images goes on when `generator` is as the epoch began; `present` is its state of behind them.
    Only `part` of each batch is given.
    """
    order = part.of(_order(split, solver, generator)[seen:], solver.batch_size)
    for images, labels in split.batches(order, solver.batch_size // part.ranks, generator):
        if present is not None:  # a split may have drawn for the whole epoch before it gave the first batch
            generator.set_state(present)
            present = None
        yield part.augmented(images, solver.augment, generator), labels


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
