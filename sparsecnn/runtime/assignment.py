"""Which units C computes and which torch: the cheapest way through the program by the cost model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf, prod

from sparsecnn.runtime.cost import Cost, dense_seconds, load_seconds, sparse_seconds, store_seconds
from sparsecnn.runtime.lowering import Network, native
from sparsecnn.runtime.operation import Pointwise
from sparsecnn.runtime.units import Unit, readers_of, sources_of


@dataclass(frozen=True)
class Run:
    """Consecutive units that C (`is_sparse`) or torch computes."""

    units: tuple[Unit, ...]
    is_sparse: bool


def costs_of(network: Network, units: Sequence[Unit], images: int, *, has_kernels: bool = True) -> list[Cost]:
    """What each unit takes for a batch of `images`."""
    readers = readers_of(network.program)
    return [
        Cost(*(_sparse(network, unit, images, readers) if has_kernels else (inf, inf)), _dense(network, unit, images))
        for unit in units
    ]


def cheapest_runs(network: Network, units: Sequence[Unit], costs: Sequence[Cost], images: int) -> list[Run]:
    """The runs that take least, what is handed over between C and torch included; of equal ones C."""
    # By whether the last unit was C's: seconds so far, and the choices that led there.
    states: dict[bool, _State] = {False: _State(0.0, ())}
    for unit, cost in zip(units, costs, strict=True):
        read = sum(_pixels(network, number) for number in sources_of(network.program, unit))
        states = {
            is_sparse: min(
                state.extended(was_sparse, is_sparse, cost, images, read=read) for was_sparse, state in states.items()
            )
            for is_sparse in (True, False)
        }
    scores = store_seconds(_pixels(network, len(network.program.steps)), images)
    best = min(_State(state.seconds + scores * is_sparse, state.choices) for is_sparse, state in states.items())
    grouped = groupby(zip(units, best.choices, strict=True), key=lambda pair: pair[1])
    return [Run(tuple(unit for unit, _ in group), not is_dense) for is_dense, group in grouped]


@dataclass(frozen=True, order=True)
class _State:
    """Seconds so far, and for each unit whether it was torch's: of equal states the least is more C's."""

    seconds: float
    choices: tuple[bool, ...]

    def extended(self, was_sparse: bool, is_sparse: bool, cost: Cost, images: int, *, read: int) -> "_State":
        seconds = cost.dense if not is_sparse else cost.sparse if was_sparse else cost.alone
        if is_sparse and not was_sparse:
            seconds += load_seconds(read, images)
        elif was_sparse and not is_sparse:
            seconds += store_seconds(read, images)
        return _State(self.seconds + seconds, (*self.choices, not is_sparse))


def _pixels(network: Network, number: int) -> int:
    return prod(network.shapes[number][1:])


def _sparse(network: Network, unit: Unit, images: int, readers: Mapping[int, int]) -> tuple[float, float]:
    """Seconds in the middle of a stretch and at its begin."""
    operation = native(network, unit)
    if operation is None:
        return inf, inf
    step = network.program.steps[unit.number - 1]
    if step.operation == "flatten":
        return 0.0, 0.0
    seconds = sparse_seconds(operation, images)
    # Additions and ReLUs end up in the operation before them, if that is in C too.
    is_fused = isinstance(operation.work, Pointwise) and any(readers[source] == 1 for source in step.inputs)
    return (0.0 if is_fused else seconds), seconds


def _dense(network: Network, unit: Unit, images: int) -> float:
    seconds = 0.0
    for number in unit.numbers:
        step = network.program.steps[number - 1]
        weight = network.weights[str(step.layer)].shape if str(step.layer) in network.weights else ()
        shapes = (network.shapes[step.inputs[0]], network.shapes[number])
        seconds += dense_seconds(step, shapes, weight, images)
    return seconds


def outputs_of(network: Network, units: Sequence[Unit], run: Run) -> list[int]:
    """The results of a run that units outside of it read, and the program's if it is among them."""
    inner = {unit.number for unit in run.units}
    outside = {source for unit in units if unit.number not in inner for source in sources_of(network.program, unit)} | {
        len(network.program.steps)
    }
    return sorted(inner & outside)
