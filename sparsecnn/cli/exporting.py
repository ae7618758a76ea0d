"""What `export` writes and prints."""

from pathlib import Path

from sparsecnn.errors import ConfigError
from sparsecnn.export import export_c
from sparsecnn.sizes import readable
from sparsecnn.storage import PackedNetwork, read_packed
from sparsecnn.whole_files import write_bytes


def export(file: Path, kind: str, stem: Path, *, sparse: bool) -> list[str]:
    """Writes a packed file in another form and says what was written."""
    network = read_packed(file)
    if not stem.name:
        raise ConfigError(f"--output {stem} names no file")
    if stem.suffix in (".c", ".h", ".onnx"):
        stem = stem.with_suffix("")
    return _export_c(network, stem) if kind == "c" else _export_onnx(network, stem, sparse=sparse)


def _export_c(network: PackedNetwork, stem: Path) -> list[str]:
    exported = export_c(network, stem.name)
    paths = [stem.with_name(f"{stem.name}{ending}") for ending in (".c", ".h")]
    for path, text in zip(paths, (exported.source, exported.header), strict=True):
        write_bytes(path, text.encode())
    flash, scratch = exported.rodata_bytes, exported.scratch_bytes
    sizes = (
        f"flash: {flash} bytes ({readable(flash)}) of tables, a compiler adds a few constants and the code; "
        f"RAM: {scratch} bytes ({readable(scratch)}) of scratch"
    )
    return [*map(str, paths), sizes]


def _export_onnx(network: PackedNetwork, stem: Path, *, sparse: bool) -> list[str]:
    # The package onnx may be missing.
    from sparsecnn.export.onnx_model import export_onnx

    path = stem.with_name(f"{stem.name}.onnx")
    data = export_onnx(network, sparse=sparse)
    write_bytes(path, data)
    return [f"{path}: {len(data)} bytes"]
