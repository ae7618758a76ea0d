"""The memory of one contender in a process of its own: `python -m sparsecnn.runtime.memory FILE NAME BATCH THREADS`."""

import subprocess
import sys
from math import nan
from pathlib import Path

import torch

from sparsecnn.errors import SparsecnnError
from sparsecnn.runtime.contenders import UnavailableError, contender, example_images, packed_file

CALLS = 3
STATUS = Path("/proc/self/status")
KIB = 1024


def peak_memory_bytes(path: str | Path, name: str, batch: int, *, threads: int) -> float:
    """What a contender needs at most beyond torch itself to read the file and compute a batch, in resident bytes.

    NaN where the system does not tell (it is Linux that does), or the contender cannot run.
    """
    command = [sys.executable, "-m", "sparsecnn.runtime.memory", str(path), name, str(batch), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else nan


def status_bytes(field: str) -> int:
    """A size that Linux tells of this process, such as VmRSS (resident now) or VmHWM (resident at most)."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[field].split()[0]) * KIB


def _warm_up() -> None:
    """Loads what torch loads at the first convolution, whoever asks for it."""
    torch.nn.functional.conv2d(torch.zeros(1, 8, 8, 8), torch.zeros(8, 8, 3, 3))
    torch.nn.functional.linear(torch.zeros(1, 8), torch.zeros(8, 8))


def main(path: str, name: str, batch: str, threads: str) -> None:
    """Prints the bytes."""
    torch.set_num_threads(int(threads))
    packed = packed_file(path)
    images = example_images(packed, int(batch))
    _warm_up()
    before = status_bytes("VmRSS")
    call = contender(name, packed, images)
    for _ in range(CALLS):
        call()
    print(max(status_bytes("VmHWM") - before, 0))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (SparsecnnError, UnavailableError, OSError) as error:
        sys.exit(str(error))
