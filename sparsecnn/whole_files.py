"""Files that are there whole or not at all, whatever happens while they are written."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sparsecnn.errors import SparsecnnError

UNFINISHED = ".unfinished"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a path to write to; at the end what is there takes the place of `path`, in one step.

    It lies in a folder of its own beside `path`: libraries that write a file make further ones next to it, and a kill
    leaves them all. `remove_unfinished` takes such folders away. A link stays one; a device or a pipe is written to.
    """
    path = path.resolve()
    is_special = path.exists() and not path.is_file() and not path.is_dir()
    folder = Path(tempfile.mkdtemp(prefix=".", suffix=UNFINISHED, dir=None if is_special else path.parent))
    try:
        part = folder / path.name
        part.touch()
        mode = part.stat().st_mode
        yield part
        if is_special:
            path.write_bytes(part.read_bytes())
            return
        part.chmod(mode)  # some writers give the file to its owner only
        os.replace(part, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Lets `write` make the file, then puts it at `path` in one step."""
    with replacing(path) as part:
        write(part)
    return path


def write_output(path: Path, write: Callable[[Path], object]) -> Path:
    """Like `write_whole`, for what a user asked for: its folder is made; SparsecnnError when that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_whole(path, write)
    except OSError as error:
        raise SparsecnnError(f"{path} cannot be written: {error.strerror}") from error


def write_bytes(path: Path, data: bytes) -> Path:
    """`write_output` of these bytes."""
    return write_output(path, partial(Path.write_bytes, data=data))


def remove_unfinished(folder: Path) -> None:
    """Removes what processes that were killed left of files in `folder`; nobody may be writing there now."""
    for left in folder.glob(f"*{UNFINISHED}"):
        shutil.rmtree(left, ignore_errors=True)
