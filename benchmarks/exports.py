"""Exports of packed files against PyTorch on real images: the largest difference of scores.

python benchmarks/exports.py net.safetensors --data data=cifar10     writes results/packed/exports.csv

The C source is compiled by `cc -std=c99 -Wall -Wextra -Werror -O2`; ONNX runs in onnxruntime.
"""

import argparse
import ctypes
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import torch
from numpy.typing import NDArray

from sparsecnn.config import build, compose
from sparsecnn.experiments import Parts, Workbench
from sparsecnn.export import export_c
from sparsecnn.export.onnx_model import export_onnx
from sparsecnn.packing import preprocessing_of, unpack
from sparsecnn.programs import ProgramModule
from sparsecnn.storage import PackedNetwork, read_packed

FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2")
Array = NDArray[np.float32]


def images_of(parts: Parts, network: PackedNetwork, count: int) -> Array:
    """The first `count` test images as the network takes them."""
    note = network.notes.get("pixels")
    if note is not None:
        preprocessing = preprocessing_of(note)
        parts = replace(parts, preprocessing=lambda split: preprocessing)
    bench = Workbench.of(parts).ready()
    images, _ = next(iter(bench.test.batches(torch.arange(count), count, None)))
    prepared: Array = bench.trainer.preprocess(images).contiguous().numpy()
    return prepared


def c_scores(network: PackedNetwork, images: Array, classes: int, folder: Path) -> tuple[Array, dict[str, int]]:
    """The scores of the exported C, and the bytes of its constants, scratch and code."""
    exported = export_c(network, "net")
    (folder / "net.c").write_text(exported.source)
    (folder / "net.h").write_text(exported.header)
    subprocess.run(["cc", *FLAGS, "-fPIC", "-shared", "-o", "net.so", "net.c", "-lm"], cwd=folder, check=True)
    run = ctypes.CDLL(str(folder / "net.so")).net_run
    run.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    run.restype = None
    scores = np.zeros((len(images), classes), np.float32)
    for image, row in zip(images, scores, strict=True):
        run(np.ascontiguousarray(image).ctypes.data, row.ctypes.data)
    return scores, {"rodata_bytes": exported.rodata_bytes, "scratch_bytes": exported.scratch_bytes}


def compared(file: Path, parts: Parts, count: int) -> list[dict[str, object]]:
    """A row an export of one file."""
    network = read_packed(file)
    images = images_of(parts, network, count)
    unpacked = unpack(network)
    assert unpacked.program is not None
    with torch.no_grad():
        expected = ProgramModule(unpacked.program, unpacked.values)(torch.from_numpy(images)).numpy()
    with tempfile.TemporaryDirectory() as folder:
        found, sizes = c_scores(network, images, expected.shape[1], Path(folder))
    rows = [_row(file, "c", found, expected, sizes)]
    for sparse in (False, True):
        data = export_onnx(network, sparse=sparse)
        scores = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"images": images})[0]
        rows.append(_row(file, "onnx sparse" if sparse else "onnx", scores, expected, {"file_bytes": len(data)}))
    return rows


def _row(file: Path, export: str, found: Array, expected: Array, sizes: dict[str, int]) -> dict[str, object]:
    return {
        "file": file.name,
        "packed_bytes": file.stat().st_size,
        "export": export,
        "images": len(expected),
        "largest_difference": float(np.abs(found - expected).max()),
        "largest_score": float(np.abs(expected).max()),
        "same_class": int((found.argmax(1) == expected.argmax(1)).sum()),
        **sizes,
    }


def main() -> None:
    """Compares every file and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--data", nargs="+", default=[], help="overrides such as data=cifar10")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=Path("results/packed/exports.csv"))
    arguments = parser.parse_args()
    parts = build(compose("evaluate", arguments.data).nodes).parts
    table = pd.DataFrame([row for file in arguments.files for row in compared(file, parts, arguments.images)])
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.output, index=False, float_format="%.4g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
