"""Packed layers: every format with every type of values, exactly or as near as the type allows."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masks import masks, random_mask

from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.storage import FORMATS, Mask, ValueType, pack_layer, unpack_layer, value_type
from sparsecnn.storage.quantisers import from_table, to_table

VALUES = ("float32", "float16", "bfloat16", "int8", "int5", "int2", "codebook2", "codebook31", "codebook255")
VALUES += ("levels1", "levels3", "levels8")
FLOATS = ("float32", "float16", "bfloat16")


def weights_at(mask: Mask, seed: int = 0) -> np.ndarray:
    """Normal weights at the nonzeros of `mask`."""
    weight = np.zeros((mask.geometry.rows, mask.geometry.columns), np.float32)
    weight.flat[mask.positions] = np.random.default_rng(seed).normal(size=mask.nonzeros)
    return weight


def rounded(kind: ValueType, weight: np.ndarray) -> np.ndarray:
    """The matrix as its type stores it."""
    numbers = from_table(to_table(kind.fit(weight)))
    rows = np.repeat(np.arange(len(weight), dtype=np.int32), weight.shape[1])
    return kind.decode(kind.encode(weight, numbers).reshape(-1), rows, numbers).reshape(weight.shape)


@pytest.mark.parametrize("coded", [True, False])
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("form", FORMATS)
@given(mask=masks(), seed=st.integers(0, 100))
@settings(max_examples=12)
def test_what_is_packed_comes_back(form: str, value: str, coded: bool, mask: Mask, seed: int) -> None:
    weight, kind = weights_at(mask, seed), value_type(value)
    packed = pack_layer("layer", weight, kind, formats=[FORMATS[form]], codes_values=coded)
    restored = unpack_layer(packed)
    np.testing.assert_array_equal(restored.dense().reshape(weight.shape), rounded(kind, weight))
    assert packed.format == form
    assert packed.nonzeros == np.count_nonzero(restored.values) == len(restored.positions)
    if value == "float32":
        np.testing.assert_array_equal(restored.dense(), weight)


@pytest.mark.parametrize("coded", [True, False])
def test_floats_come_back_bit_by_bit_but_a_zero_has_no_sign(coded: bool) -> None:
    bits = np.array([0, 1 << 31, 1, 0x7F800000, 0xFF800000, 0x7FC00001, 0x00800000, 0x7F7FFFFF, 0x3F800000], np.uint32)
    weight = bits.view(np.float32).reshape(3, 3)
    packed = pack_layer("layer", weight, value_type("float32"), formats=FORMATS.values(), codes_values=coded)
    restored = unpack_layer(packed).dense().reshape(-1).view(np.uint32)
    assert restored.tolist() == [0, 0, *bits[2:].tolist()]


@pytest.mark.parametrize(("value", "bound"), [("float16", 2**-11), ("bfloat16", 2**-8)])
def test_narrow_floats_are_rounded_to_the_nearest(value: str, bound: float) -> None:
    weight = weights_at(random_mask((10, 100), 0.5))
    kind = value_type(value)
    restored = rounded(kind, weight)
    assert np.abs(restored - weight).max() <= bound * np.abs(weight).max()
    np.testing.assert_array_equal(rounded(kind, restored), restored)


@pytest.mark.parametrize("bits", range(2, 9))
def test_integers_are_at_most_half_a_step_off_unless_they_are_clipped(bits: int) -> None:
    weight, kind = weights_at(random_mask((16, 200), 0.3)), value_type(f"int{bits}")
    restored = rounded(kind, weight)
    steps = np.abs(restored).max(axis=1) / (2 ** (bits - 1) - 1)
    inside = np.abs(weight) <= np.abs(restored).max(axis=1, keepdims=True)
    assert np.all((np.abs(restored - weight) <= 0.5001 * steps[:, None])[inside])
    assert np.square(restored - weight).sum() < np.square(weight).sum()


def test_given_scales_are_used_instead_of_those_that_fit_best() -> None:
    weight = np.array([[0.0, 1.0, -3.0], [4.0, 0.0, 2.0]], np.float32)
    scales = np.array([1.0, 2.0], np.float32)
    packed = pack_layer("layer", weight, value_type("int8"), formats=FORMATS.values(), numbers=scales)
    assert from_table(packed.table).tolist() == [1.0, 2.0]
    np.testing.assert_array_equal(unpack_layer(packed).dense(), weight)


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_levels_come_back_bit_by_bit_and_take_little_more_than_their_bits(bits: int) -> None:
    steps = 2**bits - 1
    numbers = np.random.default_rng(bits).integers(0, steps + 1, (32, 16, 3, 3))
    scale = from_table(to_table(np.array([0.37], np.float32)))
    weight = (scale * ((2 * numbers - steps).astype(np.float32) / np.float32(steps))).astype(np.float32)
    packed = pack_layer("layer", weight, value_type(f"levels{bits}"), formats=FORMATS.values(), numbers=scale)
    np.testing.assert_array_equal(unpack_layer(packed).dense(), weight)
    assert packed.bytes <= 1.03 * weight.size * bits / 8 + 16


def test_a_codebook_reaches_the_error_of_k_means() -> None:
    weight = np.array([[0.0, 1.0, 1.1, 0.9, -2.0, -2.1, 5.0, 0.0]], np.float32)
    expected = [[0, 1, 1, 1, -2.05, -2.05, 5, 0]]
    np.testing.assert_allclose(rounded(value_type("codebook3"), weight), expected, atol=2e-3)


def test_the_cheapest_format_wins_and_coded_values_only_where_they_are_shorter() -> None:
    dense = weights_at(random_mask((64, 100), 1.0))
    assert pack_layer("layer", dense, value_type("float32"), formats=FORMATS.values()).format == "dense"
    sparse = weights_at(random_mask((64, 100), 0.1))
    packed = pack_layer("layer", sparse, value_type("float32"), formats=FORMATS.values())
    assert (packed.format, packed.is_coded) == ("rice", True)
    sizes = [pack_layer("layer", sparse, value_type("float32"), formats=[form]).bytes for form in FORMATS.values()]
    assert packed.bytes == min(sizes)
    one = np.zeros((4, 4), np.float32)
    one[0, 0] = 3.0
    assert not pack_layer("layer", one, value_type("int8"), formats=FORMATS.values()).is_coded


def test_a_layer_of_zeros_takes_no_bytes() -> None:
    for value in VALUES:
        packed = pack_layer("layer", np.zeros((8, 4, 3, 3), np.float32), value_type(value), formats=FORMATS.values())
        assert packed.bytes == 0
        assert unpack_layer(packed).dense().tolist() == np.zeros((8, 4, 3, 3)).tolist()


@pytest.mark.parametrize("value", VALUES)
def test_damaged_layers_are_refused_by_name_or_stay_within_their_shape(value: str) -> None:
    weight = weights_at(random_mask((16, 72), 0.2)).reshape(16, 8, 3, 3)
    random = np.random.default_rng(0)
    for form in FORMATS.values():
        packed = pack_layer("conv7", weight, value_type(value), formats=[form])
        for part in ("table", "positions", "values"):
            for _ in range(20):
                damaged = bytearray(getattr(packed, part))
                if damaged:
                    damaged[random.integers(len(damaged))] ^= 1 << random.integers(8)
                else:
                    damaged = bytearray(b"more")
                try:
                    restored = unpack_layer(dataclasses.replace(packed, **{part: bytes(damaged)}))
                except ValueError as error:
                    assert str(error).startswith("layer conv7 is damaged: ")
                else:
                    assert restored.dense().shape == weight.shape


def test_values_that_a_type_cannot_hold_are_refused() -> None:
    with pytest.raises(DivergedError, match=r"a value of 7e\+04 cannot be stored in 16 bits"):
        rounded(value_type("float16"), np.array([[7e4]], np.float32))
    for value in ("int8", "codebook4", "levels3"):
        with pytest.raises(DivergedError, match="not finite"):
            rounded(value_type(value), np.array([[np.inf, 1.0]], np.float32))


@pytest.mark.parametrize(
    "name", ["int9", "int1", "int", "codebook1", "codebook256", "levels0", "levels9", "double", "float", "8", ""]
)
def test_unknown_types_of_values_are_refused(name: str) -> None:
    with pytest.raises(
        ConfigError, match=f"value must be float32, .* codebook2 to codebook255, or levels1 to levels8, got {name}"
    ):
        value_type(name)


def test_a_layer_too_empty_for_the_adaptive_format_takes_another() -> None:
    weight = np.zeros((1, 3_000_000), np.float32)
    weight[0, [5, 2_999_999]] = 1.0
    packed = pack_layer("layer", weight, value_type("int8"), formats=FORMATS.values())
    assert packed.format != "adaptive"
    np.testing.assert_array_equal(unpack_layer(packed).positions, [5, 2_999_999])


def test_a_larger_step_makes_shorter_codes_and_a_larger_error() -> None:
    weight = weights_at(random_mask((16, 400), 0.3))
    sizes, errors = [], []
    for step in (0.0, 0.2, 0.4):
        kind = value_type("int5", step=step)
        sizes.append(pack_layer("layer", weight, kind, formats=FORMATS.values()).bytes)
        errors.append(float(np.square(rounded(kind, weight) - weight).sum()))
    assert sizes[0] > sizes[1] > sizes[2]
    assert errors[0] < errors[1] < errors[2]
    for name, step in (("int5", -0.1), ("int5", 3.0), ("float32", 0.1)):
        with pytest.raises(ConfigError, match=r"step must be in \[0, 2.0\]"):
            value_type(name, step=step)


def test_a_very_large_weight_takes_only_its_row_of_an_integer_type_with_it() -> None:
    weight = np.ones((2, 8), np.float32)
    weight[0, 3] = 1e4
    found = unpack_layer(pack_layer("a", weight, value_type("int8", step=0.1), formats=FORMATS.values())).dense()
    assert found[0].tolist() == [0, 0, 0, pytest.approx(1e4, rel=0.02), 0, 0, 0, 0]
    assert found[1].tolist() == pytest.approx([1] * 8, rel=0.02)


def test_outputs_that_would_vanish_beside_a_very_large_weight_are_refused() -> None:
    weight = np.ones((2, 8), np.float32)
    weight[0, 3] = 1e30
    with pytest.raises(DivergedError, match="the weights of a range too far for int8"):
        pack_layer("a", weight, value_type("int8"), formats=FORMATS.values())


@pytest.mark.parametrize("name", ["int08", "int", "codebook015", "int8 ", "int9"])
def test_types_have_one_name_each(name: str) -> None:
    with pytest.raises(ConfigError, match="value must be"):
        value_type(name)
