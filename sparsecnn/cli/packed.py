"""What the commands on packed networks do and print."""

import logging
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path

import click
import pandas as pd
import torch
from rich.console import Console
from safetensors.torch import save

from sparsecnn.cli.drawing import write_figure
from sparsecnn.cli.execution import log_to
from sparsecnn.cli.progress import Bars
from sparsecnn.cli.tables import best_table
from sparsecnn.config import build, compose, compose_over, saved_value
from sparsecnn.errors import ConfigError, DataError, OutOfReachError
from sparsecnn.experiments.pack import Measured, Packed
from sparsecnn.models import read_tensors
from sparsecnn.packing import format_table, layer_table, trainable, unpack
from sparsecnn.results import write_table
from sparsecnn.sizes import readable, to_bytes
from sparsecnn.storage import read_packed
from sparsecnn.whole_files import write_bytes

log = logging.getLogger(__name__)


def pack(
    network: Path, overrides: Sequence[str], output: Path, within: str | None, table: Path | None, *, quiet: bool
) -> None:
    """Packs a network of a run, prints what it takes and what it lost, and adds that to `table`."""
    console = Console(stderr=True)
    log_to(console, quiet=quiet)
    weights, limit = _weights(network, within)
    _refuse_same(weights, output)
    run = _run_of(weights) / "config.yaml"
    kind = saved_value(run, "search.memory")
    if kind == "packed_int8":  # what the search judged its networks by; an override of the user's comes last
        overrides = ["value=int8", *overrides]
    composed = compose_over("pack", run, overrides)
    experiment = build(composed.nodes)
    with Bars(console, disable=quiet) as progress:
        packed: Packed = experiment.execute(weights, output, progress)
    click.echo(_accuracies({"float32": packed.before, str(composed.nodes.value): packed.after}))
    header = packed.file_bytes - packed.network.payload_bytes
    smaller = f"{packed.dense_bytes / packed.file_bytes:.1f}x smaller than dense float32"
    click.echo(f"network {weights.stem}")
    click.echo(f"{output}: {packed.file_bytes} bytes ({header} of them header), {smaller}")
    if limit is not None and packed.file_bytes > limit:
        log.warning("the file is larger than %s: the search counted memory as %s", within, kind or "paper")
    if table is not None:
        click.echo(_add_row(table, {"file": output.stem, "weights": weights.stem, **packed.row()}))


def _add_row(path: Path, row: dict[str, object]) -> Path:
    """Adds a row to a table in a file; one of the same file gives way."""
    added = pd.DataFrame([row])
    if path.is_file():
        before = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        added = pd.concat([before[before.file != row["file"]], added], ignore_index=True)
    return write_table(added, path)


def evaluate(file: Path, overrides: Sequence[str], *, quiet: bool) -> None:
    """Prints the accuracy of a packed file."""
    log_to(Console(stderr=True), quiet=quiet)
    experiment = build(compose("evaluate", overrides).nodes)
    click.echo(_accuracies({str(file): experiment.execute(file)}))


def inspect(file: Path) -> tuple[str, pd.DataFrame]:
    """The layers of a packed file, as text and as a table; bytes, bits a weight, and the bound on the positions."""
    network = read_packed(file)
    size = file.stat().st_size
    table = layer_table(network)
    shown = table.assign(
        density=table.density.map("{:.3f}".format),
        bits_per_weight=table.bits_per_weight.map("{:.3f}".format),
        bound_bytes=table.bound_bytes.map("{:.0f}".format),
        over_bound=table.over_bound.map("{:.3f}x".format, na_action="ignore").fillna("-"),
    )
    rest = f"biases and normalisation {network.others.nbytes} ({network.others.dtype.itemsize * 8} bits each)"
    header = size - network.payload_bytes
    total = f"layers {table.bytes.sum()} + {rest} + header {header} = {size} bytes ({readable(size)})"
    return f"{shown.to_string(index=False)}\n{total}", table


def plot_storage(network: Path, output: Path | None, within: str | None) -> None:
    """Draws what each layer of a network takes in each format, and writes the numbers beside the picture."""
    path, _limit = _weights(network, within)
    weights = {
        name.removesuffix(".weight"): tensor.numpy()
        for name, tensor in read_tensors(path).items()
        if name.endswith(".weight") and tensor.dim() > 1
    }
    if not weights:
        raise DataError(f"{path} holds no weights of layers; `sparsecnn unpack` makes such a file of a packed network")
    table = format_table(weights).assign(network=path.stem)
    write_figure("storage", table, output or path.with_name(f"{path.stem}.storage"))


def unpack_to(file: Path, output: Path) -> Path:
    """Writes the dense weights of a packed file as safetensors, which a network can be trained on from."""
    _refuse_same(file, output)
    network = read_packed(file)
    tensors = {name: value.contiguous() for name, value in unpack(network).values.items()}
    tensors |= trainable(network, tensors)
    norms = [name.removesuffix("running_mean") for name in tensors if name.endswith(".running_mean")]
    tensors |= {f"{norm}num_batches_tracked": torch.zeros((), dtype=torch.int64) for norm in norms}
    write_bytes(output, save(tensors))
    return output


def _refuse_same(source: Path, output: Path) -> None:
    if source.exists() and output.exists() and source.samefile(output):
        raise ConfigError(f"{output} is the file that is read: it would be lost")


def _weights(network: Path, within: str | None) -> tuple[Path, float | None]:
    """The file of weights that is meant, and the bytes that it is within."""
    if within is None:
        return _only_weights(network) if network.is_dir() else network, None
    best, misses = best_table([network], [within])
    files = best.dropna(subset="weights_file") if len(best) else best
    if files.empty:
        raise OutOfReachError("; ".join(misses) or f"the weights of the best network of {network} are gone")
    chosen = files.sort_values("val_accuracy", ascending=False, kind="stable").iloc[0]
    return Path(str(chosen.weights_file)), to_bytes(within, round(chosen.memory_bytes * chosen.compression))


def _only_weights(run: Path) -> Path:
    """The weights of a run of one network."""
    kept = [file for pattern in ("ensemble_seed*", "checkpoints/*") for file in run.glob(f"{pattern}.safetensors")]
    if len(kept) > 1:
        raise ConfigError(f"{run} holds several networks: say --within BUDGET, or name one of its files")
    if not kept:
        raise ConfigError(f"{run} holds no weights of a network")
    return kept[0]


def _run_of(weights: Path) -> Path:
    for folder in (weights.parent, weights.parent.parent):
        if (folder / "config.yaml").is_file():
            return folder
    raise ConfigError(f"{weights} does not lie in a run folder, whose config.yaml tells what network it is")


def _accuracies(measured: Mapping[str, Measured]) -> str:
    """A line a network, and what the last lost against the first."""
    rows = [
        [found.validation.accuracy if found.validation else nan, found.test.accuracy] for found in measured.values()
    ]
    names = list(measured)
    if len(rows) > 1:
        names.append("points lost")
        rows.append([before - after for before, after in zip(rows[0], rows[-1], strict=True)])
    shown = pd.DataFrame(rows, columns=["validation %", "test %"]).map("{:.2f}".format)
    shown.insert(0, "network", names)
    return shown.replace("nan", "-").to_string(index=False)
