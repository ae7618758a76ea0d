"""Densities at which networks take a given memory, against the paper's number and against masks that are there."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sparsecnn.models import caffenet, lenet, other_values, prunable_weights, weight_counts
from sparsecnn.operators import project_l0
from sparsecnn.storage import FORMATS, Fit, Geometry, Mask, Shapes, Storage, fits
from sparsecnn.storage.densities import layer_bytes, network_bytes

MIB = 2**20
# Of CaffeNet in the 58 MB of the paper's table, by arithmetic on 60,954,656 weights: millions of nonzeros, and percent.
# With the pointers of rows, which that arithmetic leaves out, csr holds ten thousand nonzeros less.
ALONE = {"bitmask": (13.29, 21.8), "relative_8": (12.16, 19.9), "csr": (10.12, 16.6)}


def shapes_of(model: torch.nn.Module) -> Shapes:
    geometries = {name: Geometry.of(tuple(weight.shape)) for name, weight in prunable_weights(model).items()}
    return Shapes(geometries, weight_counts(model), other_values(model))


def by_format(shapes: Shapes, target: float, storage: Storage) -> dict[str, Fit]:
    return {fit.format: fit for fit in fits(shapes, target, storage)}


def random_mask(size: int, nonzeros: int) -> NDArray[np.float32]:
    values = np.zeros(size, np.float32)
    values[np.random.default_rng(0).choice(size, nonzeros, replace=False)] = 1.0
    return values


def test_caffenet_takes_the_papers_58_mib_at_the_densities_that_arithmetic_gives() -> None:
    with torch.device("meta"):
        shapes = shapes_of(caffenet())
    found = by_format(shapes, 58 * MIB, Storage())
    for name, (millions, percent) in ALONE.items():
        fit = found[name]
        assert fit.density is not None
        assert fit.nonzeros is not None
        assert (round(fit.nonzeros / 1e6, 2), round(100 * fit.density, 1)) == (millions, percent)
    biases, mask = 4 * 10_568, 60_954_656 // 8
    assert found["bitmask"].nonzeros == pytest.approx((58 * MIB - biases - mask) / 4, abs=9)
    assert found["dense"] == Fit("dense", True, None, None, None)
    assert [name for name, fit in found.items() if fit.is_exact] == ["dense", "bitmask", "csr"]


@pytest.mark.parametrize("density", [0.5, 0.2, 0.05, 0.01])
def test_bytes_are_those_of_a_layer_with_random_places(density: float) -> None:
    geometry, storage = Geometry(512, 2304, 9, 3), Storage()
    nonzeros = int(density * geometry.size)
    mask = Mask.of(random_mask(geometry.size, nonzeros), geometry)
    for form in (form for form in storage.choices if form.name != "periodic"):
        size = form.size(mask)
        real, told = size.position_bytes + 4 * size.entries, layer_bytes(form, geometry, nonzeros, storage)
        assert told == (pytest.approx(real, rel=2e-3) if form.name.startswith("relative_") else real)


def test_a_random_network_of_the_density_takes_the_target_in_the_cheapest_formats() -> None:
    torch.manual_seed(0)
    model, target = lenet(), 200_000
    shapes = shapes_of(model)
    fit = by_format(shapes, target, Storage())["cheapest"]
    assert fit.density is not None
    kept = shapes.kept(fit.density)
    projected = {name: project_l0(w.detach(), kept[name]) for name, w in prunable_weights(model).items()}
    real = Storage().network(projected, other_values(model))
    assert real.nonzeros == fit.nonzeros
    assert real.bytes == pytest.approx(target, rel=2e-3)


def test_the_density_is_the_greatest_that_fits() -> None:
    with torch.device("meta"):
        shapes = shapes_of(lenet())
    for fit in fits(shapes, 300_000, Storage())[1:]:
        assert fit.density is not None
        assert fit.memory_bytes is not None
        forms = [FORMATS[fit.format]] if fit.format in FORMATS else Storage().choices[:-1]
        assert network_bytes(shapes, fit.density, forms, Storage()) == fit.memory_bytes <= 300_000
        # The smallest layer has 500 weights: a density more by one of all weights reaches the next nonzero of some.
        assert network_bytes(shapes, fit.density + 1 / 400_000, forms, Storage()) > 300_000


def test_a_target_above_the_dense_memory_keeps_everything_and_one_below_all_is_out_of_reach() -> None:
    with torch.device("meta"):
        shapes = shapes_of(lenet())
    everything = by_format(shapes, 2_000_000, Storage())
    assert everything["dense"] == Fit("dense", True, 1.0, 430_500, 1_724_320)
    assert everything["cheapest"].memory_bytes == 1_724_320
    assert {fit.density for fit in fits(shapes, 1000, Storage())} == {None}


def test_the_storage_says_which_formats_there_are_and_how_wide_a_value_is() -> None:
    with torch.device("meta"):
        shapes = shapes_of(lenet())
    narrow = by_format(shapes, 2_000_000, Storage(value_bits=16, formats="index_only"))
    assert "bitmask" not in narrow
    assert narrow["dense"].memory_bytes == 862_160
