"""Memory over the candidates of a search: it must stay flat, in this process and in workers beside it.

python benchmarks/search_memory.py [--rounds 100]     writes results/bench/search_memory.csv

A search on the digits, five candidates a round, in this process and then with `executor=local`; after each round, how
many networks were trained, the resident memory of this process, and the greatest of its workers.
"""

import argparse
import tempfile
from pathlib import Path

import pandas as pd
from environment import write
from in_process import run

from sparsecnn.experiments.progress import Silent

OVERRIDES = [
    "threads=1",
    "validation.share=0.2",
    "solver.epochs=2",
    "search.retrain.epochs=0.5",
    "tighten=factor",
    "tighten.factor=0.95",
]
EXECUTORS = {"serial": [], "local": ["executor=local", "executor.workers=2"]}


class ResidentMemory(Silent):
    """Reads the resident memory whenever a round closes."""

    def __init__(self, executor: str) -> None:
        self.executor = executor
        self.rows: list[dict[str, object]] = []

    def networks(self, done: int, total: int | None, note: str, share: float | None) -> None:
        """One row a round."""
        workers = [_resident_mib(worker) for worker in _children()]
        row = {"executor": self.executor, "networks": done, "resident_mib": _resident_mib("self")}
        self.rows.append({**row, "worker_mib": max(workers, default=None)})


def _children() -> list[str]:
    files = Path("/proc/self/task").glob("*/children")
    return [child for file in files for child in file.read_text().split()]


def _resident_mib(process: str) -> float:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096 / 2**20


def search(executor: str, rounds: int) -> pd.DataFrame:
    """A row a round."""
    memory = ResidentMemory(executor)
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), "greedy_search", [*OVERRIDES, *EXECUTORS[executor], f"search.rounds={rounds}"], memory)
    return pd.DataFrame(memory.rows)


def main() -> None:
    """Runs the searches and prints the memory at their start, in their middle and at their end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--output", type=Path, default=Path("results/bench/search_memory.csv"))
    arguments = parser.parse_args()
    tables = [search(executor, arguments.rounds) for executor in EXECUTORS]
    for table in tables:
        print(table.iloc[[1, len(table) // 2, -1]].to_string(index=False))
    write(pd.concat(tables), arguments.output)


if __name__ == "__main__":
    main()
