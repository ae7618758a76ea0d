"""Searches on shared workers, simulated event by event, and the closed formulas that the simulation is held against.

A search is a list of stages. The trainings of a stage may run side by side; the next stage waits for all of them.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Stage:
    """`jobs` trainings of `seconds` each on average; every one holds `width` workers.

    With `chooses` the best of them starts the next stage, so that stage can be begun from the best so far.
    """

    jobs: int
    seconds: float
    width: int = 1
    chooses: bool = False


@dataclass(frozen=True)
class Mode:
    """How rounds end. Without options: when all trainings are in (what this project does).

    `dropped`: a choosing stage closes once all are begun and at most this share of them still runs; these are stopped.
    `speculates`: idle workers begin the next stage from the best so far, and what they did is thrown away when a better
    one comes in.
    """

    dropped: float = 0.0
    speculates: bool = False


@dataclass(frozen=True)
class Outcome:
    """Seconds until the last search ends; seconds of workers in use, how many of them for nothing; trainings used."""

    wall_seconds: float
    busy_seconds: float
    wasted_seconds: float
    counted: int


def wall_seconds(stages: Sequence[Stage], workers: int) -> float:
    """The wall time of one search whose trainings all take their mean time."""
    return sum(math.ceil(stage.jobs / (workers // stage.width)) * stage.seconds for stage in stages)


def busy_seconds(stages: Sequence[Stage]) -> float:
    """The seconds of workers that a search takes, on average, when it waits for all trainings."""
    return sum(stage.jobs * stage.width * stage.seconds for stage in stages)


def least_wall_seconds(searches: Sequence[Sequence[Stage]], workers: int) -> float:
    """What several searches on the same workers take at least, trainings of mean time and rounds that wait."""
    work = sum(busy_seconds(stages) for stages in searches) / workers
    return max(work, *(wall_seconds(stages, workers) for stages in searches))


def simulate(
    searches: Sequence[Sequence[Stage]], workers: int, *, mode: Mode, sigma: float, rng: np.random.Generator
) -> Outcome:
    """The outcome of `searches` on `workers`; the search that is furthest behind is served first.

    Durations are log-normal around the mean of their stage, `sigma` the deviation of their logarithm; 0 makes them
    equal. Which training of a stage turns out better is random, whatever it took.
    """
    pool = _Pool([_Search(stages, _Batch(stages[0])) for stages in searches], workers, mode, sigma, rng)
    pool.fill_()
    while pool.events:
        pool.finish_next_()
        pool.fill_()
    wall = max(search.ended for search in pool.searches)
    return Outcome(wall, pool.busy_seconds, pool.wasted_seconds, pool.counted)


@dataclass
class _Batch:
    """One stage under way. `spent`: the busy seconds of its finished trainings; `best`: the lowest of their scores."""

    stage: Stage
    begun: int = 0
    running: dict[int, float] = field(default_factory=dict)  # number of the training: when it began
    finished: int = 0
    spent: float = 0.0
    best: float = math.inf

    def is_closed(self, dropped: float) -> bool:
        spared = math.floor(dropped * self.stage.jobs) if self.stage.chooses else 0
        return self.begun == self.stage.jobs and len(self.running) <= spared


@dataclass
class _Search:
    """One search: its current stage, and the one after it where that was begun early."""

    stages: Sequence[Stage]
    current: _Batch | None
    place: int = 0
    ahead: _Batch | None = None
    ended: float = 0.0


@dataclass
class _Pool:
    """All workers, and what they do. An event whose training was stopped is passed over."""

    searches: list[_Search]
    idle: int
    mode: Mode
    sigma: float
    rng: np.random.Generator
    now: float = 0.0
    events: list[tuple[float, int]] = field(default_factory=list)
    owners: dict[int, tuple[_Search, _Batch]] = field(default_factory=dict)
    begun: int = 0
    counted: int = 0
    busy_seconds: float = 0.0
    wasted_seconds: float = 0.0

    def fill_(self) -> None:
        """Gives idle workers trainings: first those of current stages, then those begun early."""
        if not self.idle:
            return
        searches = [search for search in self.searches if search.current is not None]
        searches.sort(key=lambda search: search.place)
        for search in searches:
            assert search.current is not None
            self._begin_all_(search, search.current)
        for search in searches if self.mode.speculates else ():
            batch, place = search.current, search.place + 1
            assert batch is not None
            if (
                batch.stage.chooses
                and batch.begun == batch.stage.jobs
                and batch.finished
                and place < len(search.stages)
            ):
                search.ahead = search.ahead or _Batch(search.stages[place])
                self._begin_all_(search, search.ahead)

    def finish_next_(self) -> None:
        """Goes on to the next event; what finishes may close stages."""
        self.now, number = heapq.heappop(self.events)
        if number not in self.owners:
            return
        search, batch = self.owners[number]
        batch.spent += self._free_(number)
        batch.finished += 1
        score = self.rng.random()
        if score < batch.best:
            batch.best = score
            if batch is search.current and search.ahead is not None:
                self._drop_(search.ahead)
                search.ahead = None
        while search.current is not None and search.current.is_closed(self.mode.dropped):
            self._close_(search)

    def _begin_all_(self, search: _Search, batch: _Batch) -> None:
        stage = batch.stage
        while batch.begun < stage.jobs and self.idle >= stage.width:
            self.idle -= stage.width
            self.begun += 1
            batch.begun += 1
            batch.running[self.begun] = self.now
            self.owners[self.begun] = (search, batch)
            spread = math.exp(self.sigma * self.rng.standard_normal() - self.sigma**2 / 2) if self.sigma else 1.0
            heapq.heappush(self.events, (self.now + stage.seconds * spread, self.begun))

    def _free_(self, number: int) -> float:
        """Ends a training, and returns the seconds of workers that it took."""
        _, batch = self.owners.pop(number)
        taken = batch.stage.width * (self.now - batch.running.pop(number))
        self.idle += batch.stage.width
        self.busy_seconds += taken
        return taken

    def _drop_(self, batch: _Batch) -> None:
        self.wasted_seconds += batch.spent + sum(self._free_(number) for number in list(batch.running))

    def _close_(self, search: _Search) -> None:
        batch = search.current
        assert batch is not None
        self.counted += batch.finished
        self.wasted_seconds += sum(self._free_(number) for number in list(batch.running))
        search.place += 1
        is_over = search.place == len(search.stages)
        search.current = None if is_over else search.ahead or _Batch(search.stages[search.place])
        search.ahead = None
        search.ended = self.now
