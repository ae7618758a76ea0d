"""The commands that read packed files."""

from pathlib import Path

import click

from sparsecnn.cli.experiment_command import ConfiguredCommand
from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import debug_option, table_output_option

file_argument = click.argument("file", type=click.Path(path_type=Path))


@click.command("inspect")
@file_argument
@table_output_option("A file for the table.")
@debug_option
def inspect_command(file: Path, output: Path | None, debug: bool) -> None:
    """Show what a packed FILE holds: a line a layer, its bytes, and the bound on the bits of its positions."""
    with guarded(debug=debug):
        from sparsecnn.cli.packed import inspect
        from sparsecnn.results import write_table

        text, table = inspect(file)
        click.echo(text)
        if output is not None:
            click.echo(write_table(table, output))


@click.command("unpack")
@file_argument
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The file of dense weights.")
@debug_option
def unpack_command(file: Path, output: Path, debug: bool) -> None:
    """Write the dense weights of a packed FILE as safetensors, for PyTorch and for model.weights=."""
    with guarded(debug=debug):
        from sparsecnn.cli.packed import unpack_to

        click.echo(unpack_to(file, output))


@click.command("evaluate", cls=ConfiguredCommand)
@file_argument
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED)
@click.option("-q", "--quiet", is_flag=True, help="No log on the terminal.")
@debug_option
def evaluate_command(file: Path, overrides: tuple[str, ...], quiet: bool, debug: bool) -> None:
    """Measure the accuracy of a packed FILE on validation and test images.

    \b
    sparsecnn evaluate net.safetensors data=cifar10
    """
    with guarded(debug=debug):
        from sparsecnn.cli.packed import evaluate

        evaluate(file, overrides, quiet=quiet)


@click.command("bench")
@file_argument
@click.option(
    "--batch", "batches", type=click.IntRange(1, 65536), multiple=True, default=(1, 8, 64, 128), show_default=True
)
@click.option("--rounds", type=click.IntRange(1), default=15, show_default=True, help="Turns of each contender.")
@click.option("--threads", type=click.IntRange(1, 256), multiple=True, help="By default one, and all that torch takes.")
@click.option("--against", metavar="NAME", multiple=True, help="Others to compare with; by default all there are.")
@table_output_option("A file for the table.")
@debug_option
def bench_command(
    file: Path,
    batches: tuple[int, ...],
    rounds: int,
    threads: tuple[int, ...],
    against: tuple[str, ...],
    output: Path | None,
    debug: bool,
) -> None:
    """Measure how fast a packed FILE runs, against PyTorch and, where it is installed, ONNX Runtime.

    A ratio is the time of another over that of sparsecnn in the same round: above 1, sparsecnn is faster. Medians, with
    quartiles in brackets; memory is what the process needs beyond torch itself; difference is that of the scores from
    exact ones. The first table says which layers are computed from their nonzeros, and the estimates that decided it.
    All of it takes minutes; --batch, --threads, --against and --rounds ask for less.
    """
    with guarded(debug=debug):
        from sparsecnn.cli.benching import bench
        from sparsecnn.results import write_table

        text, table = bench(file, batches, rounds, threads, against)
        click.echo(text)
        if output is not None:
            click.echo(write_table(table, output))


@click.command("export")
@file_argument
@click.option("--format", "kind", type=click.Choice(["c", "onnx"]), required=True, help="What to write.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The path of the files, without ending.")
@click.option("--sparse", is_flag=True, help="ONNX: sparse initialisers where they are smaller.")
@debug_option
def export_command(file: Path, kind: str, output: Path | None, sparse: bool, debug: bool) -> None:
    """Write a packed FILE as C source for a microcontroller, or as an ONNX model.

    \b
    sparsecnn export net.safetensors --format c        net.c and net.h
    sparsecnn export net.safetensors --format onnx     net.onnx
    """
    if sparse and kind != "onnx":
        raise click.UsageError("--sparse is for --format onnx")
    with guarded(debug=debug):
        from sparsecnn.cli.exporting import export

        for line in export(file, kind, output or file.with_suffix(""), sparse=sparse):
            click.echo(line)
