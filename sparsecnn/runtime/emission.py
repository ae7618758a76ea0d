"""The steps of a routine as they are planned: the fields of each kind of step."""

from math import prod

import numpy as np
from numpy.typing import NDArray

from sparsecnn.runtime.layout import LINE, round_up
from sparsecnn.runtime.operation import Convolution, Linear, Operation, Pointwise, Pooling
from sparsecnn.runtime.places import Place, Scratch
from sparsecnn.runtime.structures import GROUP, SEGMENT, KernelStep, Kind, View
from sparsecnn.runtime.tables import Nonzeros, convolution_nonzeros, linear_nonzeros, pool_scales

Field = int | View


class Emission:
    """Steps in their order; `kept` are the arrays that they point to."""

    def __init__(self, tables: dict[Operation, Nonzeros]) -> None:
        self.tables = tables
        self.steps: list[KernelStep] = []
        self.kept: list[object] = []

    def load_tensor(self, operation: Operation, number: int, place: Place) -> None:
        """A tensor from outside into a place."""
        self._load(operation, View(), place, number)

    def load(self, operation: Operation, source: Place, place: Place) -> None:
        """A map of plain rows into another layout."""
        self._load(operation, source.pixels, place, -1)

    def copy(self, operation: Operation, source: Place, place: Place) -> None:
        """A map into another layout that can be written directly."""
        self._add(Kind.POINTWISE, operation, source=source.pixels, out=place.pixels, **place.halo)

    def convolution(
        self, operation: Operation, work: Convolution, source: Place, residual: Place | None, home: Place
    ) -> None:
        """A convolution of a map that lies as it wants it."""
        if operation not in self.tables:
            self.tables[operation] = convolution_nonzeros(work, source.layout)
        nonzeros = self.tables[operation]
        fields: dict[str, Field] = dict(self._weights(nonzeros, work.bias))
        fields |= _added(operation, residual)
        fields |= {"parts": nonzeros.parts, "source": source.maps, "out": home.pixels, **home.halo}
        self._add(Kind.CONV, operation, **fields)

    def pooling(self, operation: Operation, work: Pooling, source: Place, home: Place) -> None:
        """A pool of a map with the border that it wants."""
        window = work.window
        rows, columns = (self._address(scale) for scale in pool_scales(operation, work))
        fields: dict[str, Field] = {"kernel_height": window.kernel[0], "kernel_width": window.kernel[1]}
        fields |= {"stride_height": window.stride[0], "stride_width": window.stride[1], "is_max": int(work.is_max)}
        fields |= {"row_scale": rows, "column_scale": columns, "source": source.maps, "out": home.pixels, **home.halo}
        self._add(Kind.POOL, operation, **fields)

    def pointwise(self, operation: Operation, source: Place, other: Place | None, home: Place) -> None:
        """The sum of two maps, or one alone."""
        fields: dict[str, Field] = {"source": source.pixels, "out": home.pixels, **home.halo}
        fields |= _added(operation, other)
        self._add(Kind.POINTWISE, operation, **fields)

    def mean(self, operation: Operation, source: Place, home: Place) -> None:
        """The means of the channels of a plain map, as features."""
        self._add(Kind.MEAN, operation.read, source=source.pixels, out=home.maps)

    def linear(self, operation: Operation, work: Linear, source: Place, home: Place) -> None:
        """A linear layer for one image."""
        weights = self._linear_weights(operation, work)
        self._add(Kind.LINEAR, operation, channels=operation.shape[2], source=source.maps, out=home.maps, **weights)

    def store(self, operation: Operation, place: Place, number: int) -> None:
        """A result into a tensor."""
        self._add(Kind.STORE, operation, tensor=number, source=place.pixels)

    def rows(self, scratch: Scratch, source: Place, features: int) -> View:
        """Features of one image into its row of the group."""
        pitch = round_up(features, LINE) + LINE
        rows = View(scratch.allocated(pitch * GROUP), 0, 0, 0, pitch)
        step = self._step(Kind.LOAD, channels=1, height=1, width=features, tensor=-1, source=source.maps, out=rows)
        step.rows = step.segments = step.row_stride = step.column_stride = 1
        step.columns = features
        return rows

    def interleave(self, scratch: Scratch, rows: View, features: int) -> View:
        """Rows of features into lanes, one an image."""
        lanes = View(scratch.allocated(features * GROUP))
        self._step(Kind.INTERLEAVE, channels=features, source=rows, out=lanes)
        return lanes

    def linear_group(self, scratch: Scratch, operation: Operation, work: Linear, lanes: View) -> View:
        """A linear layer for a group."""
        out = View(scratch.allocated(operation.shape[2] * GROUP))
        weights = self._linear_weights(operation, work)
        self._add(Kind.LINEAR_GROUP, operation, channels=operation.shape[2], source=lanes, out=out, **weights)
        return out

    def store_group(self, operation: Operation, lanes: View, number: int) -> None:
        """Lanes into a tensor."""
        self._step(Kind.STORE_GROUP, channels=prod(operation.shape), tensor=number, source=lanes)

    def _load(self, operation: Operation, source: View, place: Place, number: int) -> None:
        layout = place.layout
        rows, columns = layout.strides
        held = layout.left + layout.width
        if layout.halo is not None:
            held = layout.line if layout.strides == (1, 1) else SEGMENT + layout.halo
        fields: dict[str, Field] = {"top": layout.top, "left": layout.left, "rows": layout.rows}
        fields |= {"segments": layout.segments, "row_stride": rows, "column_stride": columns, "columns": held}
        self._add(Kind.LOAD, operation, tensor=number, source=source, out=place.maps, **fields)

    def _linear_weights(self, operation: Operation, work: Linear) -> dict[str, int]:
        if operation not in self.tables:
            self.tables[operation] = linear_nonzeros(work.weight)
        return self._weights(self.tables[operation], work.bias)

    def _weights(self, nonzeros: Nonzeros, bias: NDArray[np.float32]) -> dict[str, int]:
        addresses = (self._address(array) for array in (nonzeros.table, nonzeros.starts, bias))
        return dict(zip(("nonzeros", "starts", "bias"), addresses, strict=True))

    def _address(self, array: "NDArray[np.float32] | NDArray[np.int32] | NDArray[np.void]") -> int:
        self.kept.append(array)
        return array.ctypes.data

    def _add(self, kind: Kind, operation: Operation, **fields: Field) -> None:
        channels, height, width = operation.shape
        shape = {"channels": channels, "height": height, "width": width, "relu": int(operation.is_positive)}
        self._step(kind, **{**shape, **fields})

    def _step(self, kind: Kind, **fields: Field) -> KernelStep:
        step = KernelStep(kind=kind, **fields)
        self.steps.append(step)
        return step


def _added(operation: Operation, place: Place | None) -> dict[str, Field]:
    """The fields that say what is added to which channels."""
    if place is None or operation.residual is None:
        return {}
    first = operation.residual.first
    count = operation.shape[0] - first
    if not (isinstance(operation.work, Pointwise) and operation.work.is_flat):
        count = min(operation.residual.operation.shape[0], count)
    return {"other": place.pixels, "other_first": first, "other_channels": count}
