"""Networks as C: what a compiler makes of the source computes what torch computes."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sparsecnn.errors import ConfigError
from sparsecnn.export import CExport, export_c
from sparsecnn.storage import PackedNetwork

COMPILER = shutil.which("cc")
FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
needs_nm = pytest.mark.skipif(shutil.which("nm") is None, reason="there is no nm")
Packed = Callable[..., PackedNetwork]
Images = NDArray[np.float32]
Scores = Callable[[PackedNetwork, Images], Images]


def compiled(export: CExport, folder: Path, *flags: str, suffix: str = ".so") -> Path:
    (folder / "net.c").write_text(export.source)
    (folder / "net.h").write_text(export.header)
    made = folder / f"net{suffix}"
    subprocess.run([str(COMPILER), *FLAGS, *flags, "-o", str(made), "net.c", "-lm"], cwd=folder, check=True)
    return made


def c_scores(export: CExport, images: Images, classes: int, folder: Path) -> Images:
    run = ctypes.CDLL(str(compiled(export, folder, "-O1", "-shared", "-fPIC"))).net_run
    run.argtypes, run.restype = [ctypes.c_void_p, ctypes.c_void_p], None
    scores = np.full((len(images), classes), np.nan, np.float32)
    for image, row in zip(images, scores, strict=True):
        run(np.ascontiguousarray(image).ctypes.data, row.ctypes.data)
    return scores


@pytest.fixture
def check(
    images_of: Callable[[PackedNetwork], Images], scores_of: Scores, tmp_path: Path
) -> Callable[[PackedNetwork], CExport]:
    def check(network: PackedNetwork) -> CExport:
        images = images_of(network)
        expected, export = scores_of(network, images), export_c(network, "net")
        scores = c_scores(export, images, expected.shape[1], tmp_path)
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5 * float(np.abs(expected).max()))
        return export

    return check


Check = Callable[[PackedNetwork], CExport]


@needs_compiler
def test_the_compiled_network_gives_the_scores_of_torch(network: PackedNetwork, check: Check) -> None:
    check(network)


@needs_compiler
def test_normalisation_over_an_even_number_of_channels_is_that_of_torch(packed: Packed, check: Check) -> None:
    check(packed("local_response_norm n2 a1 b0.5;mean", (6, 3, 2)))


@needs_compiler
@pytest.mark.parametrize("density", [0.01, 0.1, 0.4, 1.0])
@pytest.mark.parametrize(
    "value", ["float32", "float16", "bfloat16", "int8", "int4", "int2", "codebook31", "codebook15", "codebook3"]
)
def test_values_of_all_types_are_read_at_all_densities(value: str, density: float, named: Packed, check: Check) -> None:
    check(named("lenet", value, density))


@needs_compiler
def test_a_network_without_a_single_weight_gives_its_biases(packed: Packed, check: Check) -> None:
    export = check(packed("conv a b;relu;mean;linear b b", (2, 3, 3), {"a": (4, 2, 3, 3), "b": (2, 4)}, "int8", 0.0))
    assert "walk" not in export.source


@needs_compiler
@pytest.mark.parametrize("text", ["relu;flatten", "max_pool k2;flatten", "clamp l0 h6;flatten"])
def test_what_is_no_number_stays_none(text: str, packed: Packed, scores_of: Scores, tmp_path: Path) -> None:
    network = packed(text, (2, 4, 4))
    images = np.full((1, 2, 4, 4), np.nan, np.float32)
    images[0, 1] = -1.0
    expected = scores_of(network, images)
    assert 0 < np.isnan(expected).sum() < expected.size
    np.testing.assert_array_equal(c_scores(export_c(network, "net"), images, expected.shape[1], tmp_path), expected)


@needs_compiler
def test_a_layer_without_weights_or_bias_gives_zeros(packed: Packed, check: Check) -> None:
    check(packed("conv a;flatten;linear b", (2, 2, 2), {"a": (3, 2, 2, 2), "b": (2, 3)}, "int8", 0.0))


@pytest.mark.parametrize(
    ("density", "form"), [(0.02, "walk_gaps8"), (0.2, "walk_gaps4"), (0.5, "walk_mask"), (1.0, "walk_all")]
)
def test_positions_take_the_form_of_fewest_bytes(density: float, form: str, packed: Packed) -> None:
    source = export_c(packed("flatten;linear a", (64, 2, 2), {"a": (40, 256)}, "int8", density), "net").source
    assert [name for name in ("walk_gaps8", "walk_gaps4", "walk_mask", "walk_all") if f"int {name}(" in source] == [
        form
    ]


def test_sixteen_values_of_a_codebook_take_half_a_byte_each(packed: Packed) -> None:
    network = packed("flatten;linear a", (64, 2, 2), {"a": (40, 256)}, "codebook16", 1.0)
    assert export_c(network, "net").rodata_bytes == 40 * 256 // 2 + 16 * 4


@needs_compiler
@needs_nm
@pytest.mark.parametrize("value", ["float32", "int8", "codebook15"])
def test_the_numbers_of_bytes_are_those_of_the_compiler(value: str, named: Packed, tmp_path: Path) -> None:
    export = export_c(named("residual", value), "net")
    # Without optimisation, which drops constants that it has read.
    made = compiled(export, tmp_path, "-O0", "-c", suffix=".o")
    listed = subprocess.run(["nm", "-S", made], capture_output=True, text=True, check=True).stdout
    symbols = [words for words in map(str.split, listed.splitlines()) if len(words) == 4]
    sizes = {kind: sum(int(size, 16) for _, size, its, _ in symbols if its.lower() == kind) for kind in "rbd"}
    assert sizes == {"r": export.rodata_bytes, "b": export.scratch_bytes, "d": 0}
    assert f"NET_SCRATCH_BYTES {export.scratch_bytes} " in export.header
    assert f"NET_WEIGHT_BYTES {export.rodata_bytes} " in export.header


@needs_compiler
@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
@pytest.mark.parametrize("name", ["lenet", "residual", "squeeze and excitation", "joined"])
def test_no_compiler_warns_at_any_level(name: str, level: str, named: Packed, tmp_path: Path) -> None:
    compiled(export_c(named(name), "net"), tmp_path, level, "-c", suffix=".o")


def test_a_convolution_and_its_pooling_take_one_plane_of_scratch(packed: Packed) -> None:
    text, weights = "conv a p1;max_pool k2 s2;flatten;linear b", {"a": (8, 1, 3, 3), "b": (3, 128)}
    # One plane of 8 x 8 before the pooling, eight of 4 x 4 after it.
    assert export_c(packed(text, (1, 8, 8), weights), "net").scratch_bytes == 4 * (64 + 8 * 16)


def test_a_block_and_its_shortcut_take_two_maps_and_a_plane(named: Packed) -> None:
    # Maps of four channels of 6 x 5, and the four means.
    expected = 4 * ((2 * 4 + 1) * 30 + 4)
    assert export_c(named("residual", "int8"), "net").scratch_bytes == expected


def test_the_header_says_sizes_and_that_calls_must_not_overlap(named: Packed) -> None:
    header = export_c(named("lenet"), "net").header
    for line in (
        "#define NET_INPUT_SIZE 256 ",
        "#define NET_CLASSES 3\n",
        "void net_run(const float *image, float *scores);",
    ):
        assert line in header
    assert "must not overlap" in header


def test_the_source_uses_no_heap_and_no_library_but_math(named: Packed) -> None:
    source = export_c(named("activations"), "net").source
    included = [line for line in source.splitlines() if line.startswith("#include")]
    assert included == ['#include "net.h"', "#include <math.h>", "#include <stdint.h>"]
    assert not any(name in source for name in ("malloc", "memset", "memcpy", "printf"))


@needs_compiler
def test_names_of_layers_may_contain_anything(packed: Packed, check: Check) -> None:
    check(packed("conv */1.a p1;conv ö??/.b;mean", (1, 3, 3), {"*/1.a": (2, 1, 3, 3), "ö??/.b": (2, 2, 1, 1)}))


@pytest.mark.parametrize("name", ["", "1st", "a-b", "int", "näme"])
def test_a_name_that_c_cannot_use_is_refused(name: str, named: Packed) -> None:
    with pytest.raises(ConfigError, match="the name must be letters"):
        export_c(named("flat alone"), name)


@pytest.mark.parametrize(
    ("text", "shape", "weights", "message"),
    [
        ("conv a;mean", (2, 5), {"a": (3, 2, 3)}, "step 1, conv, .* windows have two sides"),
        ("conv a t;mean", (3, 4, 4), {"a": (3, 2, 3, 3)}, "step 1, conv, .* not transposed in C"),
        ("max_pool k2;flatten", (2, 5), {}, "step 1, max_pool, .* windows have two sides"),
        ("slice d2 t1;multiply @1 @0;flatten", (2, 3, 4), {}, "step 2, multiply, .* different shapes"),
        ("slice d0;flatten", (2, 3, 4), {}, "step 1, slice, .* does not cut a map"),
        ("linear a;mean", (2, 3, 4), {"a": (3, 4)}, "step 1, linear, .* not flat"),
    ],
)
def test_a_step_that_c_has_not_is_named(
    text: str, shape: tuple[int, ...], weights: dict[str, tuple[int, ...]], message: str, packed: Packed
) -> None:
    with pytest.raises(ConfigError, match=message):
        export_c(packed(text, shape, weights), "net")


def test_a_network_without_a_program_is_refused(named: Packed) -> None:
    network = named("flat alone")
    with pytest.raises(ConfigError, match="holds no program"):
        export_c(PackedNetwork(network.layers, network.others, {"input": "2x2x3"}), "net")
