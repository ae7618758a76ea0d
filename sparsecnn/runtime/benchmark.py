"""How fast a packed network runs here and elsewhere, on the same machine at the same time."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparsecnn.errors import ConfigError
from sparsecnn.runtime.contenders import (
    CONTENDERS,
    OURS,
    Call,
    UnavailableError,
    contender,
    dense_form,
    example_images,
    packed_file,
)
from sparsecnn.runtime.memory import peak_memory_bytes
from sparsecnn.storage import PackedNetwork

log = logging.getLogger(__name__)

# Of a contender's calls in a round the fastest counts: as many as fit in this time, within limits.
ROUND_SECONDS = 0.02
FEWEST_CALLS, MOST_CALLS = 2, 50
# Threads of the contender before (ONNX Runtime's) wait for more work on the cores that the next one needs.
PAUSE_SECONDS = 0.03
QUARTILES = (0.25, 0.5, 0.75)
Seconds = NDArray[np.float64]


def benchmark(
    path: str | Path,
    *,
    batches: Sequence[int] = (1, 8, 64, 128),
    rounds: int = 15,
    threads: int | None = None,
    contenders: Sequence[str] = tuple(CONTENDERS),
    measures_memory: bool = True,
    on_progress: Callable[[str], None] = lambda text: None,
) -> pd.DataFrame:
    """A row for each batch and contender that can run here; all compute the same packed file.

    In every round each contender has its turn. `seconds` a batch and `ratio`, a contender's seconds over sparsecnn's of
    the same round (above 1: sparsecnn is faster), are medians over rounds, with quartiles `_low` and `_high`.
    `largest_difference` is that of its scores from those in float64, over the largest score. `memory_bytes` is the
    resident memory that it needs beyond torch itself, measured in a process of its own, NaN where that cannot be.
    `threads` are torch's unless given; `on_progress` is told what is measured next. Raises DataError for a file that
    cannot be run.
    """
    if OURS not in contenders or rounds < 1 or min(batches, default=0) < 1:
        raise ConfigError(f"a benchmark needs {OURS}, a round and batches of at least one image")
    packed = packed_file(path)
    rows = []
    with _threads(threads or torch.get_num_threads()) as count:
        for batch in batches:
            images = example_images(packed, batch)
            on_progress(f"batch {batch}, {count} threads: {rounds} rounds")
            calls = _available(packed, images, contenders)
            differences = _differences(packed, images, calls)
            seconds = _seconds(calls, rounds)
            for name, measured in seconds.items():
                if measures_memory:
                    on_progress(f"batch {batch}, {count} threads: memory of {name}")
                memory = peak_memory_bytes(path, name, batch, threads=count) if measures_memory else nan
                facts = {"batch": batch, "contender": name, "threads": count, "rounds": rounds}
                ratios = _quartiles("ratio", measured / seconds[OURS])
                errors = {"largest_difference": differences[name], "memory_bytes": memory}
                rows.append({**facts, **_quartiles("seconds", measured), **ratios, **errors})
    return pd.DataFrame(rows)


@contextmanager
def _threads(count: int) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield count
    finally:
        torch.set_num_threads(before)


def _available(packed: PackedNetwork, images: Tensor, names: Sequence[str]) -> dict[str, Call]:
    calls = {}
    for name in names:
        try:
            calls[name] = contender(name, packed, images)
        except UnavailableError as error:
            log.warning("%s is left out: %s", name, error)
    return calls


def _differences(packed: PackedNetwork, images: Tensor, calls: Mapping[str, Call]) -> dict[str, float]:
    """The largest difference of each contender's scores from exact ones, over the largest score."""
    with torch.inference_mode():
        exact = dense_form(packed).module().double()(images.double()).numpy()
    largest = float(np.abs(exact).max(initial=0.0)) or 1.0  # of scores that are all zero the difference itself
    return {name: float(np.abs(np.asarray(call()) - exact).max(initial=0.0)) / largest for name, call in calls.items()}


def _seconds(calls: Mapping[str, Call], rounds: int) -> dict[str, Seconds]:
    """The fastest call of each contender in each round [rounds]."""
    repeats = {name: _repeats(call) for name, call in calls.items()}
    measured: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            time.sleep(PAUSE_SECONDS)
            measured[name].append(min(_timed(call) for _ in range(repeats[name])))
    return {name: np.array(seconds) for name, seconds in measured.items()}


def _repeats(call: Call) -> int:
    call()
    return int(np.clip(ROUND_SECONDS / _timed(call), FEWEST_CALLS, MOST_CALLS))


def _timed(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _quartiles(name: str, values: Seconds) -> dict[str, float]:
    low, middle, high = np.quantile(values, QUARTILES)
    return {name: float(middle), f"{name}_low": float(low), f"{name}_high": float(high)}
