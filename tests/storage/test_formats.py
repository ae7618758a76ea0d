"""Storage formats: one contract for all, the formulas, and how near they come to the bound."""

import numpy as np
import pytest
from hypothesis import given
from masks import masks, random_mask

from sparsecnn.storage import FORMATS, Geometry, Mask


@pytest.mark.parametrize("name", FORMATS)
@given(mask=masks())
def test_decoding_undoes_encoding(name: str, mask: Mask) -> None:
    form = FORMATS[name]
    entries = form.entries(mask)
    decoded = form.decode(form.encode(mask), mask.geometry, len(entries))
    assert decoded.dtype == np.int32
    np.testing.assert_array_equal(decoded, entries)


@pytest.mark.parametrize("name", FORMATS)
@given(mask=masks())
def test_entries_are_ascending_and_hold_every_nonzero(name: str, mask: Mask) -> None:
    entries = FORMATS[name].entries(mask)
    assert np.all(np.diff(entries) > 0)
    assert np.isin(mask.positions, entries).all()
    assert not len(entries) or 0 <= entries[0] <= entries[-1] < mask.geometry.size


@pytest.mark.parametrize("name", FORMATS)
@given(mask=masks())
def test_the_stated_size_is_the_size_of_the_encoding(name: str, mask: Mask) -> None:
    form = FORMATS[name]
    size = form.size(mask)
    assert size.position_bytes == len(form.encode(mask))
    assert size.entries == len(form.entries(mask))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("nonzeros", [0, 1, 700, 701 * 300])
def test_large_masks_survive_at_every_density(name: str, nonzeros: int) -> None:
    geometry = Geometry(701, 300)
    positions = np.sort(np.random.default_rng(0).permutation(geometry.size)[:nonzeros]).astype(np.int32)
    mask = Mask(geometry, positions)
    form = FORMATS[name]
    entries = form.entries(mask)
    np.testing.assert_array_equal(form.decode(form.encode(mask), geometry, len(entries)), entries)


def test_sizes_follow_the_formulas() -> None:
    matrix = np.zeros((10, 300))
    matrix[:, ::30] = 1.0  # 100 nonzeros, 29 zeros between two of them
    mask = Mask.of(matrix, Geometry(10, 300))
    sizes = {name: (size.entries, size.position_bits) for name, size in ((n, f.size(mask)) for n, f in FORMATS.items())}
    assert sizes["dense"] == (3000, 0)
    assert sizes["bitmask"] == (100, 3000)
    # Columns up to 299 need 2 bytes, row pointers up to 100 need 1.
    assert sizes["csr"] == (100, 100 * 16 + 8 * 11)
    assert sizes["relative_5"] == (100, 100 * 5)
    # A gap of 29 zeros takes 3 fillers of 4 bits' worth (7 zeros and themselves) and 5 more zeros.
    assert sizes["relative_3"] == (100 + 99 * 3, (100 + 99 * 3) * 3)
    # A byte for the width 4, then remainders; 99 gaps of 29 zeros have the quotient 1, the first one has 0.
    assert sizes["rice"] == (100, 8 * (1 + 50 + 25))


@pytest.mark.parametrize("density", [0.5, 0.25, 0.1, 0.05, 0.01])
@pytest.mark.parametrize("shape", [(100, 110), (64, 32, 5, 5), (500, 800)])
def test_rice_needs_at_most_2_percent_more_than_the_bound(shape: tuple[int, ...], density: float) -> None:
    mask = random_mask(shape, density)
    assert 8 * len(FORMATS["rice"].encode(mask)) <= 1.02 * mask.entropy_bits + 24


def test_the_adaptive_format_goes_below_the_bound_where_rows_or_channels_or_neighbours_differ() -> None:
    random = np.random.default_rng(0)
    uneven_rows = random.random((64, 800)) < np.linspace(0.0, 0.2, 64)[:, None]
    uneven_channels = random.random((64, 32, 25)) < np.linspace(0.0, 0.2, 32)[None, :, None]
    lines = np.repeat(random.random((64, 32, 5, 1)) < 0.1, 5, axis=3)
    for nonzero, worth in ((uneven_rows, 0.95), (uneven_channels, 0.95), (lines, 0.4)):
        mask = Mask.of(nonzero.reshape(64, -1), Geometry.of((64, 32, 5, 5)))
        assert 8 * len(FORMATS["adaptive"].encode(mask)) < worth * mask.entropy_bits


@pytest.mark.parametrize("density", [0.5, 0.1, 0.01])
def test_the_adaptive_format_costs_little_where_nothing_differs(density: float) -> None:
    mask = random_mask((64, 32, 5, 5), density)
    assert 8 * len(FORMATS["adaptive"].encode(mask)) <= 1.02 * mask.entropy_bits + 32


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_positions_are_refused_or_stay_within_the_layer(name: str) -> None:
    form, mask = FORMATS[name], random_mask((16, 8, 3, 3), 0.2)
    encoded, entries = form.encode(mask), len(form.entries(mask))
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(encoded[: random.integers(len(encoded) + 1)] + bytes(random.integers(0, 3)))
        if damaged:
            damaged[random.integers(len(damaged))] ^= 1 << random.integers(8)
        try:
            positions = form.decode(bytes(damaged), mask.geometry, entries)
        except ValueError:
            continue
        assert len(positions) == entries
        assert np.all(np.diff(positions) > 0)
        assert 0 <= positions[0] <= positions[-1] < mask.geometry.size


@pytest.mark.parametrize("name", ["bitmask", "csr", "rice", "adaptive", "relative_4", "dense"])
def test_a_wrong_number_of_entries_is_refused(name: str) -> None:
    form, mask = FORMATS[name], random_mask((16, 8, 3, 3), 0.2)
    encoded, entries = form.encode(mask), len(form.entries(mask))
    for wrong in (entries - 2, entries + 2, 2 * entries):
        with pytest.raises(ValueError, match=r"\w"):
            form.decode(encoded, mask.geometry, wrong)


def test_a_short_adaptive_code_cannot_claim_many_weights() -> None:
    with pytest.raises(ValueError, match="1000000000 weights are too many for 12 bytes and 5 values"):
        FORMATS["adaptive"].decode(bytes(12), Geometry(1000, 1_000_000), 5)
