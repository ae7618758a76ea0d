"""Jobs of a Slurm cluster, one for each task, through submitit."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparsecnn.errors import ConfigError
from sparsecnn.executors.answers import Answer, Desk
from sparsecnn.executors.crew import Crew, crew
from sparsecnn.executors.types import Prepare

try:
    import submitit
    from submitit.core.utils import UncompletedJobError
except ImportError as error:
    raise ConfigError("executor=submitit needs the package: pip install 'sparsecnn[submitit]'") from error


@dataclass(frozen=True)
class Slurm:
    """At most `jobs` jobs at a time, with `threads` CPU threads each; each reads the data where it runs.

    `folder` takes the files of the jobs and must be on a file system that all nodes share, as must the run folder.
    `cluster` is submitit's name of it ("slurm", or "local" for processes of this machine; None takes the one that is
    there); `parameters` are its own (timeout_min, gpus_per_node, slurm_partition and so on), None leaves one out.
    """

    jobs: int = 16
    threads: int = 1
    folder: str = "slurm"
    cluster: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("jobs", "threads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"executor.{name} must be at least 1, got {getattr(self, name)}")

    @property
    def at_once(self) -> int:
        """The number of jobs."""
        return self.jobs

    def start(self, prepare: Prepare) -> AbstractContextManager[Crew]:
        """Nothing runs before the first task."""
        parameters = {name: value for name, value in self.parameters.items() if value is not None}
        try:
            cluster = submitit.AutoExecutor(folder=Path(self.folder), cluster=self.cluster)
            if self.cluster is None and cluster.cluster == "local":
                raise ConfigError("there is no Slurm here; executor.cluster=local runs jobs as processes")
            cluster.update_parameters(name="sparsecnn", **parameters)
        except (ValueError, RuntimeError, TypeError, NameError) as error:
            raise ConfigError(f"executor=submitit: {str(error).splitlines()[0]}") from error
        desk = Desk(prepare.afresh(), self.threads)
        return crew(lambda number: JobWorker(number, cluster, desk), self.jobs)

    def follow(self, prepare: Prepare) -> bool:
        """This process leads."""
        return False


class JobWorker:
    """A place in the queue: it holds one job at a time."""

    def __init__(self, number: int, cluster: Any, desk: Desk) -> None:
        self.number, self.cluster, self.desk = number, cluster, desk
        self.job: Any = None

    def perform(self, task: Any) -> Answer | None:
        """The answer to the task, waited for; None when its job ended without one."""
        self.job = self.cluster.submit(self.desk.answer, task)
        try:
            answer: Answer = self.job.result()
        except UncompletedJobError:
            return None
        return answer

    def dismiss(self) -> None:
        """There is no job."""

    def kill(self) -> None:
        """Cancels the job."""
        if self.job is not None:
            self.job.cancel()
