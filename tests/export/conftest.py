"""Packed networks of a program's text, with random values, and what they compute in torch."""

from collections.abc import Callable, Mapping
from math import prod

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparsecnn.packing import Packer, unpack
from sparsecnn.programs import ProgramModule, other_sizes, parse_program, weight_names
from sparsecnn.storage import PackedNetwork, value_type

Shape = tuple[int, ...]


LENET = "conv a b;max_pool k2 s2 c;conv b b;max_pool k2 s2 c;flatten;linear c b;relu;linear d b"
LENET_WEIGHTS = {"a": (4, 1, 5, 5), "b": (6, 4, 3, 3), "c": (8, 24), "d": (3, 8)}
RESIDUAL = "conv a b p1;relu;conv b p1;batch_norm n n4;relu;conv c p1 b;add @6 @2;relu;mean;linear d b"
RESIDUAL_WEIGHTS = {"a": (4, 2, 3, 3), "b": (4, 4, 3, 3), "c": (4, 4, 3, 3), "d": (3, 4)}
SQUEEZE = "conv a;hardswish;adaptive_avg_pool o1;conv s b;hardsigmoid;multiply @5 @2;conv e g6 p1;clamp l0 h6;mean"
SQUEEZE_WEIGHTS = {"a": (6, 3, 1, 1), "s": (6, 6, 1, 1), "e": (6, 1, 3, 3)}

# A program, the shape of an image, and the shapes of weights.
CASES: dict[str, tuple[str, Shape, dict[str, Shape]]] = {
    "lenet": (LENET, (1, 16, 16), LENET_WEIGHTS),
    "residual": (RESIDUAL, (2, 6, 5), RESIDUAL_WEIGHTS),
    "squeeze and excitation": (SQUEEZE, (3, 5, 7), SQUEEZE_WEIGHTS),
    "one pixel": ("conv a b;flatten;linear b", (3, 1, 1), {"a": (4, 3, 1, 1), "b": (2, 4)}),
    "one channel": ("conv a p1,0 b;mean", (1, 4, 9), {"a": (1, 1, 3, 2)}),
    "strides and dilation": ("conv a s2,3 p3,1 d2,1;mean", (2, 11, 8), {"a": (3, 2, 3, 2)}),
    "a kernel as large as its padding": ("conv a p4 s3;mean", (2, 3, 2), {"a": (3, 2, 5, 5)}),
    "groups": ("conv a g2 p1 b;conv b g3;mean", (4, 5, 6), {"a": (6, 2, 3, 3), "b": (3, 2, 1, 1)}),
    "depthwise with several outputs": ("conv a g2 p1;mean", (2, 5, 6), {"a": (6, 1, 3, 3)}),
    "depthwise inside": (
        "conv a b;relu;conv b g3 s2 p1 b;conv c;mean",
        (2, 7, 5),
        {"a": (3, 2, 1, 1), "b": (3, 1, 3, 3), "c": (2, 3, 1, 1)},
    ),
    "normalised first": ("batch_norm n n3;conv a;batch_norm m n2 x e0.1;mean", (3, 4, 4), {"a": (2, 3, 2, 2)}),
    "max pooling": ("max_pool k3,2 s2 p1 d2,1 c;flatten", (2, 9, 8), {}),
    "average with padding": ("avg_pool k3 s2 p1 c;flatten", (2, 6, 8), {}),
    "average without padding": ("avg_pool k3,2 s2 p1,0 c x;flatten", (2, 6, 7), {}),
    "average of little": ("avg_pool k2 s3 p1 x;flatten", (2, 5, 5), {}),
    "average behind a border": ("pad p1,1,1,1;avg_pool k1 s2 c x;flatten", (2, 4, 4), {}),
    "two poolings": ("relu;max_pool k2 s2;avg_pool k2;flatten", (2, 7, 6), {}),
    "adaptive pooling": ("adaptive_avg_pool o3,4;flatten", (2, 7, 5), {}),
    "larger by adaptive pooling": ("adaptive_avg_pool o3;flatten", (2, 2, 2), {}),
    "activations": ("tanh;sigmoid;silu;gelu;leaky_relu a0.1;hardswish;hardsigmoid;flatten", (2, 3, 3), {}),
    "rounded": ("scale v3.7;round;shift v0.5;flatten", (2, 3, 3), {}),
    "numbers": ("scale v3;shift v-0.5;power v2;shift v1.5;power v-0.75;flatten", (2, 3, 3), {}),
    "maps": ("relu;shift v2;subtract @1 @2;divide @3 @2;multiply @4 @0;add @5 @5;flatten", (2, 3, 3), {}),
    "pixels weighed": ("conv a;sigmoid;multiply @2 @0;mean", (3, 4, 5), {"a": (1, 3, 1, 1)}),
    "what it was added": ("max_pool k3 s1 p1;add @1 @0;relu;max_pool k3 s1 p1;add @4 @3;mean", (2, 4, 5), {}),
    "cut and padded": ("slice d2 s2;slice d3 f1 t4;slice d1 f-2;pad p1,2,0,1,2,1;flatten", (3, 5, 6), {}),
    "cropped": ("pad p-1,1,0,-2;flatten", (2, 4, 4), {}),
    "flat and padded": ("flatten;pad p1,2;slice d1 s3", (2, 3, 1), {}),
    "joined": ("relu;conv a p1 @0;cat @1 @2 @0;max_pool k2;flatten", (2, 4, 4), {"a": (3, 2, 3, 3)}),
    "neighbours": ("local_response_norm n5 a0.2 b0.75 k2;mean", (6, 3, 2), {}),
    "flat alone": ("flatten", (2, 2, 3), {}),
    "shared weights": ("conv a p1;relu;conv a p1;mean", (2, 4, 4), {"a": (2, 2, 3, 3)}),
}


def packed_network(
    text: str,
    image_shape: Shape,
    weights: Mapping[str, Shape] | None = None,
    value: str = "float32",
    density: float = 0.3,
) -> PackedNetwork:
    program, shapes = parse_program(text), dict(weights or {})
    generator = torch.Generator().manual_seed(0)
    values: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        weight = torch.randn(shape, generator=generator) / max(prod(shape[1:]) * density, 1) ** 0.5
        kept = torch.rand(shape, generator=generator) < density
        values[f"{name}.weight"] = weight * kept
    for name, size in other_sizes(program, shapes).items():
        numbers = torch.randn(size, generator=generator)
        values[name] = 0.5 + numbers.abs() if name.endswith(("_var", ".weight")) else numbers
    packer = Packer(tuple(weight_names(program)), program, {"input": "x".join(map(str, image_shape))})
    return packer.pack(values, value_type(value))


def torch_scores(network: PackedNetwork, images: NDArray[np.float32]) -> NDArray[np.float32]:
    unpacked = unpack(network)
    assert unpacked.program is not None
    with torch.no_grad():
        scores = ProgramModule(unpacked.program, unpacked.values)(torch.from_numpy(images))
    return np.asarray(scores.flatten(1).numpy(), np.float32)


def random_images(network: PackedNetwork, count: int = 2) -> NDArray[np.float32]:
    shape = tuple(int(side) for side in network.notes["input"].split("x"))
    return np.random.default_rng(0).standard_normal((count, *shape)).astype(np.float32)


@pytest.fixture
def packed() -> Callable[..., PackedNetwork]:
    return packed_network


@pytest.fixture
def named() -> Callable[..., PackedNetwork]:
    """One of CASES by its name, and a type of values and a density if they matter."""
    return lambda name, value="float32", density=0.3: packed_network(*CASES[name], value, density)


@pytest.fixture(params=CASES)
def network(request: pytest.FixtureRequest) -> PackedNetwork:
    """Each of CASES."""
    return packed_network(*CASES[request.param])


@pytest.fixture
def images_of() -> Callable[[PackedNetwork], NDArray[np.float32]]:
    return random_images


@pytest.fixture
def scores_of() -> Callable[[PackedNetwork, NDArray[np.float32]], NDArray[np.float32]]:
    return torch_scores
