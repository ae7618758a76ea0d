"""Seeds of repetitions."""

from collections.abc import Sequence

from sparsecnn.errors import ConfigError


def checked_seeds(seeds: Sequence[int]) -> Sequence[int]:
    """`seeds` as they are; ConfigError when there is none, one twice, or one that is not in [0, 2^63 - 1]."""
    if not seeds:
        raise ConfigError("seeds must name at least one seed")
    if any(isinstance(seed, bool) for seed in seeds):
        raise ConfigError(f"seeds must be whole numbers, got {list(seeds)}")
    if len(set(seeds)) < len(seeds):
        raise ConfigError(f"seeds must differ, got {list(seeds)}")
    if min(seeds) < 0:
        raise ConfigError(f"seeds must be at least 0, got {min(seeds)}")
    if max(seeds) >= 2**63:
        raise ConfigError(f"seeds must be below 2^63, got {max(seeds)}")
    return seeds
