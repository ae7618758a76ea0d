"""Kernels in C: built with the machine's compiler at first use, kept, and called without headers of anything else.

Kernels on vectors are compiled once for each kind of processor (`VARIANTS`): their folder has a `variant.h` with all of
them, named by VARIANT(name), and a source that calls CHOSEN(name), the one for the processor that it runs on.
"""

import ctypes
import functools
import logging
import os
import platform
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sparsecnn.cache_dir import cache_dir
from sparsecnn.digests import digest
from sparsecnn.errors import ConfigError
from sparsecnn.whole_files import write_whole

log = logging.getLogger(__name__)

# An empty value does without a compiler; another names one.
COMPILER_VARIABLE = "SPARSECNN_CC"
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared")
HERE = Path(__file__).parent
# Sources of a library whose kernels use vectors.
VARIANTS = (HERE / "variant_base.c", HERE / "variant_avx2.c")


@functools.cache
def library(*sources: Path) -> ctypes.CDLL | None:
    """The shared library of C `sources`, or None when it cannot be built; the log says so once.

    Headers lie beside the sources. It is kept in the cache folder under the hash of sources, headers, compiler and
    machine, so it is built once; processes that build it at the same time do not disturb each other.
    """
    compiler = os.environ.get(COMPILER_VARIABLE, "cc")
    try:
        if not compiler:
            raise OSError(f"{COMPILER_VARIABLE} is empty")
        return _kept(compiler, sources)
    except (OSError, subprocess.SubprocessError) as error:
        warn_once(_reason(error))
        return None


@functools.cache
def warn_once(reason: str) -> None:
    """One line, however many libraries cannot be built for this reason."""
    log.warning("the C kernels cannot be built, slower code is used (%s)", reason)


def _kept(compiler: str, sources: Sequence[Path]) -> ctypes.CDLL:
    made_of = {
        "sources": {part.name: part.read_text() for part in (*sources, *_headers(sources))},
        "compiler": [compiler, *FLAGS, _output(compiler, "--version")],
        "machine": platform.machine(),
    }
    name = f"{sources[0].stem}-{digest(made_of)}.so"
    try:
        path = cache_dir() / name
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, partial(_built, compiler, sources))
        return ctypes.CDLL(str(path))
    except (OSError, ConfigError):  # nothing can be kept there, or what was kept is damaged
        with tempfile.TemporaryDirectory() as folder:
            return ctypes.CDLL(str(_built(compiler, sources, Path(folder) / name)))


def command(compiler: str, sources: Sequence[Path], path: Path) -> list[str]:
    """What compiles `sources` into the shared library `path`."""
    folders = [f"-I{folder}" for folder in _folders(sources)]
    return [compiler, *FLAGS, *folders, "-o", str(path), *(str(source) for source in sources)]


def _built(compiler: str, sources: Sequence[Path], path: Path) -> Path:
    _output(*command(compiler, sources, path))
    return path


def _headers(sources: Sequence[Path]) -> list[Path]:
    return [header for folder in _folders(sources) for header in sorted(folder.glob("*.h"))]


def _folders(sources: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(source.parent for source in sources))


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=True).stdout


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return next(iter(error.stderr.strip().splitlines()), str(error))
    return str(error)
