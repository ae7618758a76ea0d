"""What `bench` measures and prints."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from rich.console import Console

from sparsecnn.cli.execution import log_to
from sparsecnn.runtime import load
from sparsecnn.runtime.benchmark import benchmark
from sparsecnn.runtime.contenders import CONTENDERS, OURS
from sparsecnn.sizes import readable


def bench(
    file: Path, batches: Sequence[int], rounds: int, threads: Sequence[int], against: Sequence[str]
) -> tuple[str, pd.DataFrame]:
    """Times and ratios of a packed file as text and as a table, below how each of its layers is computed."""
    console = Console(stderr=True)
    log_to(console, quiet=False)
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # torch.compile warns that there is no GPU
    counts = threads or sorted({1, torch.get_num_threads()})
    plan = pd.DataFrame([vars(layer) for layer in load(file).plan])
    contenders = (OURS, *against) if against else tuple(CONTENDERS)
    with console.status("measuring") as status:
        measure = partial(benchmark, batches=batches, rounds=rounds, contenders=contenders, on_progress=status.update)
        table = pd.concat([measure(file, threads=count) for count in counts])
    shown = pd.DataFrame(
        {
            "threads": table.threads,
            "batch": table.batch,
            "contender": table.contender,
            "ms": (1000 * table.seconds).map("{:.3f}".format),
            "ratio": [
                f"{row.ratio:.2f} ({row.ratio_low:.2f}-{row.ratio_high:.2f})" for row in table.itertuples(index=False)
            ],
            "memory": table.memory_bytes.map(readable, na_action="ignore").fillna("-"),
            "difference": table.largest_difference.map("{:.1e}".format),
        }
    )
    return f"{plan.to_string(index=False)}\n\n{shown.to_string(index=False)}", table
