"""Networks traced to programs, which compute the same bits."""

import math
from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from sparsecnn.models import ResNet, caffenet, cifar10_full, cifar10_quick, lenet
from sparsecnn.programs import ProgramModule, UntraceableError, check_program, other_sizes, parse_program, trace

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "lenet": (lenet, (1, 28, 28)),
    "cifar10_quick": (cifar10_quick, (3, 32, 32)),
    "cifar10_full": (cifar10_full, (3, 32, 32)),
    "resnet8": (lambda: ResNet(8), (3, 32, 32)),
    "caffenet": (lambda: caffenet(image_size=67, classes=10), (3, 67, 67)),
    "mobilenet_v2": (lambda: torchvision.models.mobilenet_v2(width_mult=0.25), (3, 40, 40)),
    "mobilenet_v3": (lambda: torchvision.models.mobilenet_v3_small(width_mult=0.25), (3, 40, 40)),
    "squeezenet": (torchvision.models.squeezenet1_1, (3, 48, 48)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_program_computes_the_same_bits_and_survives_being_text(name: str) -> None:
    build, shape = NETWORKS[name]
    torch.manual_seed(0)
    model = build().eval()
    program = trace(model, shape)
    assert parse_program(str(program)) == program
    values = {key: value for key, value in model.state_dict().items() if value.is_floating_point()}
    images = torch.randn(3, *shape)
    with torch.no_grad():
        assert torch.equal(ProgramModule(program, values)(images), model(images))


def test_the_program_of_a_network_is_short() -> None:
    assert str(trace(lenet(), (1, 28, 28))) == (
        "conv conv1 b;max_pool k2 s2 c;conv conv2 b;max_pool k2 s2 c;flatten;linear ip1 b;relu;linear ip2 b"
    )


class InPlace(nn.Module):
    """Something that is read again after it was changed in place."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = self.layer(images)
        positive = torch.relu_(features)
        return (positive * 2 + features).flatten(1)


def test_a_change_in_place_is_seen_by_later_readers() -> None:
    model = InPlace().eval()
    images = torch.randn(2, 1, 5, 5)
    program = trace(model, (1, 5, 5))
    with torch.no_grad():
        assert torch.equal(ProgramModule(program, dict(model.state_dict()))(images), model(images))


class Branching(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) if images.sum() > 0 else -images.flatten(1)


class OwnParameter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, images: Tensor) -> Tensor:
        return (images * self.gain).flatten(1)


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(16, 2), nn.Linear(16, 2)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.used(images.flatten(1))
        return scores


class Strange(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return torch.fft.rfft(images).abs().flatten(1)


class Noisy(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return (images + torch.rand(1)).flatten(1)


class Calls(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Tensor:
        return self.function(images)


@pytest.mark.parametrize(
    "model",
    [
        nn.Conv2d(1, 2, 3, padding="same"),
        nn.Conv2d(1, 2, (5, 3), padding="same", dilation=(1, 2)),
        nn.Conv2d(1, 2, 3, padding="valid"),
        Calls(lambda x: x.clamp(min=0)),
        Calls(lambda x: x.clamp(-0.5, 0.5)),
    ],
)
def test_other_ways_to_write_the_same_have_a_program(model: nn.Module) -> None:
    model = nn.Sequential(model, nn.Flatten()).eval()
    images = torch.randn(3, 1, 7, 6)
    program = parse_program(str(trace(model, (1, 7, 6))))
    with torch.no_grad():
        assert torch.equal(ProgramModule(program, dict(model.state_dict()))(images), model(images))


def test_what_cannot_be_traced_is_told_in_one_line_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UntraceableError) as raised:
        trace(Branching(), (1, 4, 4))
    assert "\n" not in str(raised.value)
    captured = capfd.readouterr()
    assert not captured.out + captured.err


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Branching(), r"^torch\.export does not take it \(Could not guard on [^.!]+\)$"),
        (OwnParameter(), "mul uses a value that belongs to no layer"),
        (Unused(), "unused.bias takes no part in an evaluation"),
        (Strange(), "programs have no operation for fft_rfft"),
        (Noisy(), "programs have no operation for rand"),
        (Calls(lambda x: x.mean()), "programs have no mean but that of all pixels"),
        (Calls(lambda x: x.flatten(1) / 0), "programs do not divide by zero"),
        (Calls(lambda x: x.flatten(1).clamp(min=1)), "programs clamp between two numbers"),
        (Calls(lambda x: functional.hardtanh(x, -math.inf, 1).flatten(1)), "programs clamp between two numbers"),
        (Calls(lambda x: (x**x).flatten(1)), "programs have no power but that of a number"),
        (Calls(lambda x: x.view(torch.int32).flatten(1)), "programs have no view but a flat one"),
        (Calls(lambda x: x.view(-1, 8)), r"\w"),
        (nn.Conv2d(1, 2, 2, padding="same"), "programs have no padding that differs between the sides of a map"),
        (nn.Identity(), "it computes nothing"),
    ],
)
def test_what_programs_cannot_say_is_named(model: nn.Module, message: str) -> None:
    with pytest.raises(UntraceableError, match=message):
        trace(model, (1, 4, 4))


def test_the_network_itself_is_left_as_it_was() -> None:
    model = ResNet(8).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trace(model, (3, 16, 16))
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


SHAPES = {"a": (4, 1, 3, 3), "b": (10, 4)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv a;mean;linear b;conv c", "there is no layer c"),
        ("conv a;mean", "the program does not use layer b"),
        ("conv a;dance;linear b", "step 2 is an unknown operation, 'dance'"),
        ("conv a;add;linear b", "step 2, add, takes 2 inputs, not 1"),
        ("conv a;mean @0 @1;linear b", "step 2, mean, takes 1 inputs, not 2"),
        ("conv a;linear b", "step 2, linear, does not fit: "),
        ("conv a s0;mean;linear b", "step 1, conv, does not fit: "),
        ("conv a;max_pool k99;mean;linear b", "step 2, max_pool, does not fit: "),
        ("conv a;pad p1,1,1;mean;linear b", r"step 2, pad, does not fit: |step 3"),
        ("conv a;batch_norm n;mean;linear b", "takes 1 numbers for n|says no number"),
        ("conv a;batch_norm n n0;mean;linear b", "n says no number of channels"),
        ("conv a;batch_norm n n3;mean;linear b", "step 2, batch_norm, does not fit: "),
    ],
)
def test_programs_whose_steps_do_not_fit_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_program(parse_program(text), SHAPES, (1, 8, 8))


def test_checking_tells_the_shape_of_every_result() -> None:
    shapes = check_program(parse_program("conv a p1 b;max_pool k2 s2;mean;linear b b"), SHAPES, (1, 8, 8))
    assert shapes == [(1, 1, 8, 8), (1, 4, 8, 8), (1, 4, 4, 4), (1, 4), (1, 10)]
    assert other_sizes(parse_program("conv a p1 b;batch_norm n n4;mean;linear b b"), SHAPES) == {
        "a.bias": 4,
        "n.weight": 4,
        "n.bias": 4,
        "n.running_mean": 4,
        "n.running_var": 4,
        "b.bias": 10,
    }
