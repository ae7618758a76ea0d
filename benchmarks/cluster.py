"""Ray on one machine: two actors against one, what a task costs beside its work, and the table under random kills.

python benchmarks/cluster.py --mnist FOLDER [--rounds 3] [--kills 20] [-o FILE]     writes results/bench/cluster.csv

Speed: rounds of LeNet's candidates as benchmarks/candidates.py has them, by one actor and by two in turns. Overhead:
LeNet measured on one image from a file of its weights, by one actor and in this process. Kills: a search on scanned
digits, one of whose actors is killed at random every few seconds, against the same search in this process.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
from candidates import WAYS, Bench
from environment import write
from in_process import run
from killing import Killing

from sparsecnn.executors import Pool, Serial
from sparsecnn.executors.ray_cluster import RayCluster
from sparsecnn.experiments.tasks import Bundle
from sparsecnn.experiments.work import Preparation
from sparsecnn.models import WeightsFile, weights_bytes

SEARCH = ["threads=1", "solver.epochs=4", "search.retrain.epochs=3", "search.rounds=8", "seeds=[0,1]", "tighten=factor"]
UNMEASURED = ["run", "train_seconds", "started_at"]
SMALL_TASKS = 100
# Seconds between two kills, on average: an actor needs some to begin.
KILL_SECONDS = 6.0


def speed(bench: Bench, rounds: int) -> pd.Series:
    """How many times as fast two actors are as one, a round each."""
    way, ratios = WAYS["2 processes, 2 seeds"], []
    for _ in range(rounds):
        seconds = []
        for workers in (1, 2):
            with RayCluster(workers=workers).start(Preparation(bench.search.parts, bench.bench)) as pool:
                list(pool.results(bench.bundles(way)[:workers]))  # so that the actors have begun
                seconds.append(bench.seconds(way, pool))
        ratios.append(seconds[0] / seconds[1])
    return pd.Series(ratios)


def overhead(bench: Bench, rounds: int) -> pd.Series:
    """Milliseconds of a task by an actor beyond those of the same task in this process."""
    task = bench.bundles(WAYS["one after another"])[0].tasks[0]
    weights = WeightsFile("weights", weights_bytes(bench.bench.fresh_model(0)))
    bundles = [Bundle((replace(task, start=weights, solver=None, images=1),))] * SMALL_TASKS
    prepare = Preparation(bench.search.parts, bench.bench)
    with RayCluster(workers=1).start(prepare) as cluster, Serial().start(prepare) as here:
        return pd.Series([_task_ms(cluster, bundles) - _task_ms(here, bundles) for _ in range(rounds + 1)][1:])


def _task_ms(pool: Pool, bundles: list[Bundle]) -> float:
    started = time.perf_counter()
    list(pool.results(bundles))
    return 1e3 * (time.perf_counter() - started) / len(bundles)


def table(folder: Path, *overrides: str) -> pd.DataFrame:
    """The results of the search."""
    return run(folder, "greedy_search", [*SEARCH, *overrides]).table.drop(columns=UNMEASURED)


def kills(most: int) -> tuple[int, int]:
    """How many actors were killed in searches, and how many of these searches had another table."""
    killed = different = 0
    with tempfile.TemporaryDirectory() as folder:
        expected = table(Path(folder) / "here")
        while killed < most:
            killing = Killing(KILL_SECONDS, most)
            killing.start()
            found = table(Path(folder) / f"killed{killed}", "executor=ray", "executor.workers=2")
            killing.is_over = True
            killing.join()
            killed += killing.count
            different += not found.equals(expected)
            print(f"{killed} kills, {different} other tables (seed {killing.seed})", flush=True)
    return killed, different


def row(name: str, unit: str, values: pd.Series) -> dict[str, object]:
    """Median and quartiles."""
    lower, upper = values.quantile(0.25), values.quantile(0.75)
    return {"measured": name, "unit": unit, "median": values.median(), "lower_quartile": lower, "upper_quartile": upper}


def main() -> None:
    """Measures all three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("-o", "--output", type=Path, default=Path("results/bench/cluster.csv"))
    arguments = parser.parse_args()
    bench = Bench("lenet", arguments.mnist)
    rows = [row("speed of 2 actors", "times 1 actor", speed(bench, arguments.rounds))]
    rows.append(row("overhead", "ms a task", overhead(bench, arguments.rounds)))
    killed, different = kills(arguments.kills)
    rows.append(row("kills", "actors", pd.Series([killed])))
    rows.append(row("other tables after kills", "searches", pd.Series([different])))
    print(pd.DataFrame(rows).to_string(index=False))
    write(pd.DataFrame(rows), arguments.output)


if __name__ == "__main__":
    main()
