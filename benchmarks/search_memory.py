"""Memory of the process over the candidates of a search: it must stay flat.

python benchmarks/search_memory.py [--rounds 40]     writes results/bench/search_memory.csv

A search on the digits in this process; after each round, how many networks were trained and the resident memory.
"""

import argparse
import tempfile
from pathlib import Path

import pandas as pd

from sparsecnn.config import build, compose, identity
from sparsecnn.experiments import RunInfo, open_run
from sparsecnn.experiments.progress import Silent

OVERRIDES = [
    "threads=1",
    "validation.share=0.2",
    "solver.epochs=2",
    "search.retrain.epochs=0.5",
    "tighten=factor",
    "tighten.factor=0.95",
]


class ResidentMemory(Silent):
    """Reads the resident memory of this process whenever a round closes."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def networks(self, done: int, total: int | None, note: str, share: float | None) -> None:
        """One row a round."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.rows.append({"networks": done, "resident_mib": pages * 4096 / 2**20})


def main() -> None:
    """Runs the search and prints the memory at its start, in its middle and at its end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--output", type=Path, default=Path("results/bench/search_memory.csv"))
    arguments = parser.parse_args()
    composed = compose("greedy_search", [*OVERRIDES, f"search.rounds={arguments.rounds}"])
    memory = ResidentMemory()
    with tempfile.TemporaryDirectory() as folder:
        info = RunInfo(Path(folder), composed.text(), (), identity(composed), composed.choices)
        with open_run(info) as run:
            build(composed.nodes).execute(run, info.identity, memory)
    table = pd.DataFrame(memory.rows)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.output, index=False, float_format="%.1f")
    print(table.iloc[[1, len(table) // 2, -1]].to_string(index=False))


if __name__ == "__main__":
    main()
