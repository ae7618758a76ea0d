"""The settings of a run and the defaults beside them, as flat values."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from sparsecnn.config.compose import WIRING, compose, read_saved


def saved_settings(saved: Path) -> dict[str, object]:
    """A value for each dotted key of the configuration of a run; DataError for a file that holds none."""
    return dict(_flat(OmegaConf.to_container(read_saved(saved)), ""))


def default_settings(command: str) -> dict[str, object]:
    """The same of `command` ("train", "greedy_search") without overrides, as they are today."""
    nodes = OmegaConf.to_container(compose(command, []).nodes, resolve=True)
    assert isinstance(nodes, dict)
    return dict(_flat({name: node for name, node in nodes.items() if name not in WIRING}, ""))


def _flat(node: Any, prefix: str) -> Iterator[tuple[str, object]]:
    if not isinstance(node, dict) or not node:
        yield prefix, node
        return
    for name, branch in node.items():
        yield from _flat(branch, f"{prefix}.{name}" if prefix else str(name))
