"""How long a search takes, by layers, candidates and workers: a cost model, and the simulation that checks it.

python benchmarks/scaling.py [--repetitions 20]     writes results/bench/scaling.csv, scaling.png and scaling.svg

Nothing is trained: the rounds are those that `sparsecnn.search` gives for the layers of each network, the times those
of SCENARIOS. Per row: mean and sample deviation over the repetitions (seeds 0, 1, ...). docs/scaling.md explains it.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scaling_figure import draw
from scaling_plan import candidates_by_round
from scaling_scenarios import SCENARIOS, Rule, Scenario, layers, rounds, stages
from scaling_simulation import Mode, Stage, busy_seconds, least_wall_seconds, simulate

from sparsecnn.plots import style
from sparsecnn.search import ByBytes, ByFactor

HOUR = 3600
SYNCHRONOUS, DROPPING, SPECULATING = "rounds that wait", "last quarter dropped", "begun early"
MODES = {SYNCHRONOUS: Mode(), DROPPING: Mode(dropped=0.25), SPECULATING: Mode(speculates=True)}
RULES = {
    "every candidate": Rule(),
    "screening 1/4": Rule(screened=0.25),
    "halving after 1/4": Rule(halved=0.25),
    "start at 1/4": Rule(start=0.25),
    "start at 1/4, screening 1/4": Rule(start=0.25, screened=0.25),
}
SEEDS_AT_ONCE = 4
COST_COLUMNS = (
    "base_epochs",
    "candidate_epochs",
    "refine_epochs",
    "epoch_seconds",
    "evaluate_seconds",
    "overhead_seconds",
    "doubling",
    "sigma",
    "origin",
)
LENET, QUICK, RESNET20 = "LeNet, 2 cores", "cifar10_quick, 2 cores", "ResNet-20, 8 GPUs"
ILSVRC, UNREFINED, ILSVRC_GPUS = "ResNet-50, ILSVRC", "ResNet-50, ILSVRC, unrefined", 256
WORKERS = {
    LENET: (1, 2),
    QUICK: (1, 2),
    "ResNet-20, 2 cores": (1, 2),
    RESNET20: (1, 2, 4, 8),
    ILSVRC: (1, 2, 4, 8, 16, 32, 64),
    UNREFINED: (1, 2, 4, 8, 16, 32, 64),
}
MEASURED = {QUICK: "cifar10"}


@dataclass(frozen=True)
class Case:
    """One row: a search, or several at once, on workers of `group` devices each."""

    study: str
    scenario: Scenario
    workers: int
    group: int = 1
    seeds: int = 1
    mode: str = SYNCHRONOUS
    rule: str = "every candidate"
    refine_width: int = 1


def cases() -> Iterator[Case]:
    """All rows of the table."""
    for name, numbers in WORKERS.items():
        for workers in numbers:
            for mode in MODES:
                yield Case("workers", SCENARIOS[name], workers, mode=mode)
            yield Case("workers", SCENARIOS[name], workers, seeds=SEEDS_AT_ONCE)
        if numbers == (1, 2):
            for mode in MODES:
                yield Case("workers", SCENARIOS[name], 1, group=2, mode=mode)
            yield Case("workers", SCENARIOS[name], 1, group=2, seeds=SEEDS_AT_ONCE)
        if name in MEASURED:
            yield Case("searches", SCENARIOS[name], 2, seeds=3)
    ilsvrc = SCENARIOS[ILSVRC]
    for group in (2**exponent for exponent in range(9)):
        workers = ILSVRC_GPUS // group
        yield Case("groups", ilsvrc, workers, group)
        yield Case("groups", ilsvrc, workers, group, seeds=SEEDS_AT_ONCE)
        if workers > 1:
            yield Case("groups", ilsvrc, workers, group, refine_width=workers)
    yield from _variations()


def _variations() -> Iterator[Case]:
    """Rows that change the search or its times and leave the workers."""
    ilsvrc, unrefined = SCENARIOS[ILSVRC], SCENARIOS[UNREFINED]
    for rule in RULES:
        yield Case("rules", SCENARIOS[QUICK], 2, rule=rule)
        yield Case("rules", ilsvrc, 8, rule=rule)
        yield Case("rules", unrefined, 8, rule=rule)
    for sigma in (0.0, 0.1, 0.3, 0.6):
        for mode in MODES:
            yield Case("spread", replace(unrefined, sigma=sigma), 8, mode=mode)
    for tighten in (ByBytes(0.2), ByBytes(0.1), ByBytes(0.05), ByBytes(0.02), ByBytes(0.01), ByFactor(0.7)):
        for name in (QUICK, RESNET20, ILSVRC):
            yield Case("steps", replace(SCENARIOS[name], tighten=tighten), WORKERS[name][-1])
    for epochs in (0.1, 0.25):
        for epoch_minutes in (10, 15, 20):
            times = replace(ilsvrc, candidate_epochs=epochs, epoch_seconds=60 * epoch_minutes)
            yield Case("epochs", times, 8)


def row(case: Case, repetitions: int) -> dict[str, object]:
    """What the table says of one case."""
    search = stages(case.scenario, RULES[case.rule], group=case.group, refine_width=case.refine_width)
    searches = [search] * case.seeds
    found = [
        simulate(
            searches,
            case.workers,
            mode=MODES[case.mode],
            sigma=case.scenario.sigma,
            rng=np.random.default_rng(repetition),
        )
        for repetition in range(repetitions)
    ]
    wall = np.array([outcome.wall_seconds for outcome in found])
    busy = np.array([outcome.busy_seconds for outcome in found])
    wasted = np.array([outcome.wasted_seconds for outcome in found])
    trainings = case.seeds * sum(stage.jobs for stage in search)
    return {
        **_facts(case, search),
        **(_with_any_winner(case.scenario) if case.study == "steps" else {}),
        "model_hours": least_wall_seconds(searches, case.workers) / HOUR,
        "hours": wall.mean() / HOUR,
        "hours_deviation": wall.std(ddof=1) / HOUR,
        "hours_a_seed": wall.mean() / HOUR / case.seeds,
        "utilisation": (busy / (case.workers * wall)).mean(),
        "busy_device_hours_a_seed": case.group * busy.mean() / HOUR / case.seeds,
        "model_device_hours_a_seed": case.group * busy_seconds(search) / HOUR,
        "wasted_share": (wasted / busy).mean(),
        "counted_share": np.mean([outcome.counted for outcome in found]) / trainings,
        "repetitions": repetitions,
    }


def _facts(case: Case, search: Sequence[Stage]) -> dict[str, object]:
    scenario, rule = case.scenario, RULES[case.rule]
    planned = rounds(scenario, rule.start)
    step = scenario.tighten
    share = step.share if isinstance(step, ByBytes) else math.nan
    return {
        "study": case.study,
        "scenario": scenario.name,
        "tighten": f"bytes, {share:g}" if isinstance(step, ByBytes) else "factor, 0.7",
        "rule": case.rule,
        "mode": case.mode,
        "seeds": case.seeds,
        "workers": case.workers,
        "group": case.group,
        "refine_width": case.refine_width,
        **{name: getattr(scenario, name) for name in COST_COLUMNS},
        "layers": len(layers(scenario.network).weights),
        "rounds": len(planned),
        "model_rounds": math.log(scenario.target / rule.start) / math.log(1 - share),
        "candidates": sum(planned),
        "candidates_a_round": np.mean(planned),
        "most_candidates": max(planned),
        "stages_a_seed": len(search),
    }


def _with_any_winner(scenario: Scenario) -> dict[str, object]:
    """Rounds and candidates of a search whose winners are drawn (seed 0); none for ByFactor, which then crawls."""
    if isinstance(scenario.tighten, ByFactor):
        return {}
    rng = np.random.default_rng(0)
    drawn = candidates_by_round(layers(scenario.network), scenario.tighten, target=scenario.target, rng=rng)
    return {"rounds_any_winner": len(drawn), "candidates_any_winner": sum(drawn)}


def measured_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `searches` beside the committed ones: rounds, candidates and core hours of the fastest seed.

    The fastest, because other work on the machine made single trainings of the others several times as long.
    """
    searches = table[table.study == "searches"].copy()
    for name, folder in MEASURED.items():
        found = pd.read_csv(Path("results") / folder / "frontier" / "table.csv")
        seconds = found.groupby("seed").train_seconds.sum()
        fastest = found[found.seed == seconds.idxmin()]
        is_it = searches.scenario == name
        searches.loc[is_it, "measured_rounds"] = fastest["round"].max()
        searches.loc[is_it, "measured_candidates"] = (fastest.phase == "candidate").sum()
        searches.loc[is_it, "measured_device_hours"] = seconds.min() / HOUR
    return searches


def main() -> None:
    """Simulates every case, writes the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--output", type=Path, default=Path("results/bench/scaling.csv"))
    arguments = parser.parse_args()
    table = pd.DataFrame([row(case, arguments.repetitions) for case in cases()])
    table = pd.concat([table[table.study != "searches"], measured_rows(table)])
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.output, index=False, float_format="%.4g")
    style.save(draw(table), arguments.output.with_suffix(""))
    shown = ["study", "scenario", "tighten", "rule", "mode", "seeds", "workers", "group", "hours", "utilisation"]
    print(table[shown].to_string(index=False))


if __name__ == "__main__":
    main()
