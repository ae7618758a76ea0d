"""Paths that a user names."""

from pathlib import Path

from sparsecnn.errors import DataError


def user_folder(folder: str) -> Path:
    """`folder` with ~ replaced; DataError when it is none, or of an unknown user."""
    try:
        path = Path(folder).expanduser()
    except RuntimeError as error:
        raise DataError(f"there is no folder {folder}: its user has no home") from error
    if not path.is_dir():
        raise DataError(f"there is no folder {path}")
    return path


def size_and_time(file: Path) -> tuple[int, int]:
    """Bytes, and nanoseconds of the last change; DataError when the file cannot be reached."""
    try:
        status = file.stat()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    return status.st_size, status.st_mtime_ns
