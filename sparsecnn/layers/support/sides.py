"""What the kernels need for one direction of a convolution: a tile, and the gathers from it."""

import ctypes
from dataclasses import dataclass

import torch
from torch import Tensor

from sparsecnn.layers.support.axis import Axis
from sparsecnn.layers.support.structures import GROUP, Frame, Gather
from sparsecnn.layers.support.tables import Entries, Table, offsets, parts_for

# Neighbouring results that the kernels compute at once, at most; see vectors.h.
PLACES = 4


@dataclass(frozen=True)
class Convolution:
    """A sparse convolution of maps of one size."""

    kept: Entries
    out: int
    into: int
    rows: Axis
    columns: Axis


@dataclass(frozen=True)
class Side:
    """A tile [channels, frame, GROUP], whose border stays zero, and what is gathered from it."""

    frame: Frame
    tables: list[Table]
    gathers: "ctypes.Array[Gather]"
    tile: Tensor
    sums: Tensor


def forward_side(of: Convolution) -> Side:
    """Outputs from inputs."""
    frame = Frame(of.rows.padding, of.columns.padding, of.rows.length(1), of.columns.length(PLACES))
    seen = of.rows.reach * ((PLACES - 1) * of.columns.stride + of.columns.reach)
    table = by_output(of, frame, parts_for(len(of.kept.out), channels=(of.out, of.into), places=seen))
    steps = (of.rows.stride * frame.width * GROUP, of.columns.stride * GROUP)
    gather = Gather(table.kept, of.rows.results, of.columns.results, *steps, 0, 0, 1, 1)
    return _side(frame, of.into, of.out, [table], [gather])


def by_output(of: Convolution, frame: Frame, parts: int) -> Table:
    """The weights by output channel, as they meet a tile of inputs."""
    places = of.kept.row * of.rows.dilation, of.kept.column * of.columns.dilation
    distances = offsets(frame, of.kept.into, *places)
    return Table(of.kept.out, of.kept.into, distances, of.kept.memory, channels=(of.out, of.into), parts=parts)


def backward_side(of: Convolution) -> Side:
    """Gradients of inputs from gradients of outputs: one gather for each phase of the strides."""
    frame = Frame(of.rows.before, of.columns.before, of.rows.length_back(1), of.columns.length_back(PLACES))
    tables, gathers = [], []
    for a in range(min(of.rows.stride, of.rows.size)):
        for b in range(min(of.columns.stride, of.columns.size)):
            tables.append(_by_input(of, frame, a, b))
            sizes = of.rows.inputs(a), of.columns.inputs(b)
            steps = of.rows.stride, of.columns.stride
            gathers.append(Gather(tables[-1].kept, *sizes, frame.width * GROUP, GROUP, a, b, *steps))
    return _side(frame, of.out, of.into, tables, gathers)


def _by_input(of: Convolution, frame: Frame, row_phase: int, column_phase: int) -> Table:
    """The weights through which inputs of these phases are read, by input channel."""
    has_phases = of.rows.has_phase(of.kept.row, row_phase) & of.columns.has_phase(of.kept.column, column_phase)
    kept = of.kept.where(has_phases)
    row = of.rows.shift(kept.row, row_phase) + frame.top
    column = of.columns.shift(kept.column, column_phase) + frame.left
    seen = -(-of.rows.reach // of.rows.stride) * (PLACES - 1 + -(-of.columns.reach // of.columns.stride))
    channels = (of.into, of.out)
    parts = parts_for(len(kept.out), channels=channels, places=seen)
    return Table(
        kept.into, kept.out, offsets(frame, kept.out, row, column), kept.memory, channels=channels, parts=parts
    )


def _side(frame: Frame, channels: int, sums: int, tables: list[Table], gathers: list[Gather]) -> Side:
    tile = torch.zeros(channels * frame.height * frame.width * GROUP)
    return Side(frame, tables, (Gather * len(gathers))(*gathers), tile, torch.empty(sums * PLACES * GROUP))
