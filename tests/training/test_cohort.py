"""Networks trained together are those trained alone."""

import functools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from cohorts import (
    CLASSES,
    Regularize,
    assert_same,
    assert_trains_the_same,
    budgets,
    members,
    small,
    solver,
    split,
    train_alone_,
    trainer,
)
from torch import Tensor, nn

from sparsecnn import regularizers
from sparsecnn.config import build, compose, conf_dir
from sparsecnn.data import FlipAndCrop, ResidentSplit, standardize
from sparsecnn.errors import DivergedError
from sparsecnn.models import build_model
from sparsecnn.regularizers import Regularizer
from sparsecnn.solvers import CaffeSGD, fixed
from sparsecnn.training import Member, Observer, Placement, Trainer, evaluate, evaluate_cohort, train_cohort_
from sparsecnn.training.dropout import replace_dropout_

# All but the one that scores pixels, which is trained alone.
MODELS = sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml") if path.stem != "pixel_net")
# A stranger's network, for model=custom.
CUSTOM = "torchvision.models.squeezenet1_1"
# The smallest that they take; the others take 8 x 8.
SHAPES = {
    "alexnet": (3, 16, 16),
    "caffenet": (3, 67, 67),
    "lenet": (1, 16, 16),
    "vgg16": (3, 32, 32),
    "custom": (3, 32, 32),
}
MAPS = (1, 8, 8)


def shape_of(name: str) -> tuple[int, int, int]:
    return SHAPES.get(name, (3, 8, 8))


def zoo_model(name: str) -> nn.Module:
    """A network as its file says; CaffeNet's inner products are made narrow, which saves a minute."""
    overrides = [f"model={name}", *([f"model._target_={CUSTOM}"] if name == "custom" else [])]
    factory = build(compose("train", overrides).nodes).parts.model
    model = build_model(factory, image_shape=shape_of(name), classes=CLASSES)
    if name == "caffenet":
        model.fc6, model.fc7, model.fc8 = nn.Linear(256, 64), nn.Linear(64, 64), nn.Linear(64, CLASSES)
    return model


# One of the stranger's network: torch does an operation network by network.
@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("name", MODELS)
def test_every_network_of_the_zoo_trains_in_a_cohort_as_it_does_alone(name: str) -> None:
    # In float64: in float32 rounding may carry a network with normalisation over a kink of a ReLU.
    build = functools.partial(zoo_model, name)
    assert_trains_the_same(lambda: build().double(), trainer(shape_of(name), torch.float64), solver(), rtol=1e-11)


@pytest.mark.parametrize("name", ["cifar10_full", "cifar10_quick", "lenet", "small_cnn"])
def test_in_float32_they_are_the_same_up_to_rounding(name: str) -> None:
    assert_trains_the_same(functools.partial(zoo_model, name), trainer(shape_of(name)), solver(), rtol=1e-5)


def roll(images: Tensor, generator: torch.Generator) -> Tensor:
    """A stranger's augmentation."""
    return images.roll(int(torch.randint(4, (), generator=generator)), dims=3)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": torch.optim.AdamW, "learning_rate": 0.001},
        {"optimizer": functools.partial(CaffeSGD, momentum=0.9)},
        {"label_smoothing": 0.1},
        {"shuffle": False},
        {"augment": None},
        {"augment": roll},
        {"steps": 4},
        {"batch_size": 30},
        {"layer_factors": {"6": {"lr": 3.0, "decay": 10.0, "bias_lr": 0.0}}},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_every_recipe_holds_in_a_cohort(changes: dict[str, Any]) -> None:
    assert_trains_the_same(lambda: small().double(), trainer(MAPS, torch.float64), solver(**changes), rtol=1e-11)


class Drawing:
    """A split that makes random cuts of its own: its batches draw from the generator before the first one."""

    def __init__(self, images: ResidentSplit) -> None:
        self.images, self.labels = images, images.labels

    def __len__(self) -> int:
        return len(self.images)

    def batches(self, order: Tensor, size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        seed = int(torch.randint(100, (), generator=generator))
        for images, labels in self.images.batches(order, size, None):
            yield images + seed, labels


@pytest.mark.parametrize("augment", [None, FlipAndCrop(pad=1)], ids=str)
def test_a_split_that_draws_gives_every_network_of_a_cohort_its_own_cuts(augment: FlipAndCrop | None) -> None:
    plain = trainer(MAPS, torch.float64)
    drawing: Any = Drawing(split(MAPS))
    data = Trainer(drawing, plain.preprocess, plain.placement)
    assert_trains_the_same(lambda: small().double(), data, solver(augment=augment), rtol=1e-11)


def shrunk(model: nn.Module, density: float) -> Regularizer:
    return regularizers.l1_shrinkage(budgets(model, density), strength=density)


def thresholded(model: nn.Module, density: float) -> Regularizer:
    return regularizers.threshold_once(budgets(model, density))


def masked(model: nn.Module, density: float) -> Regularizer:
    return regularizers.threshold_fixed_mask(budgets(model, density), after=density / 2)


def mixed(model: nn.Module, density: float) -> Regularizer:
    return regularizers.none({}) if density > 0.5 else shrunk(model, density)


@pytest.mark.parametrize("regularize", [shrunk, thresholded, masked, mixed])
def test_every_regularizer_acts_in_a_cohort_as_it_does_alone(regularize: Regularize) -> None:
    data = trainer(MAPS, torch.float64)
    assert_trains_the_same(lambda: small().double(), data, solver(), rtol=1e-11, regularize=regularize)


def test_a_cohort_trains_in_mixed_precision() -> None:
    # bfloat16 has 8 bits: what is off by a rounding is off by 1/256.
    made, alone = members(small), members(small)
    data = trainer(MAPS, mixed=torch.bfloat16)
    assert [len(epochs) for epochs in train_cohort_(data, solver(steps=2, learning_rate=0.001), made)] == [1, 1, 1]
    for one, other in zip(made, alone, strict=True):
        train_alone_(data, solver(steps=2, learning_rate=0.001), other)
        for found, wanted in zip(one.model.parameters(), other.model.parameters(), strict=True):
            assert found.dtype == torch.float32
            assert torch.allclose(found, wanted, rtol=0.0, atol=0.01 * float(wanted.detach().abs().max()))


@pytest.mark.parametrize("shape", [(5, 7), (64, 300), (6, 3, 5, 5), (6, 1, 4, 4), (6, 8, 1, 1)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_dropout_draws_for_each_network_what_it_would_draw_alone(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    values = [torch.randn(shape, generator=torch.Generator().manual_seed(number)).to(dtype) for number in range(3)]
    if len(shape) == 4:
        values = [value.contiguous(memory_format=torch.channels_last) for value in values]
    dropouts = nn.Sequential(nn.Dropout(0.3), nn.Dropout(0.5))
    expected = []
    for number, value in enumerate(values):
        torch.manual_seed(number)
        expected.append(dropouts(value))
    replace_dropout_(dropouts, [torch.Generator().manual_seed(number) for number in range(3)])
    assert torch.equal(torch.vmap(dropouts)(torch.stack(values)), torch.stack(expected))


@pytest.mark.parametrize("name", ["cifar10_quick", "resnet20", "small_cnn"])
def test_a_member_that_diverges_ends_alone(name: str) -> None:
    build, data = functools.partial(zoo_model, name), trainer(shape_of(name), torch.float64)
    steps: list[list[int]] = [[], [], []]

    def cohort() -> list[Member]:
        made = members(lambda: build().double())
        with torch.no_grad():
            next(made[1].model.parameters()).fill_(float("inf"))
        return [
            Member(m.model, m.regularizer, m.seed, Observer(on_step=lambda done, _, own=own: own.append(done)))
            for m, own in zip(made, steps, strict=True)
        ]

    alone, together = cohort(), cohort()
    for number in (0, 2):
        train_alone_(data, solver(), alone[number])
    with pytest.raises(DivergedError) as wanted:
        train_alone_(data, solver(), alone[1])
    for done in steps:
        done.clear()
    first, second, third = train_cohort_(data, solver(), together)
    assert str(second) == str(wanted.value)
    assert [epoch.step for epoch in (*first, *third)] == [3, 5, 3, 5]
    assert [len(done) for done in steps] == [5, 3, 5]
    for number in (0, 2):
        assert_same(together[number].model, alone[number].model, 1e-11)


def test_a_cohort_that_has_diverged_as_a_whole_stops() -> None:
    steps: list[int] = []
    observer = Observer(on_step=lambda done, total: steps.append(done))
    made = [Member(m.model, m.regularizer, m.seed, observer) for m in members(small)]
    found = train_cohort_(trainer(MAPS), solver(learning_rate=1e30, epochs=100, schedule=fixed), made)
    assert all(isinstance(error, DivergedError) for error in found)
    assert len(steps) < 30 * 3


def test_networks_are_measured_together_as_they_are_alone() -> None:
    data = split(MAPS, 1203)
    measure: Any = {"preprocess": standardize(data), "placement": Placement(torch.device("cpu"))}
    models = [member.model for member in members(small)]
    models[1].eval()
    for model in models:
        model.get_submodule("1").running_mean.fill_(0.3)  # type: ignore[union-attr, operator]
    for found, model in zip(evaluate_cohort(models, data, **measure), models, strict=True):
        expected = evaluate(model, data, **measure)
        assert found.accuracy == expected.accuracy
        assert found.loss == pytest.approx(expected.loss, rel=1e-6)
    assert [model.training for model in models] == [True, False, True]


@pytest.mark.parametrize("is_cohort", [False, True])
@pytest.mark.parametrize("loss_every", [None, 2])
def test_no_step_waits_for_the_device_but_those_that_read_the_loss(
    is_cohort: bool, loss_every: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A tensor on "meta" has no numbers to wait for; a step that asks for one fails there.
    original = torch.Generator
    monkeypatch.setattr(torch, "Generator", lambda device="cpu": original())
    data, steps = split(shape_of("small_cnn"), 100).to(torch.device("meta")), list[int]()

    def preprocess(images: Tensor) -> Tensor:
        return images.to(torch.float32, memory_format=torch.channels_last)

    observer = Observer(on_step=lambda done, total: steps.append(done))
    made = [Member(m.model, m.regularizer, 0, observer) for m in members(lambda: zoo_model("small_cnn"))]
    on_meta = Trainer(data, preprocess, Placement(torch.device("meta")), loss_every)
    with pytest.raises((RuntimeError, NotImplementedError), match="meta tensor"):
        if is_cohort:
            train_cohort_(on_meta, solver(epochs=3), made)
        else:
            train_alone_(on_meta, solver(epochs=3), made[0])
    assert max(steps) == 13  # the first epoch, behind which the loss is read
