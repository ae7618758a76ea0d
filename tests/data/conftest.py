"""Small image files, and a cache of its own for every test."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

Encode = Callable[..., bytes]
WriteShard = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SPARSECNN_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def encode() -> Encode:
    def encoded(value: int | np.ndarray, *, size: int = 4, grey: bool = False, kind: str = "PNG") -> bytes:
        shape = (size, size) if grey else (size, size, 3)
        pixels = np.full(shape, value, np.uint8) if isinstance(value, int) else value
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind)
        return file.getvalue()

    return encoded


@pytest.fixture
def write_shard() -> WriteShard:
    """Writes images (bytes or None) and labels as Hugging Face does; `names` go to the metadata."""

    def write(
        path: Path,
        images: Sequence[bytes | None],
        labels: Sequence[int | None],
        *,
        names: Sequence[str] | None = None,
        column: str = "image",
        label: str = "label",
        is_struct: bool = True,
        extra: dict[str, Any] | None = None,
    ) -> Path:
        values = [{"bytes": image, "path": None} for image in images] if is_struct else list(images)
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if is_struct else pa.binary()
        table = pa.table({column: pa.array(values, kind), label: pa.array(labels, pa.int64()), **(extra or {})})
        if names is not None:
            features = {column: {"_type": "Image"}, label: {"names": list(names), "_type": "ClassLabel"}}
            table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        return path

    return write
