"""What a network does for images of one shape: stretches in C, steps in torch between them."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from sparsecnn.programs import compute
from sparsecnn.runtime.assignment import Run, cheapest_runs, costs_of, outputs_of
from sparsecnn.runtime.lowering import Network, lowered
from sparsecnn.runtime.stretch import StretchRunner
from sparsecnn.runtime.units import Unit, sources_of, units_of

Results = dict[int, Tensor]


@dataclass(frozen=True)
class LayerPlan:
    """How one layer is computed in batches of `images`; both times are estimates in seconds for such a batch.

    `is_sparse` layers are computed in C from their nonzeros, all others in torch from a dense weight. `density` is the
    share of nonzeros. A layer may be dense although it is estimated slower, because maps need not be handed over.
    """

    layer: str
    shape: tuple[int, ...]
    density: float
    images: int
    is_sparse: bool
    sparse_seconds: float
    dense_seconds: float


@dataclass(frozen=True, eq=False)
class Part:
    """A run of units: what computes it, and which results nothing reads behind it."""

    run: Callable[[Results], None]
    ended: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """Parts in their order, and the table that says what was chosen for each layer."""

    parts: tuple[Part, ...]
    layers: tuple[LayerPlan, ...]
    last: int

    def run(self, images: Tensor) -> Tensor:
        """The result for a batch that is not empty."""
        results = {0: images}
        for part in self.parts:
            part.run(results)
            for number in part.ended:
                del results[number]
        return results[self.last]


def plan_network(
    network: Network,
    images: int,
    *,
    kernels: ctypes.CDLL | None,
    dense: Callable[[str], Tensor],
    runners: dict[tuple[Unit, ...], StretchRunner],
) -> Plan:
    """The plan for batches of about `images`; `dense` gives the dense weight of a layer.

    `runners` are the stretches that other plans for the same shapes have made; new ones are added.
    """
    units = units_of(network.program)
    costs = costs_of(network, units, images, has_kernels=kernels is not None)
    runs = cheapest_runs(network, units, costs, images)
    parts = []
    computes: Callable[[Results], None]
    for number, run in enumerate(runs):
        if run.is_sparse:
            assert kernels is not None
            if run.units not in runners:
                runners[run.units] = _stretch_runner(network, units, run, kernels)
            computes = runners[run.units].run
        else:
            computes = _in_torch(network, run, outputs_of(network, units, run), dense)
        parts.append(Part(computes, _ended(network, runs, number)))
    chosen = {unit: run.is_sparse for run in runs for unit in run.units}
    layers = [
        _layer_plan(network, unit, images, chosen[unit], (cost.sparse, cost.dense))
        for unit, cost in zip(units, costs, strict=True)
        if network.program.steps[unit.number - 1].operation in ("conv", "linear")
    ]
    return Plan(tuple(parts), tuple(layers), len(network.program.steps))


def _layer_plan(network: Network, unit: Unit, images: int, is_sparse: bool, seconds: tuple[float, float]) -> LayerPlan:
    name = str(network.program.steps[unit.number - 1].layer)
    weight = network.weights[name]
    density = len(weight.values) / max(prod(weight.shape), 1)
    return LayerPlan(name, weight.shape, density, images, is_sparse, *seconds)


def _ended(network: Network, runs: Sequence[Run], number: int) -> tuple[int, ...]:
    """The results that run `number` has read or made and no later run reads."""
    later = {source for run in runs[number + 1 :] for unit in run.units for source in sources_of(network.program, unit)}
    read = {source for unit in runs[number].units for source in sources_of(network.program, unit)}
    made = {unit.number for unit in runs[number].units}
    # Of its own results a stretch hands over only those that are read later, torch frees what it needs no more.
    return tuple(sorted(read - made - later))


def _stretch_runner(network: Network, units: Sequence[Unit], run: Run, kernels: ctypes.CDLL) -> StretchRunner:
    outputs = outputs_of(network, units, run)
    stretch = lowered(network, run.units, outputs)
    return StretchRunner(kernels, stretch, [tuple(network.shapes[output][1:]) for output in outputs])


def _in_torch(
    network: Network, run: Run, kept: Sequence[int], dense: Callable[[str], Tensor]
) -> Callable[[Results], None]:
    steps = [(number, network.program.steps[number - 1]) for unit in run.units for number in unit.numbers]
    layers = {str(step.layer) for _, step in steps if step.operation in ("conv", "linear")}
    values = {**network.others, **{f"{layer}.weight": dense(layer) for layer in layers}}
    inner = {number for number, _ in steps} - set(kept)
    last_use = {source: number for number, step in steps for source in step.inputs if source in inner}

    @torch.no_grad()
    def compute_steps(results: Results) -> None:
        for number, step in steps:
            results[number] = compute(step, [results[source] for source in step.inputs], values)
            for source in set(step.inputs):
                if last_use.get(source) == number:
                    del results[source]

    return compute_steps
