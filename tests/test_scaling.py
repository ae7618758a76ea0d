"""The simulation behind docs/scaling.md: its rounds, its event loop and its committed table."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scaling import Case, row
from scaling_plan import candidates_by_round, layer_bytes, layers_of
from scaling_scenarios import SCENARIOS, Rule, rounds, stages
from scaling_simulation import Mode, Outcome, Stage, busy_seconds, least_wall_seconds, simulate, wall_seconds

from sparsecnn.search import ByBytes, ByFactor
from sparsecnn.storage import Storage

ROOT = Path(__file__).resolve().parent.parent
SEARCH = [Stage(1, 64), Stage(7, 8, chooses=True), Stage(1, 16), Stage(3, 8, chooses=True), Stage(2, 4, width=2)]


def simulated(
    searches: list[list[Stage]], workers: int, *, mode: Mode | None = None, sigma: float = 0.0, seed: int = 0
) -> Outcome:
    rng = np.random.default_rng(seed)
    return simulate(searches, workers, mode=mode or Mode(), sigma=sigma, rng=rng)


@pytest.mark.parametrize("workers", [2, 3, 4, 7, 100])
def test_equal_durations_take_exactly_the_time_of_the_formula(workers: int) -> None:
    outcome = simulated([SEARCH], workers)
    waves = {2: (4, 2, 2), 3: (3, 1, 2), 4: (2, 1, 1), 7: (1, 1, 1), 100: (1, 1, 1)}[workers]
    assert outcome.wall_seconds == 64 + 8 * waves[0] + 16 + 8 * waves[1] + 4 * waves[2]
    assert outcome.wall_seconds == wall_seconds(SEARCH, workers)
    assert outcome.busy_seconds == busy_seconds(SEARCH) == 64 + 56 + 16 + 24 + 16
    assert (outcome.wasted_seconds, outcome.counted) == (0, 14)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("rule", [Rule(), Rule(screened=0.25), Rule(halved=0.25), Rule(start=0.25)])
def test_every_scenario_takes_the_time_of_the_formula_when_nothing_spreads(name: str, rule: Rule) -> None:
    search = stages(SCENARIOS[name], rule)
    assert simulated([search], 4).wall_seconds == pytest.approx(wall_seconds(search, 4), rel=1e-12)


@pytest.mark.parametrize("workers", [2, 3, 5, 8])
def test_several_seeds_take_no_less_than_their_bound_and_no_longer_than_one_after_another(workers: int) -> None:
    searches = [SEARCH, SEARCH, SEARCH]
    wall = simulated(searches, workers).wall_seconds
    assert least_wall_seconds(searches, workers) <= wall <= 3 * wall_seconds(SEARCH, workers)


def test_durations_have_the_mean_of_their_stage() -> None:
    outcome = simulated([[Stage(40_000, 10)]], 1, sigma=0.5)
    assert outcome.wall_seconds == outcome.busy_seconds == pytest.approx(400_000, rel=0.01)


def test_spread_makes_rounds_longer_and_no_more_expensive() -> None:
    search = [Stage(8, 10, chooses=True)] * 2000
    outcome = simulated([search], 8, sigma=0.3)
    assert outcome.wall_seconds > 1.3 * wall_seconds(search, 8)
    assert outcome.busy_seconds == pytest.approx(busy_seconds(search), rel=0.01)


def test_dropping_stops_the_last_quarter_of_choosing_stages_only() -> None:
    search = [Stage(8, 10, chooses=True), Stage(8, 10)]
    outcome = simulated([search], 7, mode=Mode(dropped=0.25))
    # Two of eight may be missing: the eighth, just begun, and the seventh, whose time is thrown away.
    assert outcome.wall_seconds == 10 + 20
    assert (outcome.counted, outcome.wasted_seconds) == (6 + 8, 10)


def test_what_was_begun_early_counts_when_the_best_stays_the_best() -> None:
    # Three candidates on two workers; beside the third, the next stage begins from the better of the first two.
    search = [Stage(3, 8, chooses=True), Stage(1, 8)]
    outcomes = [simulated([search], 2, mode=Mode(speculates=True), seed=seed) for seed in range(600)]
    assert wall_seconds(search, 2) == 24
    assert {outcome.wall_seconds for outcome in outcomes} == {16, 24}
    assert {outcome.wasted_seconds for outcome in outcomes} == {0, 8}
    assert np.mean([outcome.wall_seconds == 16 for outcome in outcomes]) == pytest.approx(2 / 3, abs=0.06)
    assert all(outcome.counted == 4 for outcome in outcomes)


@pytest.mark.parametrize("shape", [(64, 32, 5, 5), (10, 512), (256, 800)])
@pytest.mark.parametrize("density", [1.0, 0.5, 0.2, 0.05, 0.01])
def test_bytes_without_a_mask_are_those_of_a_random_one(shape: tuple[int, ...], density: float) -> None:
    weights = math.prod(shape)
    nonzeros = round(density * weights)
    weight = torch.zeros(weights)
    weight[torch.randperm(weights, generator=torch.Generator().manual_seed(0))[:nonzeros]] = 1.0
    assert layer_bytes(weights, nonzeros, shape[0]) == pytest.approx(
        Storage().layer(weight.view(shape)).bytes, rel=0.01
    )


@pytest.mark.parametrize(("name", "folder"), [("LeNet, 2 cores", "mnist"), ("cifar10_quick, 2 cores", "cifar10")])
def test_rounds_are_as_many_as_the_committed_searches_took(name: str, folder: str) -> None:
    table = pd.read_csv(ROOT / "results" / folder / "frontier" / "table.csv")
    assert {len(rounds(SCENARIOS[name]))} == set(table.groupby("seed")["round"].max())


def test_networks_have_the_layers_that_the_search_finds() -> None:
    names = ("lenet", "cifar10_quick", "resnet20", "resnet50")
    assert [len(layers_of(name).weights) for name in names] == [4, 5, 20, 54]
    assert layers_of("cifar10_quick").memory_bytes(layers_of("cifar10_quick").weights) == 582_312


def test_every_layer_is_a_candidate_of_every_round_when_budgets_shrink_by_a_factor() -> None:
    assert set(candidates_by_round(layers_of("resnet20"), ByFactor(0.5), target=0.25)) == {20}


def test_a_later_start_leaves_out_the_first_rounds() -> None:
    layers = layers_of("cifar10_quick")
    whole = candidates_by_round(layers, ByBytes(0.2), target=1 / 22)
    later = candidates_by_round(layers, ByBytes(0.2), target=1 / 22, start=0.25)
    assert len(whole) - len(later) == 6  # 0.8^6 is just above 1/4


@pytest.mark.parametrize("name", ["LeNet, 2 cores", "cifar10_quick, 2 cores"])
def test_the_committed_table_is_what_the_benchmark_gives(name: str) -> None:
    table = pd.read_csv(ROOT / "results" / "bench" / "scaling.csv")
    found = table[(table.study == "workers") & (table.scenario == name) & (table.workers == 2) & (table.seeds == 4)]
    made = row(Case("workers", SCENARIOS[name], 2, seeds=4), int(found.repetitions.iloc[0]))
    for column in ("model_hours", "hours", "hours_deviation", "utilisation", "busy_device_hours_a_seed"):
        assert found[column].iloc[0] == pytest.approx(made[column], rel=1e-3)
