"""The context coder: C and Python give the same bytes, and what they code comes back."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from masks import masks, random_mask

from sparsecnn import native
from sparsecnn.storage import Mask, context_coder, context_model

offsets = st.integers(-(1 << 20), 1 << 20)


@given(masks(), offsets)
def test_c_and_python_code_masks_into_the_same_bytes(mask: Mask, offset: int) -> None:
    data = context_coder.encode_mask(mask, offset)
    assert data == context_model.encode_mask(mask, offset)
    for coder in (context_coder, context_model):
        decoded = coder.decode_mask(data, mask.geometry, offset, mask.nonzeros)
        np.testing.assert_array_equal(decoded, mask.positions)


@given(masks(), st.integers(0, 8), st.booleans(), st.integers(0, 2**32 - 1))
def test_c_and_python_code_values_into_the_same_bytes(mask: Mask, bits: int, signed: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    symbols = random.integers(0, 2**bits, mask.nonzeros).astype(np.uint8)
    signs = random.integers(0, 2, mask.nonzeros).astype(np.uint8) if signed else None
    data = context_coder.encode_values(mask, symbols, signs, bits)
    assert data == context_model.encode_values(mask, symbols, signs, bits)
    for coder in (context_coder, context_model):
        found, found_signs = coder.decode_values(data, mask, bits, signed=signed)
        np.testing.assert_array_equal(found, symbols)
        np.testing.assert_array_equal(found_signs, signs)


@pytest.mark.parametrize("coder", [context_coder, context_model])
def test_data_that_end_too_early_are_refused(coder) -> None:  # type: ignore[no-untyped-def]
    mask = random_mask((16, 8, 3, 3), 0.3)
    symbols = np.random.default_rng(0).integers(0, 256, mask.nonzeros).astype(np.uint8)
    with pytest.raises(ValueError, match="do not end where they should"):
        coder.decode_mask(coder.encode_mask(mask, 0)[:20], mask.geometry, 0, mask.nonzeros)
    with pytest.raises(ValueError, match="do not end where they should"):
        coder.decode_values(coder.encode_values(mask, symbols, None, 8)[:20], mask, 8, signed=False)


def test_a_mask_costs_what_its_probabilities_say() -> None:
    # Under log-odds of -11 for a one 10,000 zeros cost next to nothing, the first one 16 bits.
    empty = random_mask((100, 100), 0.0)
    assert len(context_coder.encode_mask(empty, -(11 << 16))) <= 2
    assert 2 <= len(context_coder.encode_mask(random_mask((1, 1), 1.0), -(11 << 16))) <= 3


def test_probabilities_follow_the_logistic_function() -> None:
    logits = np.linspace(-10.9, 10.9, 401)
    found = np.array([context_model.probability(int(logit * 65536)) for logit in logits]) / 65536
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)), rtol=0.1, atol=4e-3)
    assert context_model.probability(1 << 40) == 65535
    assert context_model.probability(-(1 << 40)) == 1


def test_without_a_compiler_python_takes_over_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mask = random_mask((4, 4, 3, 3), 0.3)
    compiled = context_coder.encode_mask(mask, 0)
    for compiler, reason in (("", "SPARSECNN_CC is empty"), ("no-such-compiler", "No such file"), ("false", "")):
        caplog.clear()
        monkeypatch.setenv("SPARSECNN_CC", compiler)
        native.library.cache_clear()
        assert context_coder.encode_mask(mask, 0) == compiled
        assert "the C kernels cannot be built, slower code is used" in caplog.text
        assert reason in caplog.text
    native.library.cache_clear()


def test_kernels_are_built_once_and_rebuilt_when_what_was_kept_is_damaged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SPARSECNN_CACHE_DIR", str(tmp_path))
    native.library.cache_clear()
    assert native.library(context_coder.SOURCE) is not None
    (built,) = tmp_path.iterdir()
    before = built.stat().st_mtime_ns
    native.library.cache_clear()
    assert native.library(context_coder.SOURCE) is not None
    assert built.stat().st_mtime_ns == before
    built.unlink()  # and not overwritten: it is mapped into this process
    built.write_bytes(b"damaged")
    native.library.cache_clear()
    assert native.library(context_coder.SOURCE) is not None
    native.library.cache_clear()
