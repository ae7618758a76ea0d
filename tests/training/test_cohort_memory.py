"""Which networks can be stacked, and how many of them are trained together."""

import functools
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from cohorts import CLASSES, small, solver, split, trainer
from torch import Tensor, nn

from sparsecnn.errors import ConfigError
from sparsecnn.layers import BitwiseConv2d, DeformableConv2d, KernelSupports, PredefinedConv2d
from sparsecnn.training import Placement, Trainer, cohort_memory, cohort_size, why_unstackable
from sparsecnn.training.cohort_memory import DeviceMemory, measured_memory, try_step

MAPS = (1, 8, 8)
MIB = 2**20


class Scores(nn.Module):
    """An inner product, and whatever `change` makes of its scores [N, classes]."""

    def __init__(self, change: Callable[["Scores", Tensor], Tensor]) -> None:
        super().__init__()
        self.inner = nn.Linear(64, CLASSES)
        self.change = change
        self.register_buffer("mean", torch.zeros(CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        return self.change(self, self.inner(images.flatten(1)))


def branch(model: Scores, scores: Tensor) -> Tensor:
    return scores if scores.sum() > 0 else -scores


def draw(model: Scores, scores: Tensor) -> Tensor:
    return scores + torch.rand(CLASSES)


def replace(model: Scores, scores: Tensor) -> Tensor:
    model.mean = 0.9 * model.mean + scores.detach().mean(dim=0)
    return scores


def update(model: Scores, scores: Tensor) -> Tensor:
    model.mean.mul_(0.9).add_(scores.detach().mean(dim=0))
    return scores - model.mean


def lose(model: Scores, scores: Tensor) -> Tensor:
    return scores * torch.nan


def fail(model: Scores, scores: Tensor) -> Tensor:
    raise KeyError


def test_networks_of_many_kinds_can_be_stacked() -> None:
    for build in (small, functools.partial(Scores, update)):
        assert why_unstackable(build(), solver(), MAPS) is None
        assert why_unstackable(build(), solver(optimizer=torch.optim.AdamW), MAPS) is None


def test_networks_with_a_support_that_was_chosen_before_can_be_stacked() -> None:
    layer = PredefinedConv2d(1, 2, 3, mask=KernelSupports.named("psd4_p8").mask(2, 1), padding=1)
    assert why_unstackable(nn.Sequential(layer, nn.Flatten(), nn.Linear(128, 3)), solver(), MAPS) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (branch, "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow"),
        (draw, "vmap: called random operation while in randomness error mode"),
        (replace, "mean is not the same in a stack as alone"),
        (lose, "what it computes has no numbers for images of noise"),
        (fail, "KeyError"),
    ],
)
def test_a_network_that_cannot_be_stacked_is_found_out(change: Any, reason: str) -> None:
    assert why_unstackable(Scores(change), solver(), MAPS) == reason


def test_an_operation_that_vmap_takes_one_by_one_is_found_out() -> None:
    model = nn.Sequential(DeformableConv2d(1, 2, padding=1, through="torchvision"), nn.Flatten(), nn.Linear(128, 3))
    assert why_unstackable(model, solver(), MAPS) == "vmap has no batching rule for torchvision::deform_conv2d"


def test_an_evaluation_that_leaves_vmap_is_found_out() -> None:
    layer = BitwiseConv2d(1, 2, 3, padding=1, through="bits")
    reason = why_unstackable(nn.Sequential(layer, nn.Flatten(), nn.Linear(128, 3)), solver(), MAPS)
    assert reason == "through=bits computes one network after the other"


def test_an_optimizer_that_looks_at_more_than_one_weight_is_found_out() -> None:
    found = why_unstackable(Scores(update), solver(optimizer=torch.optim.Adafactor), MAPS)
    assert found == "the update of inner.weight is not the same in a stack as alone"


def test_the_trial_leaves_no_trace() -> None:
    model, state = small().eval(), torch.get_rng_state()
    before = [value.clone() for value in model.state_dict().values()]
    assert why_unstackable(model, solver(), MAPS) is None
    try_step(trainer(MAPS), model, solver(), 2)
    assert not model.training
    for value, old in zip(model.state_dict().values(), before, strict=True):
        assert torch.equal(value, old)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("memory", "networks"),
    [
        (DeviceMemory(1000 * MIB, 100 * MIB, 150 * MIB), 15),
        (DeviceMemory(1000 * MIB, 100 * MIB, 800 * MIB), 2),
        (DeviceMemory(1000 * MIB, 100 * MIB, 1000 * MIB), 1),
        (DeviceMemory(1000 * MIB, 1000 * MIB, 1000 * MIB), 1),
    ],
)
def test_as_many_networks_fit_as_four_fifths_of_the_memory_hold(memory: DeviceMemory, networks: int) -> None:
    assert memory.networks() == networks


@pytest.mark.parametrize(("peaks", "memory"), [([5, 8], (4, 7)), ([5, None], (4, 10)), ([None, None], (10, 10))])
def test_memory_is_that_of_a_step_of_one_network_and_of_two(
    peaks: list[int | None], memory: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # There is no CUDA device here, so its counters are made up: 1 MiB is held already, 10 are free.
    tried, left = list[int](), list(peaks)

    def step(trainer: Trainer, model: nn.Module, solver: Any, count: int) -> None:
        tried.append(count)
        if left[0] is None:
            left.pop(0)
            raise torch.cuda.OutOfMemoryError

    def peak(device: torch.device) -> int:
        return MIB * (left.pop(0) or 0)

    fakes = {
        "empty_cache": lambda: None,
        "reset_peak_memory_stats": lambda device: None,
        "mem_get_info": lambda device: (10 * MIB, 16 * MIB),
        "memory_allocated": lambda device: MIB,
        "max_memory_allocated": peak,
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    monkeypatch.setattr(cohort_memory, "try_step", step)
    assert measured_memory(trainer(MAPS), small(), solver()) == DeviceMemory(10 * MIB, *(MIB * part for part in memory))
    assert tried == [1, 2]


@pytest.mark.parametrize(
    ("device", "build", "wanted", "choice", "size"),
    [
        ("cuda", small, 40, "auto", 15),
        ("cuda", small, 9, "auto", 9),
        ("cuda", small, 1, "auto", 1),
        ("cuda", functools.partial(Scores, draw), 40, "auto", 1),
        ("cpu", small, 40, "auto", 1),
        ("cpu", small, 40, 4, 4),
        ("cpu", small, 3, 4, 3),
        ("cpu", functools.partial(Scores, draw), 3, 1, 1),
    ],
)
def test_the_size_of_a_cohort(
    device: str, build: Callable[[], nn.Module], wanted: int, choice: int | Literal["auto"], size: int
) -> None:
    def measure(trainer: Trainer, model: nn.Module, solver: Any) -> DeviceMemory:
        return DeviceMemory(1000 * MIB, 100 * MIB, 150 * MIB)

    on_device = Trainer(split(MAPS), lambda images: images, Placement(torch.device(device)))
    assert cohort_size(on_device, build(), solver(), wanted=wanted, choice=choice, measure=measure) == size


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (0, "a cohort must have at least 1 network, got 0"),
        (2, "networks cannot be trained 2 at a time: vmap: called random operation while in randomness error mode"),
    ],
)
def test_a_size_that_cannot_be_is_refused(choice: int, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        cohort_size(trainer(MAPS), Scores(draw), solver(), wanted=3, choice=choice)
    assert str(error.value) == message
