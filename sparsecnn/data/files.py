"""Paths that a user names."""

from pathlib import Path

from sparsecnn.errors import DataError


def user_path(path: str) -> Path:
    """`path` with ~ replaced; DataError for the home of an unknown user."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise DataError(f"there is no folder {path}: its user has no home") from error


def size_and_time(file: Path) -> tuple[int, int]:
    """Bytes, and nanoseconds of the last change; DataError when the file cannot be reached."""
    try:
        status = file.stat()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    return status.st_size, status.st_mtime_ns
