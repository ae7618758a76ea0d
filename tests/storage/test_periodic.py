"""The periodic format on the supports that it was made for."""

import numpy as np
import pytest

from sparsecnn.layers.predefined import KernelSupports
from sparsecnn.storage import FORMATS, Geometry, Mask

PERIODIC = FORMATS["periodic"]


def mask_of(name: str, shape: tuple[int, int]) -> Mask:
    support = KernelSupports.named(name).mask(*shape).numpy()
    return Mask.of(support.reshape(shape[0], -1), Geometry.of(support.shape))


@pytest.mark.parametrize(("name", "period"), [("ps4_p4", 4), ("ps2_p6", 6), ("ps1_p9", 9), ("psd4_p8", 8)])
@pytest.mark.parametrize("shape", [(64, 64), (17, 40)])
def test_a_periodic_support_takes_a_byte_and_nine_bits_a_kernel_of_its_period(
    name: str, period: int, shape: tuple[int, int]
) -> None:
    mask = mask_of(name, shape)
    assert PERIODIC.size(mask).position_bytes == len(PERIODIC.encode(mask)) == 1 + -(-9 * period // 8)
    assert np.array_equal(PERIODIC.decode(PERIODIC.encode(mask), mask.geometry, mask.nonzeros), mask.positions)
    sizes = {form.name: form.size(mask).position_bytes for form in FORMATS.values() if form.name != "dense"}
    assert min(sizes, key=sizes.__getitem__) == "periodic"


def test_a_pruned_periodic_support_takes_a_bit_more_for_each_of_its_places() -> None:
    whole = mask_of("ps2_p6", (48, 48))
    kept = np.random.default_rng(0).permutation(whole.nonzeros)[: whole.nonzeros // 2]
    mask = Mask(whole.geometry, np.sort(whole.positions[kept]))
    assert PERIODIC.size(mask).position_bytes == 1 + -(-9 * 6 // 8) + -(-whole.nonzeros // 8)
    assert np.array_equal(PERIODIC.decode(PERIODIC.encode(mask), mask.geometry, mask.nonzeros), mask.positions)


def test_a_drawn_support_is_paid_for() -> None:
    mask = mask_of("psc4", (64, 64))
    assert min(form.size(mask).position_bits for form in FORMATS.values() if form.name != "dense") > 6.9 * 64 * 64


def test_a_star_in_every_channel_takes_three_bytes() -> None:
    star = np.tile(np.array([0, 1, 0, 1, 0, 1, 0, 1, 0], bool), (32, 1))
    mask = Mask.of(star, Geometry.of((32, 1, 3, 3)))
    assert PERIODIC.encode(mask) == bytes([1, 0b01010101, 0])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no period"),
        (bytes([0, 1]), "no period"),
        (bytes([17]) + bytes(20), "no period"),
        (bytes([2, 255]), "ends too early"),
        (bytes([1, 255, 255]), "behind the last kernel"),
        (bytes([1, 255, 128]), "has 576 places, not 5"),
        (bytes([1, 128, 0, 255]), "not those of its places"),
        (bytes([1, 128, 0]) + bytes(8), "has 0 ones, not 5"),
    ],
)
def test_damaged_codes_are_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PERIODIC.decode(data, Geometry.of((8, 8, 3, 3)), 5)
