"""A recorder with its pool of workers, open for as long as an experiment needs them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sparsecnn.executors import Executor
from sparsecnn.experiments.progress import Progress
from sparsecnn.experiments.recording import EpochBook, EpochLog, Recorder
from sparsecnn.experiments.run_folder import Run
from sparsecnn.experiments.work import Preparation
from sparsecnn.experiments.workbench import Workbench


@contextmanager
def opened(
    run: Run,
    bench: Workbench,
    executor: Executor,
    identity: Mapping[str, Any],
    progress: Progress,
    epoch_logs: tuple[EpochLog, ...] = (),
) -> Iterator[Recorder]:
    """Inside, the recorder has jobs of `run` done by workers of `executor`; they end with it."""
    book = EpochBook(run, epoch_logs)
    with executor.start(Preparation(bench.parts, bench, progress, book)) as pool:
        yield Recorder(run, bench, pool, executor.at_once, book, identity, progress)
