"""Masks for the tests of storage."""

import numpy as np
from hypothesis import strategies as st

from sparsecnn.storage import Geometry, Mask

SHAPES = st.one_of(
    st.tuples(st.integers(1, 300)),
    st.tuples(st.integers(1, 12), st.integers(1, 60)),
    st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 5)),
    st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
)


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    """Masks of all geometries: empty, full, of one nonzero, with long runs, uneven and random ones."""
    geometry = Geometry.of(draw(SHAPES))
    kind = draw(st.sampled_from(["empty", "full", "one", "runs", "uneven", "random"]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nonzero = np.zeros((geometry.rows, geometry.columns), bool)
    if kind == "full":
        nonzero[:] = True
    elif kind == "one":
        nonzero.flat[random.integers(geometry.size)] = True
    elif kind == "runs":
        start, end = sorted(random.integers(0, geometry.size + 1, 2))
        nonzero.flat[start:end] = True
    elif kind == "uneven":
        nonzero = random.random(nonzero.shape) < random.random((geometry.rows, 1)) ** 3
    elif kind == "random":
        nonzero = random.random(nonzero.shape) < random.choice([0.5, 0.1, 0.02])
    return Mask.of(nonzero, geometry)


def random_mask(shape: tuple[int, ...], density: float, seed: int = 0) -> Mask:
    """A mask of independent positions."""
    geometry = Geometry.of(shape)
    return Mask.of(np.random.default_rng(seed).random(geometry.size) < density, geometry)
