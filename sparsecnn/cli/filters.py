"""From files of weights to a figure of filters."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sparsecnn.cli.drawing import write_figure
from sparsecnn.errors import ConfigError, DataError
from sparsecnn.models import read_tensors
from sparsecnn.plots.filters import weights_table


def plot_filters(runs: Sequence[Path], layer: str, seed: int, labels: Sequence[str], output: Path | None) -> None:
    """Draws the filters of `layer` of each run, and writes their nonzeros beside the picture."""
    files = [run / f"seed{seed}.safetensors" if run.is_dir() else run for run in runs]
    for run, file in zip(runs, files, strict=True):
        if run.is_dir() and not file.is_file():
            raise DataError(f"{run} holds no {file.name}: give a run of train, or a file of weights")
    names = list(labels) or _names(runs)
    if len(set(names)) < len(names):
        raise ConfigError(f"runs and their labels must differ, got {', '.join(names)}")
    parts = [_filters(file, name, layer) for file, name in zip(files, names, strict=True)]
    folder = runs[0] if runs[0].is_dir() else runs[0].parent
    write_figure("filters", pd.concat(parts, ignore_index=True), output or folder / "plots" / "filters")


def _names(runs: Sequence[Path]) -> list[str]:
    """Names of folders and files; whole paths where two are the same."""
    names = [run.resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [str(run) for run in runs]


def _filters(file: Path, name: str, layer: str) -> pd.DataFrame:
    tensors = read_tensors(file)
    weight = tensors.get(f"{layer}.weight")
    if weight is None or weight.dim() != 4:
        known = [key.removesuffix(".weight") for key, tensor in tensors.items() if tensor.dim() == 4]
        raise DataError(f"{file} holds no convolution {layer} (it holds {', '.join(known) or 'none'})")
    return weights_table(name, file.stem, layer, weight.float().numpy())
