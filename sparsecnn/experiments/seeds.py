"""Seeds of repetitions."""

from collections.abc import Sequence

from sparsecnn.errors import ConfigError


def checked_seeds(seeds: Sequence[int]) -> Sequence[int]:
    """`seeds` as they are; ConfigError when there is none, one twice, or a negative one."""
    if not seeds:
        raise ConfigError("seeds must name at least one seed")
    if len(set(seeds)) < len(seeds):
        raise ConfigError(f"seeds must differ, got {list(seeds)}")
    if min(seeds) < 0:
        raise ConfigError(f"seeds must be at least 0, got {min(seeds)}")
    return seeds
