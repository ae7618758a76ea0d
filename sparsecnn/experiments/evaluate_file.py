"""`evaluate`: the accuracy of a packed file."""

from dataclasses import dataclass, replace
from pathlib import Path

from sparsecnn.errors import DataError
from sparsecnn.experiments.pack import Measured, as_module, measured
from sparsecnn.experiments.parts import Parts
from sparsecnn.experiments.workbench import Workbench
from sparsecnn.packing import outline_of, preprocessing_of
from sparsecnn.storage import PackedNetwork, read_packed


@dataclass(frozen=True)
class EvaluateFile:
    """Measures a packed network on the data of `parts`.

    The pixels are prepared as the file says; where it does not, and for a file without a program, as `parts` says.
    """

    parts: Parts

    def execute(self, path: Path) -> Measured:
        """Accuracy and loss of the file's network; DataError for a damaged file and for data of another shape."""
        network = read_packed(path)
        bench = Workbench.of(_prepared(self.parts, network, path)).ready()
        has_program = _check_data(network, bench, path)
        try:
            module = as_module(bench, network)
        except DataError as error:
            hint = "" if has_program else "; it holds no program of its network, which model= must name"
            raise DataError(f"{path}: {error}{hint}") from error
        return measured(bench, module)


def _prepared(parts: Parts, network: PackedNetwork, path: Path) -> Parts:
    note = network.notes.get("pixels")
    if note is None:
        return parts
    try:
        preprocessing = preprocessing_of(note)
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}") from error
    return replace(parts, preprocessing=lambda split: preprocessing)


def _check_data(network: PackedNetwork, bench: Workbench, path: Path) -> bool:
    """DataError if the network cannot take these images; whether it has a program."""
    try:
        outline = outline_of(network)
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}") from error
    shape, classes = bench.data.image_shape, len(bench.data.classes)
    if outline.image_shape not in (None, shape):
        wanted, given = ("x".join(map(str, sides)) for sides in (outline.image_shape or (), shape))
        raise DataError(f"{path} takes images of {wanted}, {bench.data.name} has {given}; data= chooses other data")
    if outline.result_shapes and outline.result_shapes[-1] != (1, classes):
        raise DataError(f"{path} tells {outline.result_shapes[-1][-1]} classes apart, {bench.data.name} has {classes}")
    return outline.program is not None
