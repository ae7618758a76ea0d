"""What the trainings of a search cost on a machine, and the stages that follow from it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from scaling_plan import Layers, candidates_by_round, layers_of
from scaling_simulation import Stage

from sparsecnn.search import ByBytes, Tightening

# Successive halving as in Jamieson & Talwalkar 2016, once: what is left of the candidates that trained the first share.
FINISHING = 0.25


@dataclass(frozen=True)
class Rule:
    """What a search leaves out. 1 leaves out nothing.

    `screened`: the share of the candidates that is trained, the best after the projection alone. `halved`: the share of
    its training that every candidate gets; the best quarter gets the rest. `start`: the share of the dense memory at
    which the search begins; the network is trained there first, as long as a winner is refined (else as a candidate).
    """

    screened: float = 1.0
    halved: float = 1.0
    start: float = 1.0


@dataclass(frozen=True)
class Scenario:
    """A search on a machine; times are those of one `device` (a core or a GPU) at work on one training.

    Without `base_epochs` trained weights are at hand; without `refine_epochs` winners are not refined.
    `evaluate_seconds`: measuring a candidate on validation and test. `overhead_seconds`: waiting in a queue, starting,
    fetching weights; not shortened by further devices. `doubling`: the efficiency left each time a training gets twice
    the devices. `sigma`: deviation of the logarithm of a duration within a round. `origin`: which are measured.
    """

    name: str
    network: str
    device: str
    tighten: Tightening
    target: float
    base_epochs: float
    candidate_epochs: float
    refine_epochs: float
    epoch_seconds: float
    evaluate_seconds: float
    overhead_seconds: float
    doubling: float
    sigma: float
    origin: str

    def seconds(self, epochs: float, group: int) -> float:
        """How long a training and its measuring take on `group` devices."""
        speedup = group * math.pow(self.doubling, math.log2(group))
        return self.overhead_seconds + (epochs * self.epoch_seconds + self.evaluate_seconds) / speedup


# In bfloat16 on one core. Of cifar10_quick the medians of candidates and refined networks of the fastest seed of
# results/cifar10; of the others results/bench/precision.csv.
_OF_PRECISION = "steps and measuring as in precision.csv; the rest assumed"
_QUICK = Scenario(
    name="cifar10_quick, 2 cores",
    network="cifar10_quick",
    device="core",
    tighten=ByBytes(0.2),
    target=1 / 22,
    base_epochs=30,
    candidate_epochs=0.25,
    refine_epochs=2,
    epoch_seconds=352 * 0.058,
    evaluate_seconds=2.4,
    overhead_seconds=0.5,
    doubling=0.85,
    sigma=0.2,
    origin="steps and measuring of the search in results/cifar10; the rest assumed",
)
_LENET = replace(
    _QUICK,
    name="LeNet, 2 cores",
    network="lenet",
    tighten=ByBytes(0.3),
    base_epochs=20,
    candidate_epochs=0.1,
    refine_epochs=1,
    epoch_seconds=422 * 0.022,
    evaluate_seconds=1.4,
    sigma=0.1,
    origin=_OF_PRECISION,
)
_RESNET20 = replace(
    _QUICK,
    name="ResNet-20, 2 cores",
    network="resnet20",
    target=1 / 20,
    base_epochs=10,
    epoch_seconds=352 * 0.31,
    evaluate_seconds=10,
    doubling=0.9,
    origin=_OF_PRECISION,
)
_RESNET20_GPUS = replace(
    _RESNET20,
    name="ResNet-20, 8 GPUs",
    device="GPU",
    base_epochs=60,
    candidate_epochs=1,
    refine_epochs=5,
    epoch_seconds=352 * 0.01,
    evaluate_seconds=1,
    overhead_seconds=3,
    sigma=0.1,
    origin="assumed",
)
# An epoch of 1.28 million images in 15 minutes: 1,400 images a second, mixed precision; measuring on the 128,000 held
# out and the 50,000 of the test, three times as fast.
_RESNET50 = replace(
    _RESNET20_GPUS,
    name="ResNet-50, ILSVRC",
    network="resnet50",
    base_epochs=0,
    candidate_epochs=0.1,
    refine_epochs=1,
    epoch_seconds=900,
    evaluate_seconds=42,
    overhead_seconds=20,
)
# Without refining, each candidate must be trained as long as an incumbent needs.
_UNREFINED = replace(_RESNET50, name="ResNet-50, ILSVRC, unrefined", candidate_epochs=0.25, refine_epochs=0)
SCENARIOS = {scenario.name: scenario for scenario in (_LENET, _QUICK, _RESNET20, _RESNET20_GPUS, _RESNET50, _UNREFINED)}


@cache
def layers(network: str) -> Layers:
    """The layers of `network`, built once."""
    return layers_of(network)


@cache
def rounds(scenario: Scenario, start: float = 1.0) -> Sequence[int]:
    """How many candidates each round of the search has."""
    return candidates_by_round(layers(scenario.network), scenario.tighten, target=scenario.target, start=start)


def stages(scenario: Scenario, rule: Rule, *, group: int = 1, refine_width: int = 1) -> list[Stage]:
    """The stages of one search, each training on `group` devices; a winner's on `refine_width` times as many."""
    longer = scenario.refine_epochs or scenario.candidate_epochs
    alone = Stage(1, scenario.seconds(longer, group * refine_width), refine_width)
    found = []
    if scenario.base_epochs:
        found.append(Stage(1, scenario.seconds(scenario.base_epochs, group)))
    if rule.start < 1:
        found.append(alone)
    for candidates in rounds(scenario, rule.start):
        found.extend(_candidate_stages(scenario, rule, candidates, group))
        if scenario.refine_epochs:
            found.append(alone)
    return found


def _candidate_stages(scenario: Scenario, rule: Rule, candidates: int, group: int) -> Iterator[Stage]:
    epochs = scenario.candidate_epochs
    if rule.screened < 1:
        yield Stage(candidates, scenario.seconds(0, group))
        candidates = math.ceil(rule.screened * candidates)
    if rule.halved < 1:
        yield Stage(candidates, scenario.seconds(rule.halved * epochs, group))
        candidates = math.ceil(FINISHING * candidates)
        epochs *= 1 - rule.halved
    yield Stage(candidates, scenario.seconds(epochs, group), chooses=True)
