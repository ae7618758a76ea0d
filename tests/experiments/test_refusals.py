"""What is refused before anything is trained."""

from pathlib import Path

import pytest
from running import SEARCH, Counting, run

from sparsecnn.config import build, compose
from sparsecnn.errors import ConfigError


def test_a_search_needs_a_validation_split() -> None:
    with pytest.raises(ConfigError, match="greedy-search chooses on a validation split"):
        build(compose("greedy_search", ["validation.share=0"]).nodes)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["seeds=[]"], "seeds must name at least one seed"),
        (["seeds=[1,1]"], r"seeds must differ, got \[1, 1\]"),
        (["seeds=[-1]"], "seeds must be at least 0, got -1"),
        ([f"seeds=[{2**63}]"], r"seeds must be below 2\^63"),
        (["search.target_memory=tiny"], "search.target_memory: memory must be above 0, like 65536"),
    ],
)
def test_bad_values_are_refused_before_anything_is_trained(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(compose("greedy_search", overrides).nodes)


def test_a_regularizer_that_cannot_be_built_is_refused_before_the_base_is_trained(tmp_path: Path) -> None:
    progress = Counting()
    options = [*SEARCH, "search.rounds=1", "regularizer=fixed_support", "regularizer.projected=2"]
    with pytest.raises(ConfigError, match=r"regularizer\.projected must be in \[0, 1\), got 2"):
        run(tmp_path, "greedy_search", options, progress)
    assert progress.titles == []


def test_a_regularizer_without_a_support_is_refused_before_the_base_is_trained(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "regularizer._target_=collections.OrderedDict"]
    with pytest.raises(ConfigError, match="regularizer"):
        run(tmp_path, "greedy_search", options)
