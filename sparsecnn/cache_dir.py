"""Where the program keeps what it can make again: decoded images and compiled kernels."""

import os
from pathlib import Path

from sparsecnn.errors import ConfigError

CACHE_DIR_VARIABLE = "SPARSECNN_CACHE_DIR"


def cache_dir() -> Path:
    """$SPARSECNN_CACHE_DIR, else ~/.cache/sparsecnn; ConfigError when there is no home."""
    try:
        return Path(os.environ.get(CACHE_DIR_VARIABLE) or "~/.cache/sparsecnn").expanduser()
    except RuntimeError as error:
        raise ConfigError(f"there is no home folder to keep files in; set {CACHE_DIR_VARIABLE}") from error
