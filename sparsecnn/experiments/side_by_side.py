"""Searches that wait for workers, several at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from sparsecnn.executors import Pool

Search = Callable[[], str | None]


def side_by_side(searches: Sequence[Search], pool: Pool, at_once: int) -> list[str | None]:
    """What the searches return, in their order; `at_once` of them run at a time, each in a thread of its own.

    The first error, or an interruption, closes `pool`, which ends the others, and is raised.
    """
    if at_once == 1 or len(searches) == 1:
        return [search() for search in searches]
    with ThreadPoolExecutor(at_once) as threads:
        futures = [threads.submit(search) for search in searches]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:  # one that was ended by another's error may come first in the order
                future.result()
        except BaseException:
            pool.close()
            threads.shutdown(cancel_futures=True)
            raise
        return [future.result() for future in futures]
