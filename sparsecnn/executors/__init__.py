"""Where tasks run: in this process, in processes beside it, on other machines. It knows nothing of networks."""

from sparsecnn.executors.local import Local
from sparsecnn.executors.serial import Serial
from sparsecnn.executors.types import Executor, Pool, PoolClosedError, WorkerLostError

__all__ = ["Executor", "Local", "Pool", "PoolClosedError", "Serial", "WorkerLostError"]
