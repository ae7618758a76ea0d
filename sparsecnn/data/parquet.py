"""A folder of parquet files in the Hugging Face image schema."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sparsecnn.data.cache import cached
from sparsecnn.data.decoding import check_labels, decode, decode_all
from sparsecnn.data.files import user_path
from sparsecnn.data.resident import resident_data_set
from sparsecnn.data.types import DataSet
from sparsecnn.errors import DataError

LABEL = "label"


@dataclass(frozen=True)
class _Table:
    """The shards of one split as one table, with the place of every row."""

    images: pa.ChunkedArray
    labels: list[int | None]
    class_names: list[str] | None
    places: list[tuple[str, int]]

    def where(self, index: int) -> str:
        shard, row = self.places[index]
        return f"{shard}, row {row}"

    def decoded(self) -> np.ndarray:
        encoded = self.images.to_pylist()

        def image(index: int) -> Any:
            if not encoded[index]:
                raise DataError(f"{self.where(index)} has no image")
            return decode(encoded[index], self.where(index))

        return decode_all(len(encoded), image, self.where)


def load_parquet(folder: str) -> DataSet:
    """The set of `train-*.parquet` and `test-*.parquet` in `folder`, decoded once and cached.

    One column holds the images, encoded (a struct with `bytes`, or binary), and `label` their classes; the schema's
    metadata names them. All images must have one size. Raises DataError in one line that names file and row.
    """
    path = user_path(folder)
    shards = {split: sorted(path.glob(f"{split}-*.parquet")) for split in ("train", "test")}
    for split, found in shards.items():
        if not found:
            raise DataError(f"{path} holds no {split}-*.parquet" if path.is_dir() else f"there is no folder {path}")
    path = path.absolute()  # `.` has no name
    return cached([*shards["train"], *shards["test"]], f"{path.name} parquet", lambda: _build(path, shards))


def _build(path: Path, shards: dict[str, list[Path]]) -> DataSet:
    tables = {split: _read_split(found) for split, found in shards.items()}
    names = _agreed([table.class_names for table in tables.values()], path) or _numbered(tables)
    arrays = {}
    for split, table in tables.items():
        labels = check_labels(table.labels, len(names), table.where)
        arrays[split] = table.decoded(), labels
    if arrays["train"][0].shape[1:] != arrays["test"][0].shape[1:]:
        raise DataError(f"{path}: train and test images differ in size or channels")
    return resident_data_set(path.name, arrays["train"], arrays["test"], names)


def _read_split(shards: list[Path]) -> _Table:
    parts = [_read_shard(shard) for shard in shards]
    return _Table(
        pa.chunked_array([chunk for part in parts for chunk in part.images.chunks], parts[0].images.type),
        [label for part in parts for label in part.labels],
        _agreed([part.class_names for part in parts], shards[0].parent),
        [place for part in parts for place in part.places],
    )


def _read_shard(shard: Path) -> _Table:
    try:
        with pq.ParquetFile(shard) as file:  # read_table takes folders, and columns from their names
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{shard} is no readable parquet file") from error
    label = _label_column(table.schema)
    if table.column_names.count(label) != 1 or not pa.types.is_integer(table.schema.field(label).type):
        raise DataError(f"{shard} has no column `{LABEL}` of whole numbers")
    if table.num_rows == 0:
        raise DataError(f"{shard} holds no image")
    images = _image_column(table, shard)
    places = [(str(shard), row) for row in range(table.num_rows)]
    return _Table(images, table.column(label).to_pylist(), _class_names(table.schema, label), places)


def _image_column(table: pa.Table, shard: Path) -> pa.ChunkedArray:
    """The one column of encoded images, whatever its name."""
    found = [index for index, kind in enumerate(table.schema.types) if _is_bytes(kind) or _has_bytes(kind)]
    if len(found) != 1:
        raise DataError(f"{shard} must have one column of encoded images, found {len(found)}")
    column = table.column(found[0])
    if not _has_bytes(column.type):
        return column.cast(pa.large_binary())
    parts = [chunk.field("bytes").cast(pa.large_binary()) for chunk in column.chunks]
    return pa.chunked_array(parts, pa.large_binary())


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _has_bytes(kind: pa.DataType) -> bool:
    index = kind.get_field_index("bytes") if pa.types.is_struct(kind) else -1
    return index >= 0 and _is_bytes(kind.field(index).type)


def _features(schema: pa.Schema) -> dict[str, Any]:
    """What the metadata that Hugging Face's library writes say of each column; empty without them."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: feature for name, feature in features.items() if isinstance(feature, dict)}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _label_column(schema: pa.Schema) -> str:
    """`label`, or without it the one column that the metadata call a class label."""
    found = [name for name, feature in _features(schema).items() if feature.get("_type") == "ClassLabel"]
    return found[0] if LABEL not in schema.names and len(found) == 1 else LABEL


def _class_names(schema: pa.Schema, label: str) -> list[str] | None:
    names = _features(schema).get(label, {}).get("names")
    return [str(name) for name in names] if isinstance(names, list) and names else None


def _agreed(found: list[list[str] | None], folder: Path) -> list[str] | None:
    """The class names of all files that have some: under two orders the same label would mean two things."""
    known = [names for names in found if names]
    if any(names != known[0] for names in known):
        raise DataError(f"the files in {folder} name different classes")
    return known[0] if known else None


def _numbered(tables: dict[str, _Table]) -> list[str]:
    known = [label for table in tables.values() for label in table.labels if label is not None]
    # A label beyond the number of images is no class, which check_labels tells.
    return [str(number) for number in range(min(max(known, default=0) + 1, len(known)))]
